import { once } from "node:events";
import { type ClientRequest, type IncomingMessage, request as httpRequest } from "node:http";
import { connect } from "node:net";
import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Service } from "../../src/anyscale/services-wire.ts";
import { choose } from "../../src/emulator/proxy.ts";
import { newService, newVersion } from "../../src/emulator/service-requests.ts";
import { aDeployment, aDirectory, query, service, startTestEmulator, until } from "../support/emulator.ts";

const APPLICATION = `
let release;
const events = [];
export function handler() {
  return async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/events") return Response.json(events);
    if (pathname === "/release") { release(); return new Response("ok"); }
    if (pathname === "/headers") return Response.json([...request.headers]);
    if (pathname === "/length") return Response.json({ method: request.method, body: await request.text() });
    if (pathname === "/empty") return new Response(null, { status: 204, headers: { "x-own": "1" } });
    if (pathname === "/cookies") {
      const headers = new Headers({ "content-type": "text/plain", connection: "x-hop", "x-hop": "1" });
      headers.append("set-cookie", "a=1");
      headers.append("set-cookie", "b=2");
      return new Response("c", { headers });
    }
    if (pathname === "/early") return new Response("no", { status: 413 });
    if (pathname === "/first") {
      for await (const piece of request.body) events.push(new TextDecoder().decode(piece));
      return new Response("got all");
    }
    const stream = new ReadableStream({
      async start(controller) {
        controller.enqueue(new TextEncoder().encode("one "));
        if (pathname === "/break") { setTimeout(() => process.exit(1), 50); return; }
        if (pathname === "/endless") return;
        await new Promise((done) => (release = done));
        controller.enqueue(new TextEncoder().encode("two"));
        controller.close();
      },
      cancel() { events.push("cancelled " + pathname); },
    });
    return new Response(stream);
  };
}`;

let emulator: Awaited<ReturnType<typeof startTestEmulator>>;
let application: string;
let up: Service;

beforeAll(async () => {
  emulator = await startTestEmulator();
  application = aDirectory({ "app.mjs": APPLICATION });
  await emulator.client.services.deploy(aDeployment({ workingDirectory: application }));
  up = await service(emulator, (now) => now.current_state === "RUNNING");
});
afterAll(async () => {
  await emulator.stop();
  rmSync(application, { recursive: true });
});

/** Opens a request to the service and leaves it to the test. */
function send(method: string, path: string, headers: Record<string, string> = {}): ClientRequest {
  const url = `${up.base_url}${path}`;
  return httpRequest(url, { method, headers: { Authorization: `Bearer ${up.auth_token}`, ...headers } });
}

async function answerOf(request: ClientRequest): Promise<IncomingMessage> {
  const [answer] = await once(request, "response");
  return (answer as IncomingMessage).setEncoding("utf8");
}

const events = async () => (await query(up, "/events")).json as unknown as string[];

describe("ServiceProxy", () => {
  it("passes an answer on piece by piece", async () => {
    const answer = await answerOf(send("GET", "/stream").end());
    const pieces: string[] = [];
    answer.on("data", (piece: string) => pieces.push(piece));
    await until("the first piece", () => pieces.length === 1);
    await query(up, "/release");
    await until("the end", () => answer.complete);
    expect(pieces).toEqual(["one ", "two"]);
  });

  it("passes a request on piece by piece", async () => {
    const request = send("POST", "/first");
    request.on("error", () => undefined);
    request.write("begin");
    await until("the first piece", async () => (await events()).includes("begin"));
    request.end("end");
    expect((await answerOf(request)).statusCode).toBe(200);
  });

  it.each(["POST", "DELETE", "PUT", "PATCH"])("keeps the framing of a %s body of unknown length", async (method) => {
    const request = send(method, "/length", { "Transfer-Encoding": "chunked" });
    request.write("a");
    request.end("b");
    const [text] = await once(await answerOf(request), "data");
    expect(JSON.parse(String(text))).toEqual({ method, body: "ab" });
  });

  it("tells the application that a caller went away, in the middle of an answer", async () => {
    const request = send("GET", "/endless").end();
    request.on("error", () => undefined);
    const answer = await answerOf(request);
    await once(answer, "data");
    request.destroy();
    await until("the end upstream", async () => (await events()).includes("cancelled /endless"));
  });

  it("cuts an answer off when the application dies in the middle, so that it does not look whole", async () => {
    const answer = await answerOf(send("GET", "/break").end());
    answer.resume();
    await expect(once(answer, "end")).rejects.toMatchObject({ code: "ECONNRESET" });
    await until("the next process", async () => (await query(up, "/empty")).status === 204);
  });

  it("passes an answer that comes before the end of its request", async () => {
    const request = send("POST", "/early", { "Content-Length": "2000000" });
    request.on("error", () => undefined);
    request.write("x".repeat(1_000_000));
    expect((await answerOf(request)).statusCode).toBe(413);
    request.destroy();
  });

  it("drops what belongs to one connection, and the token, and nothing else", async () => {
    const request = send("GET", "/headers", {
      "X-Own": "1",
      "X-Hop": "2",
      Connection: "keep-alive, X-Hop",
      TE: "trailers",
    }).end();
    const [text] = await once(await answerOf(request), "data");
    const names = (JSON.parse(String(text)) as [string, string][]).map(([name]) => name);
    expect(names).toContain("x-own");
    expect(names).toContain("host");
    for (const name of ["authorization", "te", "x-hop"]) expect(names).not.toContain(name);
    const answer = await answerOf(send("GET", "/cookies").end());
    expect(answer.headers["set-cookie"]).toEqual(["a=1", "b=2"]);
    expect(answer.headers["x-hop"]).toBeUndefined();
  });

  it("passes answers without a body, and HEAD", async () => {
    expect((await query(up, "/empty")).status).toBe(204);
    const answer = await answerOf(send("HEAD", "/empty").end());
    expect(answer.headers["x-own"]).toBe("1");
    answer.resume();
    await once(answer, "end");
  });

  it("answers 404 for a service that is none, without asking for a token", async () => {
    expect((await fetch(`${emulator.url}/s/none-12345/`)).status).toBe(404);
  });

  it("answers 503 with Retry-After while no process runs", async () => {
    await emulator.client.services.deploy(
      aDeployment({ name: "never", application: { importPath: "none.mjs:handler" }, workingDirectory: application }),
    );
    const never = await service(emulator, (now) => now.current_state === "UNHEALTHY", "never");
    const response = await fetch(`${never.base_url}/`, { headers: { Authorization: `Bearer ${never.auth_token}` } });
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("1");
    expect(await response.text()).toContain("Cannot find module");
  });

  it("keeps the connection of a caller over requests that it answers itself", async () => {
    const { hostname, port, pathname } = new URL(`${up.base_url}/empty`);
    const socket = connect(Number(port), hostname);
    let text = "";
    socket.on("data", (data) => (text += data.toString()));
    const ask = (token: string) =>
      socket.write(`GET ${pathname} HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: Bearer ${token}\r\n\r\n`);
    ask("wrong");
    await until("401", () => text.includes("401 Unauthorized"));
    ask(up.auth_token ?? "");
    await until("204", () => text.includes("204 No Content"));
    socket.destroy();
  });
});

describe("choose", () => {
  const version = (name: string, weight: number) =>
    newVersion(
      {
        name: "svc",
        version: name,
        ray_serve_config: { applications: [{ import_path: "a:b" }] },
        build_id: "",
        compute_config_id: "",
      },
      weight,
    );
  const rollout = {
    ...newService({ ...version("v1", 90).request }, "prj", version("v1", 90)),
    canary: version("V2", 10),
  };
  const several = { ...rollout, canary: null, primary: version("a", 20), others: [version("b", 30), version("c", 50)] };

  it.each([
    [rollout, 0, "v1"],
    [rollout, 0.8999, "v1"],
    [rollout, 0.9001, "V2"],
    [several, 0.19, "a"],
    [several, 0.21, "b"],
    [several, 0.51, "c"],
    [several, 0.9999, "c"],
  ])("gives each version its share of the chances (%#)", (from, chance, expected) => {
    expect(choose(from, undefined, chance)?.version).toBe(expected);
  });

  it.each([
    [rollout, "PRIMARY", "v1"],
    [rollout, "canary", "V2"],
    [rollout, "v2", "V2"],
    [rollout, "v3", undefined],
    [several, "canary", undefined],
    [several, "B", "b"],
  ])("goes by the label alone when there is one (%#)", (from, label, expected) => {
    expect(choose(from, label)?.version).toBe(expected);
  });
});
