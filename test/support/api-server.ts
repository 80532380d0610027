/** A local server that stands for the API where a test decides each answer, and what it was asked. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll } from "vitest";
import { AnyscaleClient } from "../../src/anyscale/client.ts";

/** The token of clients of these servers: nowhere but in a header may it be seen. */
export const CANARY_TOKEN = "aph0_canary-that-must-not-be-seen";

/** A running server. */
export interface ApiServer {
  url: string;
  client: AnyscaleClient;
  /** Method, path and query of every request so far. */
  requests: string[];
}

/** Answers one request: a value as JSON, or by itself. Its body is in `body`. */
export type Answer = (request: IncomingMessage & { body: string }, response: ServerResponse, url: URL) => unknown;

/** Answered by the listener itself. */
export const ANSWERED = Symbol("answered");

/** A server on a free port of loopback; it ends with the tests of the file. */
export async function startApiServer(answer: Answer, timeoutMs = 5_000): Promise<ApiServer> {
  const requests: string[] = [];
  const listener = async (request: IncomingMessage, response: ServerResponse) => {
    requests.push(`${request.method} ${request.url}`);
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const body = Buffer.concat(pieces).toString();
    const value = await answer(Object.assign(request, { body }), response, new URL(request.url ?? "/", "http://x"));
    if (value !== ANSWERED) response.end(value === undefined ? "" : JSON.stringify(value));
  };
  const server = createServer((request, response) => void listener(request, response));
  server.listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  afterAll(() => {
    server.close().closeAllConnections();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, requests, client: new AnyscaleClient({ host: url, token: CANARY_TOKEN, timeoutMs }) };
}

/** A job as the API answers it. */
export function apiJob(overrides: object = {}): object {
  return {
    id: "prodjob_1",
    name: "games-12",
    created_at: "2026-01-01T00:00:00+00:00",
    project_id: "prj_1",
    config: { entrypoint: "true" },
    state: { current_state: "RUNNING" },
    last_job_run_id: "job_1",
    ...overrides,
  };
}
