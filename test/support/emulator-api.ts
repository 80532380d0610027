/** Calls of the emulator's API as the official clients make them: for what our own client has no method for, or refuses. */
import { DEFAULT_TOKEN } from "../../src/emulator/server.ts";

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
