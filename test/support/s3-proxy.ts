/** A way to a real S3 server on which a test puts obstacles. */
import { once } from "node:events";
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";

/** What befalls a request. */
export type S3Fault =
  /** The server is too busy and says so. */
  | { kind: "busy" }
  /** The connection breaks before the server hears of the request. */
  | { kind: "reset" }
  /** The server takes its time. */
  | { kind: "slow"; milliseconds: number }
  /** The server does what it is asked, and the answer is lost. */
  | { kind: "answer-lost" }
  /** The request is held back until the promise resolves. */
  | { kind: "hold"; until: Promise<void> };

/** A request as the proxy sees it; the path is decoded. */
export interface S3Call {
  method: string;
  path: string;
}

/** A running proxy. */
export interface S3Proxy {
  url: string;
  /** Decides what befalls each request; nothing does at first. */
  fault: (call: S3Call) => S3Fault | null;
  /** What befell which requests, in order. */
  suffered: (S3Call & { kind: S3Fault["kind"] })[];
  stop(): Promise<void>;
}

/** Starts a proxy to the server at `target`. Signatures stay valid: the host is passed on as the client named it. */
export async function startS3Proxy(target: string): Promise<S3Proxy> {
  const { hostname, port } = new URL(target);
  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  const proxy: S3Proxy = {
    url: "",
    fault: () => null,
    suffered: [],
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    const call = { method: request.method ?? "", path: decodeURIComponent(request.url ?? "") };
    const fault = proxy.fault(call);
    if (fault !== null) proxy.suffered.push({ ...call, kind: fault.kind });
    switch (fault?.kind) {
      case "busy":
        response.writeHead(503, { "content-type": "application/xml" });
        response.end("<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>");
        return;
      case "reset":
        request.socket.resetAndDestroy();
        return;
      case "slow":
        await delay(fault.milliseconds);
        break;
      case "hold":
        await fault.until;
        break;
      case "answer-lost":
        await pass(request, body, null);
        request.socket.resetAndDestroy();
        return;
      case undefined:
        break;
    }
    await pass(request, body, response);
  }

  /** Passes a request on, and its answer unless that is to be lost. */
  async function pass(request: IncomingMessage, body: Buffer, response: ServerResponse | null): Promise<void> {
    const { method, url: path, headers } = request;
    const onward = forward({ hostname, port, method, path, headers });
    onward.end(body);
    const [answer] = (await once(onward, "response")) as [IncomingMessage];
    if (response === null) {
      await buffer(answer);
      return;
    }
    response.writeHead(answer.statusCode ?? 500, answer.headers);
    answer.pipe(response);
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  proxy.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return proxy;
}
