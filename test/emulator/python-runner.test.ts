import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import type { Duplex } from "node:stream";
import { afterEach, describe, expect, it } from "vitest";
import { HEALTH_PATH } from "../../src/emulator/health.ts";
import { aDirectory, until } from "../support/emulator.ts";
import { hasPython } from "../support/python.ts";

const RUNNER = new URL("../../src/emulator/python-runner.py", import.meta.url).pathname;

const APPLICATION = `
import asyncio, json

seen = []

async def read(receive):
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message["body"]
        if not message["more_body"]:
            return body

async def answer(send, body, status=200, headers=()):
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        scope["state"]["greeting"] = "hello"
        await send({"type": "lifespan.startup.complete"})
        await receive()
        print("shut down", flush=True)
        return await send({"type": "lifespan.shutdown.complete"})
    path = scope["path"]
    if path == "/scope":
        known = {key: scope[key] for key in ("method", "path", "root_path", "http_version")}
        known["query"] = scope["query_string"].decode()
        known["raw_path"] = scope["raw_path"].decode()
        known["headers"] = [[name.decode(), value.decode()] for name, value in scope["headers"]]
        known["greeting"] = scope["state"]["greeting"]
        await answer(send, json.dumps(known).encode())
    elif path == "/echo":
        await answer(send, await read(receive))
    elif path == "/ignore":
        await answer(send, b"ignored")
    elif path == "/stream":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        while (await receive())["more_body"]:
            pass
        await send({"type": "http.response.body", "body": b"second", "more_body": True})
        await send({"type": "http.response.body"})
    elif path == "/raise":
        raise ValueError("told in the log")
    elif path == "/break":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise ValueError("in the middle")
    elif path == "/lie":
        await answer(send, b"12345", headers=[(b"content-length", b"9")])
    elif path == "/inject":
        await answer(send, b"", headers=[(b"x", b"1\\r\\nset-cookie: a=b")])
    elif path == "/silent":
        return
    elif path == "/status":
        await answer(send, b"", status=int(scope["query_string"]))
    elif path == "/wait":
        await read(receive)
        seen.append((await receive())["type"])
        print("saw", seen[-1], flush=True)
    elif path == "/slow":
        await asyncio.sleep(0.3)
        await answer(send, b"slow")
`;

interface Runner {
  port: number;
  output: () => string;
  /** Ends it, or waits for the end of one that cannot serve; answers the exit code. */
  stop: () => Promise<number | null>;
}

let directory = "";
let stopRunner: (() => void) | undefined;
let sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  stopRunner?.();
  rmSync(directory, { recursive: true, force: true });
  [sockets, stopRunner] = [[], undefined];
});

/** Starts the runner and answers what it says first: its port, or why it cannot serve. */
async function say(
  code: string,
  order: object = {},
  files: Record<string, string> = {},
): Promise<{ said: { port?: number; error?: string }; output: () => string; stop: Runner["stop"] }> {
  directory = aDirectory({ "main.py": code, ...files });
  const child = spawn("python3", [RUNNER], { cwd: directory, stdio: ["ignore", "pipe", "pipe", "pipe"] });
  stopRunner = () => child.kill("SIGKILL");
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (data) => (output += String(data)));
  const channel = child.stdio[3] as Duplex;
  channel.on("error", () => undefined);
  channel.write(`${JSON.stringify({ target: "main:app", args: {}, rootPath: "", ...order })}\n`);
  const exit = once(child, "exit");
  const [line] = await once(createInterface({ input: channel }), "line");
  const stop = async () => {
    if ("port" in JSON.parse(line)) child.kill("SIGTERM");
    const [exitCode] = await exit;
    return exitCode as number | null;
  };
  return { said: JSON.parse(line), output: () => output, stop };
}

async function start(order: object = {}): Promise<Runner> {
  const { said, ...rest } = await say(APPLICATION, order);
  if (said.port === undefined) throw new Error(said.error);
  return { port: said.port, ...rest };
}

/** A connection: what is written to it, and all that came back so far. */
function open(port: number): {
  write: (text: string) => void;
  text: () => string;
  socket: Socket;
  closed: () => boolean;
} {
  const socket = connect(port, "127.0.0.1");
  sockets.push(socket);
  let text = "";
  let closed = false;
  socket.on("data", (data) => (text += data.toString("latin1")));
  socket.on("close", () => (closed = true));
  socket.on("error", () => undefined);
  return { write: (more) => socket.write(more), text: () => text, socket, closed: () => closed };
}

/** Writes one request and waits until the answer is as wanted. */
async function exchange(port: number, request: string, wanted: RegExp): Promise<string> {
  const connection = open(port);
  connection.write(request);
  await until(`an answer like ${String(wanted)}`, () => wanted.test(connection.text()));
  return connection.text();
}

const GET = (path: string, rest = "") => `GET ${path} HTTP/1.1\r\nHost: a\r\n${rest}\r\n`;

describe.skipIf(!hasPython)("python-runner.py", () => {
  it("tells an application the request as it came, below its path, with the state of its lifespan", async () => {
    const { port } = await start({ rootPath: "/v2" });
    const response = await fetch(`http://127.0.0.1:${port}/scope?a=%20b`, { headers: { "X-Two": "x" } });
    const scope = await response.json();
    expect(scope).toMatchObject({
      method: "GET",
      path: "/scope",
      root_path: "/v2",
      http_version: "1.1",
      query: "a=%20b",
    });
    expect(scope.greeting).toBe("hello");
    expect(scope.headers).toContainEqual(["x-two", "x"]);
    expect(response.headers.get("date")).not.toBeNull();
    expect(response.headers.get("content-length")).not.toBeNull();
  });

  it("decodes a path and keeps it raw, and understands an absolute target", async () => {
    const { port } = await start();
    expect(await exchange(port, GET("http://elsewhere/%73cope?x"), /\}$/)).toContain('"raw_path": "/%73cope"');
  });

  it("reads a body of a known and of an unknown length, and answers on the same connection", async () => {
    const { port } = await start();
    const connection = open(port);
    connection.write("POST /echo HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello");
    await until("the first answer", () => connection.text().endsWith("hello"));
    connection.write(
      "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\n",
    );
    await until("the second answer", () => connection.text().endsWith("abcde"));
    connection.write(GET("/ignore") + GET("/ignore"));
    await until("two answers to two at once", () => connection.text().match(/ignored/g)?.length === 2);
    expect(connection.closed()).toBe(false);
  });

  it("passes 3 MB both ways", async () => {
    const { port } = await start();
    const body = "0123456789abcdef".repeat(200_000);
    const response = await fetch(`http://127.0.0.1:${port}/echo`, { method: "POST", body });
    expect((await response.text()) === body).toBe(true);
  });

  it("streams an answer while the request still comes in", async () => {
    const { port } = await start();
    const connection = open(port);
    connection.write("POST /stream HTTP/1.1\r\nContent-Length: 4\r\n\r\n12");
    await until("the first piece", () => connection.text().includes("first"));
    expect(connection.text()).toContain("transfer-encoding: chunked");
    expect(connection.text()).not.toContain("second");
    connection.write("34");
    await until("the end", () => connection.text().endsWith("second\r\n0\r\n\r\n"));
  });

  it("ends an answer of unknown length to HTTP/1.0 by closing", async () => {
    const { port } = await start();
    const connection = open(port);
    connection.write("POST /stream HTTP/1.0\r\nContent-Length: 0\r\n\r\n");
    await until("the end of the connection", () => connection.closed());
    expect(connection.text()).toMatch(/connection: close\r\n\r\nfirstsecond$/);
  });

  it("sends no body where there is none: HEAD, 204, 304", async () => {
    const { port } = await start();
    for (const request of ["HEAD /ignore", "GET /status?204", "GET /status?304"]) {
      const connection = open(port);
      connection.write(`${request} HTTP/1.1\r\n\r\n${GET("/echo")}`);
      await until("both answers", () => connection.text().match(/HTTP\/1.1 /g)?.length === 2);
      expect(connection.text()).toMatch(/^HTTP\/1.1 \d{3} [^\r]+\r\n(?:[^\r]+\r\n)+\r\nHTTP\/1.1 200 OK/);
    }
  });

  it("asks for a body that waits to be asked for, and only then", async () => {
    const { port } = await start();
    const asked = open(port);
    asked.write("POST /echo HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    await until("100", () => asked.text() === "HTTP/1.1 100 Continue\r\n\r\n");
    asked.write("ok");
    await until("the answer", () => asked.text().endsWith("ok"));
    const unasked = open(port);
    unasked.write("POST /ignore HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    await until("the end", () => unasked.closed());
    expect(unasked.text()).toMatch(/^HTTP\/1.1 200 OK/);
  });

  it("goes on with the connection after a body that the application did not read", async () => {
    const { port } = await start();
    const connection = open(port);
    connection.write(`POST /ignore HTTP/1.1\r\nContent-Length: 300000\r\n\r\n${"x".repeat(300_000)}${GET("/echo")}`);
    await until("both answers", () => connection.text().match(/HTTP\/1.1 200/g)?.length === 2);
  });

  it.each([
    ["a line that is none", "hello\r\n\r\n"],
    ["another protocol", "GET / HTTP/2.0\r\n\r\n"],
    ["a folded header", "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n"],
    ["a space before the colon", "GET / HTTP/1.1\r\nA : b\r\n\r\n"],
    ["two lengths", "POST /echo HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"],
    ["a length that is none", "POST /echo HTTP/1.1\r\nContent-Length: +1\r\n\r\na"],
    ["both framings", "POST /echo HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    ["an encoding that is not known", "POST /echo HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"],
    ["a chunk without a size", "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"],
    ["a chunk longer than its size", "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n"],
    ["a head without an end", `GET / HTTP/1.1\r\nA: ${"x".repeat(70_000)}`],
  ])("answers %s with 400 and closes", async (_what, request) => {
    const { port } = await start();
    const connection = open(port);
    connection.write(request);
    await until("the end of the connection", () => connection.closed());
    expect(connection.text()).toMatch(/^HTTP\/1.1 400 Bad Request\r\n/);
  });

  it.each([
    ["/raise", "ValueError: told in the log"],
    ["/silent", "the application returned before the end of its answer"],
    ["/inject", "cannot be sent"],
    ["/lie", "is not as long as its content-length"],
  ])("answers a failure before the answer with 500 and tells it in the log: %s", async (path, reason) => {
    const { port, output } = await start();
    const connection = open(port);
    connection.write(GET(path));
    await until("500", () => connection.text().endsWith("Internal Server Error"));
    await until("the reason in the log", () => output().includes(reason));
    expect(connection.text()).not.toContain("set-cookie");
    connection.write(GET("/echo"));
    await until("the next answer", () => connection.text().includes("HTTP/1.1 200"));
  });

  it("cuts the connection when an answer cannot be whole", async () => {
    const { port, output } = await start();
    await expect((async () => await (await fetch(`http://127.0.0.1:${port}/break`)).text())()).rejects.toThrow();
    await until("the reason in the log", () => output().includes("Traceback"));
  });

  it("tells an application that the caller went away", async () => {
    const { port, output } = await start();
    const connection = open(port);
    connection.write(GET("/wait"));
    await until("the request's arrival", async () => (await fetch(`http://127.0.0.1:${port}/ignore`)).ok);
    connection.socket.destroy();
    await until("the disconnect", () => output().includes("saw http.disconnect"));
  });

  it("answers its health check itself", async () => {
    const { port } = await start();
    const response = await fetch(`http://127.0.0.1:${port}${HEALTH_PATH}`);
    expect([response.status, await response.text()]).toEqual([200, "success"]);
  });

  it("ends at SIGTERM after the requests in flight, idle connections closed", async () => {
    const { port, output, stop } = await start();
    const [idle, busy] = [open(port), open(port)];
    idle.write(GET("/ignore"));
    await until("the idle connection's answer", () => idle.text().endsWith("ignored"));
    busy.write(GET("/slow"));
    await until("the slow request's arrival", async () => (await fetch(`http://127.0.0.1:${port}/ignore`)).ok);
    expect(await stop()).toBe(0);
    expect(busy.text()).toMatch(/slow$/);
    await until("the end of both", () => idle.closed() && busy.closed());
    expect(output()).toContain("shut down");
  });

  it("serves an application that knows no lifespan", async () => {
    const code = `async def app(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"plain"})`;
    const { said } = await say(code);
    expect(await (await fetch(`http://127.0.0.1:${said.port}/`)).text()).toBe("plain");
  });

  it("builds an application out of args, with modules beside it", async () => {
    const code = `from helper import make
def build(args):
    return make(args["word"])`;
    const helper = `def make(word):
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": word.encode()})
    return app`;
    const { said } = await say(code, { target: "main:build", args: { word: "built" } }, { "helper.py": helper });
    expect(await (await fetch(`http://127.0.0.1:${said.port}/`)).text()).toBe("built");
  });

  const RAY = { "ray/__init__.py": "", "ray/serve.py": "class Application: pass\ndef bind(): return Application()" };
  it.each([
    [
      "a module that is not there",
      "import nothing_like_this",
      {},
      {},
      "ModuleNotFoundError: No module named 'nothing_like_this'",
    ],
    ["an attribute that is not there", "", {}, {}, "AttributeError: module 'main' has no attribute 'app'"],
    ["a value", "app = 7", {}, {}, "main:app is neither an ASGI application nor a function of its args"],
    ["a builder of nothing", "def app(args): pass", {}, {}, "main:app is neither"],
    [
      "args without a builder",
      "async def app(a, b, c): pass",
      { args: { x: 1 } },
      {},
      "is not a function of one argument",
    ],
    ["code that raises", "raise OSError('no model')", {}, {}, "OSError: no model"],
    ["Ray where there is none", "from ray import serve", {}, {}, "Ray Serve does not run here"],
    [
      "a bound application of Ray Serve",
      "from ray import serve\napp = serve.bind()",
      {},
      RAY,
      "Ray Serve does not run here",
    ],
  ])("says why it cannot serve %s", async (_what, code, order, files, reason) => {
    const { said, stop } = await say(code, order, files);
    expect(said.error).toContain(reason);
    expect(await stop()).toBe(1);
  });

  it("says why a startup failed", async () => {
    const code = `async def app(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no weights"})`;
    expect((await say(code)).said.error).toBe("RuntimeError: no weights");
  });
});
