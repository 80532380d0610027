/** The common part of the local stand-ins for services that sources read: a port, a log of requests, faults to order. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";

/** An answer instead of the service's own. */
export interface FakeFault {
  status: number;
  headers?: Record<string, string>;
  /** Text as it is, anything else as JSON. */
  body?: unknown;
  /** Of the request's path with its query; every one without. */
  path?: RegExp;
  /** How many requests are answered so; default 1. */
  times?: number;
  /** Breaks the connection instead of answering. */
  hangUp?: boolean;
}

/** A request as it came in. */
export interface FakeRequest {
  method: string;
  /** With its query. */
  path: string;
  headers: Record<string, string>;
}

/** A running stand-in. */
export interface ServiceFake {
  /** `http://127.0.0.1:port` */
  url: string;
  /** `127.0.0.1:port`, as hosts are allowed. */
  host: string;
  requests: FakeRequest[];
  fail(fault: FakeFault): void;
  /** Runs before each answer: what happens at the service while it is read. */
  meanwhile(happen: ((request: FakeRequest) => void) | null): void;
  stop(): Promise<void>;
}

/**
 * Serves routes on loopback; `stop()` it in the end.
 *
 * @param port 0 for a free one
 */
export async function serveFake(routes: (app: Hono) => void, port = 0): Promise<ServiceFake> {
  const faults: (FakeFault & { left: number })[] = [];
  const requests: FakeRequest[] = [];
  let happen: ((request: FakeRequest) => void) | null = null;
  const app = new Hono();
  app.use(async (context, next) => {
    const { pathname, search } = new URL(context.req.url);
    const request = { method: context.req.method, path: pathname + search, headers: context.req.header() };
    requests.push(request);
    happen?.(request);
    const fault = faults.find(({ left, path }) => left > 0 && (path === undefined || path.test(request.path)));
    if (fault === undefined) return await next();
    fault.left--;
    const text = typeof fault.body === "string";
    const body = text ? String(fault.body) : JSON.stringify(fault.body ?? {});
    const contentType = text ? "text/html; charset=utf-8" : "application/json; charset=utf-8";
    return new Response(body, { status: fault.status, headers: { "content-type": contentType, ...fault.headers } });
  });
  routes(app);
  const listener = getRequestListener(app.fetch);
  const server = createServer((request, response) => {
    const broken = faults.find(
      ({ left, path, hangUp }) => hangUp && left > 0 && (path?.test(request.url ?? "") ?? true),
    );
    if (broken) {
      broken.left--;
      request.socket.destroy();
      return;
    }
    void listener(request, response);
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `http://${host}`,
    host,
    requests,
    fail: (fault) => void faults.push({ ...fault, left: fault.times ?? 1 }),
    meanwhile: (callback) => {
      happen = callback;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
