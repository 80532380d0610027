import { readFileSync } from "node:fs";
import { createServer as createHttpServer, type IncomingMessage, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { createServer as createSocketServer, type AddressInfo, type Server } from "node:net";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { gzipSync } from "node:zlib";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { createGuardedAgent } from "../../src/adapters/guarded-agent.ts";
import { exchange } from "../../src/adapters/http-exchange.ts";
import { AnswerFailure, createSafeHttp, type HttpRequest, type SafeHttp } from "../../src/adapters/safe-http.ts";
import { TypedFailure } from "../../src/domain/failures.ts";

const tls = (file: string): string => readFileSync(new URL(`../fixtures/tls/${file}.pem`, import.meta.url), "utf8");
beforeAll(() => setDefaultCACertificates([...getCACertificates(), tls("cert")]));

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A server on loopback, closed with the test. */
async function listening(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  servers.push(server);
  server.on("connection", (socket) => afterSockets.add(socket));
  return (server.address() as AddressInfo).port;
}
const afterSockets = new Set<{ destroy(): void }>();
afterEach(() => {
  for (const socket of afterSockets) socket.destroy();
  afterSockets.clear();
});

/** What a server was asked, and where it is. */
interface Served {
  host: string;
  url: string;
  requests: IncomingMessage[];
}
async function serve(answer: RequestListener): Promise<Served> {
  const requests: IncomingMessage[] = [];
  const port = await listening(
    createHttpServer((request, response) => {
      requests.push(request);
      answer(request, response);
    }),
  );
  return { host: `127.0.0.1:${port}`, url: `http://127.0.0.1:${port}`, requests };
}

/** Bytes that are sent as they are, however wrong. */
async function serveBytes(bytes: string, end = true): Promise<Served> {
  const port = await listening(
    createSocketServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => (end ? socket.end(bytes) : socket.write(bytes)));
    }),
  );
  return { host: `127.0.0.1:${port}`, url: `http://127.0.0.1:${port}`, requests: [] };
}

const httpFor = (...hosts: string[]): SafeHttp => createSafeHttp({ allowHosts: hosts })(null);
const { signal } = new AbortController();
const ask = (http: SafeHttp, request: Partial<HttpRequest> & { url: string }): Promise<string> =>
  http.request({ signal, ...request }).then(async ({ body }) => {
    const pieces: Uint8Array[] = [];
    for await (const piece of body) pieces.push(piece);
    return Buffer.concat(pieces).toString();
  });
async function failure(promise: Promise<unknown>): Promise<TypedFailure> {
  const error: unknown = await promise.then(
    () => new Error("it was answered"),
    (reason: unknown) => reason,
  );
  if (error instanceof TypedFailure) return error;
  throw error;
}

describe("createSafeHttp, for addresses", () => {
  it.each([
    ["http://reviews.example/", /must be https/],
    ["file:///etc/passwd", /must be https/],
    ["gopher://reviews.example/", /must be https/],
    ["ftp://reviews.example/", /must be https/],
    ["https://user:k1ng@reviews.example/", /must not have a name or password/],
    ["https://t0ken@reviews.example/", /must not have a name or password/],
    ["reviews.example/feedback", /write https:/],
    ["https://", /write https:/],
  ])("refuses %s before it asks anybody", async (url, message) => {
    let looked = 0;
    const http = createSafeHttp({
      allowHosts: [],
      resolve: async () => {
        looked++;
        return [];
      },
    })(null);
    const error = await failure(ask(http, { url }));
    expect(error).toMatchObject({ type: "Refused", message: expect.stringMatching(message) });
    expect(error.message).not.toMatch(/k1ng|t0ken/);
    expect(looked).toBe(0);
  });

  it.each([
    "127.0.0.1",
    "[::1]",
    "0x7f000001",
    "2130706433",
    "0177.0.0.1",
    "127.1",
    "[::ffff:10.0.0.1]",
    "[::ffff:127.0.0.1]",
    "169.254.169.254",
    "[64:ff9b::a9fe:a9fe]",
    "[2002:7f00:1::]",
    "[fe80::1]",
    "[fd00::1]",
    "100.64.0.1",
    "192.168.1.1",
    "224.0.0.1",
    "0.0.0.0",
    "[::]",
  ])("refuses https://%s without a connection", async (host) => {
    let connections = 0;
    const port = await listening(createSocketServer((socket) => void (connections++, socket.destroy())));
    const error = await failure(ask(httpFor(), { url: `https://${host}:${port}/` }));
    expect(error.type).toBe("Refused");
    expect(error.message).toMatch(/no public address.*TUNELOOP_ALLOW_HOSTS/);
    expect(connections).toBe(0);
  });

  it.each([
    ["a private address", ["127.0.0.1"]],
    ["a private address beside a public one", ["3ffe::1", "127.0.0.1"]],
    ["an IPv4-mapped address", ["::ffff:127.0.0.1"]],
    ["a NAT64 address", ["64:ff9b::7f00:1"]],
  ])("refuses a name that leads to %s", async (_, addresses) => {
    let connections = 0;
    const port = await listening(createSocketServer((socket) => void (connections++, socket.destroy())));
    const resolve = async () => addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
    const http = createSafeHttp({ allowHosts: [], resolve })(null);
    const error = await failure(ask(http, { url: `https://reviews.example:${port}/` }));
    expect(error).toMatchObject({ type: "Refused", message: expect.stringContaining("reviews.example leads to") });
    expect(connections).toBe(0);
  });

  it("connects to the address that was checked, however the name answers the next time", async () => {
    let connections = 0;
    const port = await listening(createSocketServer((socket) => void (connections++, socket.destroy())));
    // Given back long ago, so that nobody is there.
    const answers = ["3ffe::1", "127.0.0.1"];
    const asked: string[] = [];
    const resolve = async (name: string) => {
      asked.push(name);
      const address = answers[asked.length - 1] ?? "127.0.0.1";
      return [{ address, family: address.includes(":") ? 6 : 4 }];
    };
    const http = createSafeHttp({ allowHosts: [], resolve })(null);
    const url = `https://reviews.example:${port}/`;
    expect(await failure(ask(http, { url, timeoutMs: 1000 }))).toMatchObject({ type: "Unavailable" });
    expect(asked).toEqual(["reviews.example"]);
    expect(await failure(ask(http, { url, timeoutMs: 1000 }))).toMatchObject({ type: "Refused" });
    expect(connections).toBe(0);
  });

  it("reaches a host that is allowed by name, also by http, and no other port of it", async () => {
    const { host, url } = await serve((_, response) => response.end("hello"));
    const other = await serve((_, response) => response.end("hidden"));
    const http = httpFor(host.toUpperCase());
    expect(await ask(http, { url })).toBe("hello");
    expect(await failure(ask(http, { url: other.url }))).toMatchObject({ type: "Refused" });
    expect(other.requests).toEqual([]);
  });

  it("speaks TLS, and checks the certificate's name", async () => {
    const server = createTlsServer({ key: tls("key"), cert: tls("cert") }, (_, response) => response.end("safe"));
    const port = await listening(server);
    const http = httpFor(`localhost:${port}`, `127.0.0.1:${port}`);
    expect(await ask(http, { url: `https://localhost:${port}/` })).toBe("safe");
    const error = await failure(ask(http, { url: `https://127.0.0.1:${port}/` }));
    expect(error).toMatchObject({ type: "Unavailable", message: expect.stringMatching(/altnames|certificate/i) });
  });
});

describe("createSafeHttp, for redirects", () => {
  const redirectTo = (location: string, status = 302) =>
    serve((_, response) => response.writeHead(status, { location }).end());

  it.each([301, 302, 303, 307, 308])("follows a %d to another place of the host", async (status) => {
    const { host, url, requests } = await serve((request, response) => {
      if (request.url === "/new?page=2") response.end("moved");
      else response.writeHead(status, { location: "/new?page=2" }).end();
    });
    const headers = { authorization: "Bearer secret-of-mine" };
    expect(await ask(httpFor(host), { url: `${url}/old`, headers })).toBe("moved");
    expect(requests.map((request) => request.headers.authorization)).toEqual(Array(2).fill(headers.authorization));
  });

  it("tells another host nothing that may be a secret", async () => {
    const target = await serve((_, response) => response.end("there"));
    const { host, url } = await redirectTo(target.url);
    const headers = { Authorization: "Bearer abc", Cookie: "a=b", "X-Api-Key": "abc", Accept: "text/csv" };
    expect(await ask(httpFor(host, target.host), { url, headers })).toBe("there");
    const [{ headers: told } = { headers: {} }] = target.requests;
    expect(told).toMatchObject({ accept: "text/csv", "user-agent": "tuneloop", host: target.host });
    expect(JSON.stringify(told)).not.toMatch(/abc|a=b/);
  });

  it.each(["https://10.0.0.1/", "https://[::1]/", "https://169.254.169.254/latest/meta-data/"])(
    "refuses one to %s",
    async (location) => {
      const { host, url } = await redirectTo(location);
      const error = await failure(ask(httpFor(host), { url }));
      expect(error).toMatchObject({ type: "Refused", message: expect.stringContaining("no public address") });
    },
  );

  it.each([
    ["http://reviews.example/", /must be https/],
    ["file:///etc/passwd", /must be https/],
    ["https://user:pass@reviews.example/", /must not have/],
    ["https://:0:0", /no address/],
  ])("refuses one to %s", async (location, message) => {
    const { host, url } = await redirectTo(location);
    expect(await failure(ask(httpFor(host), { url }))).toMatchObject({
      type: "Refused",
      message: expect.stringMatching(message),
    });
  });

  it("refuses one from a public host to a host that only the worker may reach", async () => {
    const inside = await serve((_, response) => response.end("hidden"));
    const port = await listening(
      createTlsServer({ key: tls("key"), cert: tls("cert") }, (_, response) =>
        response.writeHead(302, { location: inside.url }).end(),
      ),
    );
    // The one host here that stands for a public one is reached because its connections are not guarded.
    const agent = createGuardedAgent(
      () => true,
      async () => [],
    );
    const reach = { agent, isAllowed: (host: string) => host === inside.host };
    const error = await failure(exchange(reach, { url: `https://localhost:${port}/`, signal }));
    expect(error).toMatchObject({ type: "Refused", message: expect.stringContaining("own network") });
    expect(inside.requests).toEqual([]);
  });

  it("gives up after the third", async () => {
    const { host, url, requests } = await serve((request, response) =>
      response.writeHead(302, { location: `${request.url}x` }).end(),
    );
    const error = await failure(ask(httpFor(host), { url }));
    expect(error).toMatchObject({ type: "Refused", message: expect.stringContaining("more than 3 redirects") });
    expect(requests).toHaveLength(4);
  });

  it("does not follow one of a POST", async () => {
    const { host, url, requests } = await redirectTo("/elsewhere", 307);
    const error = await failure(ask(httpFor(host), { url, method: "POST", body: "{}" }));
    expect(error).toMatchObject({ type: "Refused" });
    expect(requests).toHaveLength(1);
  });
});

describe("createSafeHttp, for bodies", () => {
  it("stops an endless body at the cap", async () => {
    const { host, url } = await serve((_, response) => {
      const write = (): void => void response.write(Buffer.alloc(64 * 1024), (error) => error ?? write());
      write();
    });
    const error = await failure(ask(httpFor(host), { url, maxBytes: 1_000_000 }));
    expect(error).toMatchObject({ type: "InvalidData", message: expect.stringContaining("longer than 1000000 bytes") });
  });

  it("stops a body that packs far more than the cap", async () => {
    const { host, url } = await serve((_, response) =>
      response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(Buffer.alloc(50_000_000))),
    );
    expect(await failure(ask(httpFor(host), { url, maxBytes: 1_000_000 }))).toMatchObject({ type: "InvalidData" });
  });

  it("stops a body that drips", async () => {
    const { host, url } = await serve((_, response) => {
      const timer = setInterval(() => response.write("."), 20);
      response.on("close", () => clearInterval(timer));
    });
    const error = await failure(ask(httpFor(host), { url, timeoutMs: 300 }));
    expect(error).toMatchObject({ type: "Unavailable", message: expect.stringContaining("within 0.3 s") });
  });

  it.each([
    ["shorter than it says", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n[1]"],
    ["longer than it says", 'HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n{"a":1}'],
    ["cut off in a chunk", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n[1"],
    ["no HTTP at all", "220 mail.example ESMTP\r\n"],
    ["nothing", ""],
    ["of two lengths", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n[1]"],
    ["a page", "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>"],
    ["not UTF-8", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n\u0080\u0080"],
  ])("takes no JSON from a body that is %s", async (_, bytes) => {
    const { host, url } = await serveBytes(bytes);
    expect(await failure(httpFor(host).json({ url, signal }, z.unknown()))).toMatchObject({ type: "Unavailable" });
  });

  it("unpacks what it asked for packed, and refuses what it did not", async () => {
    const { host, url } = await serve((request, response) => {
      const encoding = request.url === "/br" ? "br" : "gzip";
      response.writeHead(200, { "content-encoding": encoding }).end(gzipSync("hello"));
    });
    expect(await ask(httpFor(host), { url })).toBe("hello");
    expect(await failure(ask(httpFor(host), { url: `${url}/br` }))).toMatchObject({ type: "InvalidData" });
  });

  it("reads JSON, and names the field that is not as it should be", async () => {
    const { host, url } = await serve((_, response) => response.end('{"items":[{"id":"7"}]}'));
    const schema = (id: z.ZodType) => z.object({ items: z.array(z.object({ id })) });
    const { value } = await httpFor(host).json({ url, signal }, schema(z.string()));
    expect(value).toEqual({ items: [{ id: "7" }] });
    expect(await failure(httpFor(host).json({ url, signal }, schema(z.number())))).toMatchObject({
      type: "InvalidData",
      message: expect.stringContaining("items.0.id: "),
    });
  });

  it("ends with the signal, which stays the reason", async () => {
    const { host, url } = await serve((_, response) => void response.write("begun"));
    const controller = new AbortController();
    const asked = ask(httpFor(host), { url, signal: controller.signal });
    setTimeout(() => controller.abort(new Error("cancelled by the test")), 50);
    await expect(asked).rejects.toThrow("cancelled by the test");
  });
});

describe("createSafeHttp, for refusals and limits", () => {
  /** Answers one after another, the last one for ever. */
  async function answering(...answers: [status: number, headers?: Record<string, string>][]): Promise<Served> {
    let count = 0;
    return serve((_, response) => {
      const [status, headers] = answers[Math.min(count++, answers.length - 1)]!;
      response.writeHead(status, headers).end("{}");
    });
  }

  it.each([
    [400, "Refused"],
    [401, "Refused"],
    [403, "Refused"],
    [404, "NotFound"],
    [410, "NotFound"],
    [408, "Unavailable"],
    [418, "Refused"],
    [422, "Refused"],
    [500, "Unavailable"],
    [502, "Unavailable"],
    [503, "Unavailable"],
    [304, "Refused"],
  ])("takes %d for %s, after one attempt", async (status, type) => {
    const { host, url, requests } = await answering([status]);
    const error = await failure(ask(httpFor(host), { url: `${url}/feedback?key=query-secret` }));
    expect(error).toMatchObject({ type });
    expect(error).toBeInstanceOf(AnswerFailure);
    expect(error.message).toContain(`${url}/feedback answers ${status}`);
    expect(error.message).not.toContain("query-secret");
    expect(requests).toHaveLength(1);
  });

  it("passes on that nothing has changed, where that was asked", async () => {
    const { host, url } = await answering([304]);
    const reply = await httpFor(host).request({ url, headers: { "If-None-Match": '"1"' }, signal });
    expect(reply.status).toBe(304);
    reply.dispose();
  });

  it("says what the service says, and never what it was sent", async () => {
    const { host, url } = await serve((request, response) => {
      const error = `missing_scope for ${request.headers.authorization}\u001b[31m${"x".repeat(300)}`;
      response.writeHead(403).end(JSON.stringify({ ok: false, error }));
    });
    const headers = { authorization: "Bearer canary-secret" };
    const error = await failure(ask(httpFor(host), { url, headers }));
    expect(error.message).toMatch(/answers 403: missing_scope for \*\*\* \[31mx+; check the secret/);
    expect(error.message).not.toMatch(/canary|\p{Cc}|x{201}/u);
  });

  it.each([429, 503])("waits as long as a %d asks, and asks again", async (status) => {
    const { host, url, requests } = await answering([status, { "retry-after": "0.2" }], [200]);
    const startedAt = Date.now();
    expect(await ask(httpFor(host), { url })).toBe("{}");
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(195);
    expect(requests).toHaveLength(2);
  });

  it("leaves a long wait to whoever retries, and says when", async () => {
    const { host, url, requests } = await answering([429, { "retry-after": "3600" }]);
    const error = await failure(ask(httpFor(host), { url }));
    expect(error).toMatchObject({ type: "RateLimited", retryAfterMs: 3_600_000 });
    expect(error.message).toBe(`${host} asks for patience for 3600 s`);
    expect(requests).toHaveLength(1);
  });

  it("gives up on a service that asks to wait again and again", async () => {
    const { host, url, requests } = await answering([429, { "retry-after": "0" }]);
    expect(await failure(ask(httpFor(host), { url }))).toMatchObject({ type: "RateLimited" });
    expect(requests).toHaveLength(6);
  });

  it("holds the next request back when none is left", async () => {
    const none = { "x-ratelimit-remaining": "0", "x-ratelimit-reset-after": "0.2" };
    const { host, url } = await answering([200, none], [200]);
    const http = httpFor(host);
    const startedAt = Date.now();
    await ask(http, { url });
    await ask(http, { url });
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(195);
  });

  it("sends nothing while none is left for long", async () => {
    const { host, url, requests } = await answering([200, { "ratelimit-remaining": "0", "ratelimit-reset": "900" }]);
    const http = httpFor(host);
    await ask(http, { url });
    const error = await failure(ask(http, { url }));
    expect(error.type).toBe("RateLimited");
    expect(error.retryAfterMs).toBeGreaterThan(890_000);
    expect(requests).toHaveLength(1);
  });

  it("keeps the source's own pace, each source its own", async () => {
    const { host, url } = await answering([200]);
    const httpFor = createSafeHttp({ allowHosts: [host] });
    const [slow, fast] = [httpFor(600), httpFor(null)];
    const startedAt = Date.now();
    await Promise.all([1, 2, 3].map(() => ask(slow, { url })));
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(195);
    const again = Date.now();
    await Promise.all([1, 2, 3].map(() => ask(fast, { url })));
    expect(Date.now() - again).toBeLessThan(195);
  });

  it("ends a wait with the signal", async () => {
    const { host, url } = await answering([429, { "retry-after": "30" }]);
    const controller = new AbortController();
    const asked = ask(httpFor(host), { url, signal: controller.signal });
    setTimeout(() => controller.abort(), 100);
    await expect(asked).rejects.toThrow(/abort/i);
  });
});
