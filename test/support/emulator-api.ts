/** Calls of the emulator's API as the official clients make them: for what our own client has no method for, or refuses. */
import { strToU8, zipSync } from "fflate";
import { DEFAULT_TOKEN } from "../../src/emulator/server.ts";
import { ended, type EmulatorHandle } from "./emulator.ts";

/** What came back, in whichever of the API's forms. */
export interface ApiAnswer {
  status: number;
  result: Record<string, unknown>;
  results: Record<string, unknown>[];
  metadata: Record<string, unknown>;
  /** Why it was refused, as text. */
  error: string;
}

/** Calls one route with the default token. */
export async function callApi(url: string, method: string, path: string, body?: unknown): Promise<ApiAnswer> {
  const response = await fetch(url + path, {
    method,
    headers: { Cookie: `cli_token=${DEFAULT_TOKEN}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answer = (await response.json()) as Partial<ApiAnswer> | null;
  return {
    status: response.status,
    result: answer?.result ?? {},
    results: answer?.results ?? [],
    metadata: answer?.metadata ?? {},
    error: JSON.stringify(answer?.error ?? ""),
  };
}

/** How a job went. */
export interface Ended {
  /** Of the last attempt, the last 50. */
  lines: string[];
  state: string;
  error: string;
}

/** Submits a job, `echo ran` unless told otherwise, with these files in its working directory; answers once it has ended. */
export async function runJob(on: EmulatorHandle, config: object, files?: Record<string, string>): Promise<Ended> {
  const { runtime_env: runtimeEnv, ...rest } = config as { runtime_env?: object };
  const inFolder = Object.entries(files ?? {}).map(([name, text]) => [`top/${name}`, strToU8(text)] as const);
  const archive = zipSync(Object.fromEntries(inFolder));
  const workingDir = files === undefined ? {} : { working_dir: await upload(on, "code.zip", archive) };
  const answer = await callApi(on.url, "POST", "/api/v2/decorated_ha_jobs/create", {
    name: "n",
    config: { entrypoint: "echo ran", max_retries: 0, ...rest, runtime_env: { ...runtimeEnv, ...workingDir } },
  });
  const job = await ended(on, String(answer.result["id"]), 60_000);
  const lines = await on.client.jobs.logTail(job.id, { maxLines: 50 });
  return { lines, state: job.state.current_state, error: job.state.error ?? "" };
}

let uploads = 0;

/** Uploads an archive to the emulator's bucket; answers its URI. */
export async function upload(on: EmulatorHandle, name: string, bytes: Uint8Array): Promise<string> {
  const path = "/api/v2/clouds/cld_local0001/generate_cloud_data_bucket_presigned_url";
  const { result } = await callApi(on.url, "POST", path, { file_name: `${uploads++}_${name}` });
  await fetch(String(result["url"]), { method: "PUT", body: new Uint8Array(bytes) });
  return String(result["file_uri"]);
}
