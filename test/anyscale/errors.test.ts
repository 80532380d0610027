import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import type { AnyscaleClient } from "../../src/anyscale/client.ts";
import { AnyscaleError } from "../../src/anyscale/errors.ts";
import { ANSWERED, type Answer, CANARY_TOKEN, startApiServer } from "../support/api-server.ts";

const patience = { timeoutMs: 40, pollMs: 5 };

/** Every call that the client can make. */
const CALLS: Record<string, (client: AnyscaleClient) => Promise<unknown>> = {
  user: async (client) => await client.user(),
  submit: async ({ jobs }) => await jobs.submit({ name: "j", entrypoint: "true", workingDirectory: "test/support" }),
  create: async ({ jobs }) => await jobs.create({ name: "j", config: { entrypoint: "true" } }),
  get: async ({ jobs }) => await jobs.get("prodjob_1"),
  runs: async ({ jobs }) => await jobs.runs("prodjob_1"),
  wait: async ({ jobs }) => await jobs.wait("prodjob_1", patience),
  logs: async ({ jobs }) => await jobs.logs("prodjob_1", { retryMs: 40, pollMs: 5 }).next(),
  follow: async ({ jobs }) => await jobs.logs("prodjob_1", { retryMs: 40, pollMs: 5, follow: true }).next(),
  logTail: async ({ jobs }) => await jobs.logTail("prodjob_1", { maxLines: 1 }),
  list: async ({ jobs }) => await jobs.list(),
  terminate: async ({ jobs }) => await jobs.terminate("prodjob_1"),
  archive: async ({ jobs }) => await jobs.archive("prodjob_1"),
  delete: async ({ jobs }) => await jobs.delete("prodjob_1"),
  setQueuePriority: async ({ jobs }) => await jobs.setQueuePriority("prodjob_1", 0),
  tags: async ({ jobs }) => await jobs.tags.add("prodjob_1", { a: "b" }),
  queue: async ({ jobQueues }) => await jobQueues.list(),
  usage: async ({ usage }) => await usage.costOfJob("prodjob_1", { from: "2026-01-01", to: "2026-01-02" }),
  cloud: async ({ lookups }) => await lookups.cloudId("c"),
  computeConfig: async ({ lookups }) => await lookups.computeConfigId("c", "cld_1"),
  service: async ({ services }) => await services.find("s"),
  serviceWait: async ({ services }) => await services.wait("s", patience),
  deploy: async ({ services }) => await services.deploy({ name: "s", application: { importPath: "a:b" } }),
};

const quoting = JSON.stringify({ error: { detail: `no such token: ${CANARY_TOKEN}, sent as ${CANARY_TOKEN}` } });
const status =
  (code: number): Answer =>
  (_request, response) => {
    response.writeHead(code, { "x-trace-id": "trace-7", location: `/login?token=${CANARY_TOKEN}` }).end(quoting);
    return ANSWERED;
  };

const FAILURES: Record<string, Answer> = {
  ...Object.fromEntries([302, 400, 401, 403, 404, 409, 422, 429, 500, 503].map((code) => [code, status(code)])),
  "a page of HTML": (_request, response) => {
    response.end(`<html>${CANARY_TOKEN}</html>`);
    return ANSWERED;
  },
  "half a JSON": (_request, response) => {
    response.end(`{"result": {"token": "${CANARY_TOKEN}"`);
    return ANSWERED;
  },
  "a cut connection": (_request, response) => {
    response.destroy();
    return ANSWERED;
  },
  silence: () => ANSWERED,
};

describe.each(Object.entries(FAILURES))("after %s", (failure, answer) => {
  it.each(Object.entries(CALLS))(
    "%s fails with an error of the client's own, without the token",
    async (_call, call) => {
      const { client, requests } = await startApiServer(answer, failure === "silence" ? 30 : 5_000);
      const error: unknown = await call(client).then(
        (value) => `no error but ${JSON.stringify(value)}`,
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(AnyscaleError);
      // Not refused before it was sent.
      expect(error).not.toMatchObject({ kind: "invalid", status: null });
      expect(inspect(error, { depth: null, showHidden: true })).not.toContain(CANARY_TOKEN);
      expect(String(error instanceof Error && error.stack)).not.toContain(CANARY_TOKEN);
      expect(requests.join()).not.toContain(CANARY_TOKEN);
    },
  );
});

describe("AnyscaleError", () => {
  it("does not quote an answer of another shape", async () => {
    const { client } = await startApiServer(() => ({ result: { id: 7, name: [CANARY_TOKEN], [CANARY_TOKEN]: 1 } }));
    const error = await client.jobs.get("prodjob_1").catch((reason: unknown) => reason);
    expect(error).toMatchObject({ kind: "unexpected-reply" });
    expect(inspect(error, { depth: null, showHidden: true })).not.toContain(CANARY_TOKEN);
  });

  it.each([
    [401, /set ANYSCALE_CLI_TOKEN/],
    [429, /try again later/],
    [503, /try again later/],
    [302, /redirect/],
  ])("says what to do after %i", async (code, advice) => {
    const { client } = await startApiServer(status(code));
    const error = await client.jobs.get("prodjob_1").catch((reason: unknown) => reason);
    expect(String(error)).toMatch(advice);
    expect(error).toMatchObject({ status: code, requestId: "trace-7" });
  });
});
