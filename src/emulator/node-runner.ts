/**
 * Serves one Node application of a service version: the program of a replica's process. The emulator says on descriptor 3,
 * in one JSON line, what to load; the answer there is `{"port"}` when it listens on loopback or `{"error"}` when it
 * cannot. It goes on serving when the emulator dies, so that the next one can adopt it.
 */
import { createServer, type Server } from "node:http";
import { Socket } from "node:net";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { getRequestListener } from "@hono/node-server";
import type { RunnerOrder } from "./application.ts";
import { HEALTH_PATH } from "./health.ts";

type FetchHandler = (request: Request) => Response | Promise<Response>;
type HandlerFactory = (args: Record<string, unknown>) => unknown;

async function load(order: RunnerOrder): Promise<Server> {
  const [file = "", name = ""] = order.target.split(":");
  const loaded: Record<string, unknown> = await import(pathToFileURL(resolve(file)).href);
  const factory = loaded[name];
  if (!isHandlerFactory(factory)) throw new Error(`${file} has no exported function "${name}"`);
  const handler = await factory(order.args);
  if (!isFetchHandler(handler)) throw new Error(`${name}(args) of ${file} did not return a fetch handler`);
  const listener = getRequestListener(handler, { overrideGlobalObjects: false });
  const server = createServer((request, response) => {
    if (request.url === HEALTH_PATH) response.end("success");
    else void listener(request, response);
  });
  // The proxy keeps connections: closing an idle one could cross a request on its way.
  server.keepAliveTimeout = 0;
  await new Promise<void>((done, failed) => server.once("error", failed).listen(0, "127.0.0.1", done));
  return server;
}

function isHandlerFactory(value: unknown): value is HandlerFactory {
  return typeof value === "function";
}

function isFetchHandler(value: unknown): value is FetchHandler {
  return typeof value === "function";
}

async function main(): Promise<void> {
  const channel = new Socket({ fd: 3 });
  // A broken channel is an emulator that died; readline passes the error on.
  channel.on("error", () => undefined);
  const lines = createInterface({ input: channel });
  lines.on("error", () => undefined);
  const [line] = await new Promise<string[]>((done) => {
    lines.once("line", (text) => done([text]));
    lines.once("close", () => done([]));
  });
  // The emulator died before it recorded this process: nobody would ever end it.
  if (line === undefined) process.exit(1);
  try {
    const order: RunnerOrder = JSON.parse(line);
    const server = await load(order);
    process.once("SIGTERM", () => {
      server.close(() => process.exit(0));
      server.closeIdleConnections();
    });
    const address = server.address();
    channel.write(`${JSON.stringify({ port: typeof address === "object" ? address?.port : null })}\n`);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    const message = error instanceof Error ? error.message : String(error);
    channel.write(`${JSON.stringify({ error: message })}\n`, () => process.exit(1));
  }
}

if (import.meta.main) await main();
