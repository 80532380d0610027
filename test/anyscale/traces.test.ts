import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AnyscaleClient } from "../../src/anyscale/client.ts";
import { DEFAULT_TOKEN } from "../../src/emulator/server.ts";
import { aDeployment, aDirectory, aJob, startTestEmulator } from "../support/emulator.ts";

/** What a client sent, as recorded from the official one. */
interface Call {
  method: string;
  path: string;
  query: Record<string, string>;
  body: unknown;
}

/** Requests of a recorded session of the official Python SDK. */
function trace(name: string): Call[] {
  const url = new URL(`../conformance/traces/${name}.json`, import.meta.url);
  const { steps } = JSON.parse(readFileSync(url, "utf8")) as { steps: { request: Call }[] };
  return steps.map(({ request: { method, path, query, body } }) => ({ method, path, query, body }));
}

let emulator: Awaited<ReturnType<typeof startTestEmulator>>;
let directory: string;
let sent: Call[] = [];
let client: AnyscaleClient;

beforeAll(async () => {
  emulator = await startTestEmulator();
  directory = aDirectory({ "jobdir/main.py": "", "jobdir/.gitignore": "", "svc/app.py": "" });
  client = new AnyscaleClient({
    host: emulator.url,
    token: DEFAULT_TOKEN,
    fetch: async (input, init) => {
      const url = new URL(input);
      const body = typeof init.body === "string" ? JSON.parse(init.body) : null;
      sent.push({ method: init.method ?? "", path: url.pathname, query: Object.fromEntries(url.searchParams), body });
      return await fetch(input, init);
    },
  });
});
afterAll(async () => {
  await emulator.stop();
  rmSync(directory, { recursive: true });
});

/** With what differs by nature made equal: the emulator's own ids, hashes, and the directory's parent. */
function comparable(calls: Call[]): Call[] {
  const text = JSON.stringify(calls)
    .replaceAll(/(cld|prj|cpt|bld)_[A-Za-z0-9]+/g, "$1_x")
    .replaceAll(/s3:\/\/[^"]*pkg_[0-9a-f]{32}/g, "s3://bucket/pkg")
    .replaceAll(/pkg_[0-9a-f]{32}/g, "pkg")
    .replaceAll(/"\/bucket\/[^"]*"/g, '"/bucket/file"')
    .replaceAll(/"(X-Amz-Signature|signature)":"[^"]*"/g, '"signature":"x"')
    .replaceAll(`${directory}/`, "");
  return JSON.parse(text) as Call[];
}

const call = (calls: Call[], path: string) => comparable(calls).find((one) => one.path.endsWith(path));

describe("Jobs.submit against the recorded official client", () => {
  it("sends the same body, and calls nothing that the official client does not", async () => {
    const recorded = trace("job_submit_local_workdir");
    sent = [];
    await client.jobs.submit(
      aJob({
        name: "job-local",
        entrypoint: "python main.py",
        workingDirectory: join(directory, "jobdir"),
        envVars: { GREETING: "hi" },
        timeoutSeconds: 600,
        tags: { team: "ft" },
      }),
    );
    expect(call(sent, "/create")?.body).toEqual(call(recorded, "/create")?.body);
    expect(call(sent, "presigned_url")).toEqual(call(recorded, "presigned_url"));
    const official = comparable(recorded).map(({ method, path, query }) => JSON.stringify({ method, path, query }));
    const ours = comparable(sent).filter(({ path }) => path !== "/bucket/file");
    for (const { method, path, query } of ours) expect(official).toContain(JSON.stringify({ method, path, query }));
  });

  it("uploads equal content once and keeps look-ups that cannot change", async () => {
    sent = [];
    await client.jobs.submit(aJob({ workingDirectory: join(directory, "jobdir") }));
    expect(comparable(sent).map(({ method, path }) => `${method} ${path}`)).toEqual([
      "GET /ext/v0/cluster_computes/default",
      "POST /api/v2/clouds/cld_x/generate_cloud_data_bucket_presigned_url",
      "POST /api/v2/decorated_ha_jobs/create",
    ]);
  });
});

describe("Services.deploy against the recorded official client", () => {
  const deployment = (version: string) =>
    aDeployment({
      version,
      application: { importPath: "app:app", args: {} },
      envVars: { APP_VERSION: version },
      autoCompleteRollout: true,
    });

  it.each([
    ["service_deploy_new", { ...deployment("v1"), tags: { team: "ft" } }],
    ["service_canary50", { ...deployment("v2"), canaryPercent: 50 }],
    ["service_canary100", { ...deployment("v2"), canaryPercent: 100 }],
  ])("sends the body of %s", async (name, wanted) => {
    sent = [];
    await client.services.deploy({ ...wanted, workingDirectory: join(directory, "svc") });
    expect(call(sent, "/apply")).toEqual(call(trace(name), "/apply"));
  });

  it("finds a service as the official client does", async () => {
    sent = [];
    await client.services.find("svc");
    const [official] = comparable(trace("service_deploy_new"));
    expect(sent).toEqual([official]);
  });
});
