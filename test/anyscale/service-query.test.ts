import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { AnyscaleClient } from "../../src/anyscale/client.ts";

const API_TOKEN = "aph0_of-the-api";
const TOKEN = "of-the-service";
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

/** A service behind a URL with a path, and a client; what the service was asked is in `seen`. */
async function aService(listener: RequestListener = (_request, response) => response.end("ok")) {
  const seen: { method?: string; url?: string; headers: Record<string, unknown>; body: string }[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (piece: Buffer) => (body += piece.toString()));
    request.on("end", () => {
      seen.push({ method: request.method, url: request.url, headers: request.headers, body });
      listener(request, response);
    });
  }).listen(0, "127.0.0.1");
  servers.push(server);
  await new Promise((done) => server.once("listening", done));
  const host = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { services } = new AnyscaleClient({ host, token: API_TOKEN });
  return { services, service: { name: "games", base_url: `${host}/s/games-1`, auth_token: TOKEN }, seen };
}

describe("Services.query", () => {
  it("sends the service's token, never the API's, and what the caller sends", async () => {
    const { services, service, seen } = await aService();
    const init = { method: "POST", body: '{"q":1}', headers: { "Content-Type": "application/json" } };
    expect(await (await services.query(service, "/v1/chat?stream=1", init)).text()).toBe("ok");
    const [{ method, url, headers, body }] = seen as [(typeof seen)[0]];
    expect([method, url, body]).toEqual(["POST", "/s/games-1/v1/chat?stream=1", '{"q":1}']);
    expect(headers).toMatchObject({ authorization: `Bearer ${TOKEN}`, "content-type": "application/json" });
    expect(headers["x-anyscale-version"]).toBeUndefined();
    expect(JSON.stringify(seen)).not.toContain(API_TOKEN);
  });

  it.each(["primary", "canary", "games-12"])("pins a query to %s", async (pin) => {
    const { services, service, seen } = await aService();
    await services.query(service, "", { pin });
    expect([seen[0]?.url, seen[0]?.headers["x-anyscale-version"]]).toEqual(["/s/games-1/", pin]);
  });

  it("needs no token where the service has none", async () => {
    const { services, service, seen } = await aService();
    await services.query({ ...service, auth_token: null }, "/");
    expect(seen[0]?.headers["authorization"]).toBeUndefined();
  });

  it("takes every status for an answer and hands streams on as they come", async () => {
    const { services, service } = await aService((_request, response) => response.writeHead(503).write("first"));
    const answer = await services.query(service, "/");
    expect(answer.status).toBe(503);
    const { value } = await answer.body!.getReader().read();
    expect(new TextDecoder().decode(value)).toBe("first");
  });

  it("says so when the service cannot be reached, without the query or a token", async () => {
    const { services, service } = await aService();
    servers.splice(0).forEach((server) => server.close());
    const error: unknown = await services.query(service, "/v1?user=secret").catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      kind: "unavailable",
      message: expect.stringContaining('GET /s/games-1/v1 of service "games"'),
    });
    expect(String(error instanceof Error && error.stack)).not.toMatch(/secret|of-the-/);
  });

  it("ends with the caller's own reason", async () => {
    const { services, service } = await aService(() => undefined);
    const signal = AbortSignal.timeout(20);
    await expect(services.query(service, "/", { signal })).rejects.toMatchObject({ name: "TimeoutError" });
  });

  it.each([
    ["../games-2/v1", "leads away"],
    ["/x/../../games-2", "leads away"],
    ["/%2e%2e/games-2", "leads away"],
  ])("refuses the path %s, by which the token would go elsewhere", async (path, message) => {
    const { services, service, seen } = await aService();
    await expect(services.query(service, path)).rejects.toMatchObject({
      kind: "invalid",
      message: expect.stringContaining(message),
    });
    expect(seen).toEqual([]);
  });

  it.each(["//elsewhere.example/x", "@elsewhere.example/x", "https://elsewhere.example/x"])(
    "sends the path %s to the service",
    async (path) => {
      const { services, service, seen } = await aService();
      await services.query(service, path);
      expect(seen).toHaveLength(1);
    },
  );

  it("refuses a pin or token that no header can hold, without naming the token", async () => {
    const { services, service } = await aService();
    await expect(services.query(service, "/", { pin: "v2\r\nX-Evil: 1" })).rejects.toMatchObject({ kind: "invalid" });
    const broken = { ...service, auth_token: `${TOKEN}\n` };
    const error: unknown = await services.query(broken, "/").catch((reason: unknown) => reason);
    expect(error).toMatchObject({ kind: "invalid", message: expect.not.stringContaining(TOKEN) });
  });

  it("asks to wait for a service that has no URL yet", async () => {
    const { services } = await aService();
    const early = { name: "games", base_url: null, auth_token: null };
    await expect(services.query(early, "/")).rejects.toMatchObject({ kind: "conflict" });
  });
});
