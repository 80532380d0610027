import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { AnyscaleClient } from "../../src/anyscale/client.ts";
import { AnyscaleError } from "../../src/anyscale/errors.ts";
import { startTestEmulator } from "../support/emulator.ts";

const TOKEN = "aph0_very-secret";
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

/** A client of a server that answers everything like this. */
async function clientOf(listener: RequestListener, timeoutMs = 5_000): Promise<AnyscaleClient> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  servers.push(server);
  await new Promise((done) => server.once("listening", done));
  const { port } = server.address() as AddressInfo;
  return new AnyscaleClient({ host: `http://127.0.0.1:${port}/`, token: TOKEN, timeoutMs });
}

async function failureOf(call: Promise<unknown>): Promise<AnyscaleError> {
  const error = await call.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof AnyscaleError) return error;
  throw new Error(`not an AnyscaleError: ${String(error)}`);
}

describe("AnyscaleClient", () => {
  it("shows its token as the API wants it and makes one attempt per call", async () => {
    const seen: unknown[] = [];
    const client = await clientOf((request, response) => {
      seen.push([request.method, request.url, request.headers.cookie]);
      response.writeHead(503).end();
    });
    await failureOf(client.jobs.get("prodjob_1"));
    expect(seen).toEqual([["GET", "/ext/v0/production_jobs/prodjob_1", `cli_token=${TOKEN}`]]);
  });

  it.each([
    [400, "invalid"],
    [401, "unauthorized"],
    [403, "forbidden"],
    [404, "not-found"],
    [408, "unavailable"],
    [409, "conflict"],
    [413, "invalid"],
    [429, "rate-limited"],
    [500, "unavailable"],
    [503, "unavailable"],
    [302, "unexpected-reply"],
  ])(
    "turns status %i into the kind %s with the server's words and request id, never the token",
    async (status, kind) => {
      const client = await clientOf((_request, response) => {
        response.writeHead(status, { "x-trace-id": "trace-7", location: "/login" });
        response.end(JSON.stringify({ error: { detail: "the words" } }));
      });
      const error = await failureOf(client.jobs.get("prodjob_1"));
      expect(error).toMatchObject({
        kind,
        status,
        requestId: "trace-7",
        retryAfterMs: null,
        name: error.constructor.name,
      });
      expect(error.message).toContain("GET /ext/v0/production_jobs/prodjob_1");
      expect(error.message).toContain("the words");
      expect(`${error.stack} ${JSON.stringify(error)}`).not.toContain(TOKEN);
    },
  );

  it("reads a 422, whose text is in the message and whose detail is a list", async () => {
    const client = await clientOf((_request, response) => {
      response
        .writeHead(422)
        .end(JSON.stringify({ error: { message: "name: too long", detail: [{ loc: ["name"] }] } }));
    });
    const error = await failureOf(client.jobs.get("prodjob_1"));
    expect([error.kind, error.message]).toEqual(["invalid", expect.stringContaining("name: too long")]);
  });

  it.each([
    ["2", 2000],
    [new Date(Date.now() - 1000).toUTCString(), 0],
    ["soon", null],
  ])("reads Retry-After: %s as %s ms", async (value, ms) => {
    const client = await clientOf((_request, response) => response.writeHead(429, { "retry-after": value }).end());
    expect((await failureOf(client.jobs.get("prodjob_1"))).retryAfterMs).toBe(ms);
  });

  it.each([
    ["HTML with 200", 200, "<html>Sign in</html>", "it answered HTML"],
    ["no JSON", 200, "{", "did not answer as the Anyscale API"],
    ["a result without its fields", 200, '{"result":{"id":7}}', "result"],
    ["404 of another server", 404, '{"detail":"Not Found"}', "unknown to this server"],
  ])("calls %s an unexpected reply", async (_case, status, text, why) => {
    const client = await clientOf((_request, response) => response.writeHead(status).end(text));
    const error = await failureOf(client.jobs.get("prodjob_1"));
    expect([error.kind, error.status]).toEqual(["unexpected-reply", status]);
    expect(error.message).toContain(why);
  });

  it("gives up after its timeout, also in the middle of an answer", async () => {
    const silent = await clientOf(() => undefined, 50);
    expect(await failureOf(silent.user())).toMatchObject({
      kind: "unavailable",
      message: expect.stringContaining("50 ms"),
    });
    const stuck = await clientOf((_request, response) => response.writeHead(200).write('{"result":'), 50);
    expect(await failureOf(stuck.user())).toMatchObject({ kind: "unavailable", status: null });
  });

  it("says so when there is no server", async () => {
    const client = await clientOf(() => undefined);
    servers.splice(0).forEach((server) => server.close());
    expect(await failureOf(client.user())).toMatchObject({ kind: "unavailable", status: null, retryAfterMs: null });
  });

  it("throws the caller's own reason when the caller aborts", async () => {
    const client = await clientOf(() => undefined);
    const controller = new AbortController();
    const call = client.user({ signal: controller.signal });
    controller.abort(new RangeError("cancelled"));
    await expect(call).rejects.toThrow(RangeError);
  });

  it.each([
    ["console.anyscale.com", TOKEN, "ANYSCALE_HOST"],
    ["ftp://console.anyscale.com", TOKEN, "ANYSCALE_HOST"],
    ["https://console.anyscale.com/?a=b", TOKEN, "ANYSCALE_HOST"],
    ["https://console.anyscale.com/#top", TOKEN, "ANYSCALE_HOST"],
    ["https://me:pw@console.anyscale.com", TOKEN, "ANYSCALE_HOST"],
    ["https://console.anyscale.com", "", "ANYSCALE_CLI_TOKEN"],
    ["https://console.anyscale.com", "ghp_other", "ANYSCALE_CLI_TOKEN"],
    ["https://console.anyscale.com", "aph0_a\r\nX-Evil: 1", "ANYSCALE_CLI_TOKEN"],
  ])("refuses host %s with token %j before anything is sent", (host, token, advice) => {
    expect(() => new AnyscaleClient({ host, token })).toThrow(advice);
  });

  it("does not repeat a password that a host has", () => {
    expect(() => new AnyscaleClient({ host: "https://me:hidden@api.example", token: TOKEN })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining("hidden") }),
    );
  });

  it.each([0, -5, Number.NaN, 2 ** 31])("refuses a timeout of %d ms before anything is sent", (timeoutMs) => {
    expect(() => new AnyscaleClient({ host: "https://api.example", token: TOKEN, timeoutMs })).toThrow(
      expect.objectContaining({ kind: "invalid", message: expect.stringContaining("timeoutMs") }),
    );
  });

  it("encodes ids and refuses those that would name another resource", async () => {
    const urls: (string | undefined)[] = [];
    const client = await clientOf((request, response) => {
      urls.push(request.url);
      response.writeHead(500).end();
    });
    await failureOf(client.jobs.get("a/../b?c"));
    expect(urls).toEqual(["/ext/v0/production_jobs/a%2F..%2Fb%3Fc"]);
    expect((await failureOf(client.jobs.get(".."))).kind).toBe("invalid");
    expect((await failureOf(client.jobs.terminate(""))).kind).toBe("invalid");
    expect(urls).toHaveLength(1);
  });

  it("tells who the token belongs to", async () => {
    const emulator = await startTestEmulator();
    expect(await emulator.client.user()).toMatchObject({ id: expect.stringMatching(/^usr_/) });
    await emulator.stop();
  });
});
