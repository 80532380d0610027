/** The demo's web service: feedback that is read over HTTP, beside what is delivered to the bucket. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { LOOPBACK } from "./ports.ts";

/** A running service with one growing file of chat-format JSONL. */
export interface DemoFeed {
  /** `127.0.0.1:port`, as `TUNELOOP_ALLOW_HOSTS` names it. */
  host: string;
  url: string;
  /** Adds lines to the file. */
  add(jsonl: string): void;
  stop(): Promise<void>;
}

/** Starts the service on a free port of loopback. Its file has an ETag: as long as it is unchanged, nothing is sent again. */
export async function startDemoFeed(): Promise<DemoFeed> {
  let content = "";
  const app = new Hono();
  app.get("/feedback.jsonl", (c) => {
    const etag = `"${createHash("sha256").update(content).digest("hex").slice(0, 16)}"`;
    if (c.req.header("if-none-match") === etag) return c.body(null, 304, { etag });
    return c.body(content, 200, { etag, "content-type": "application/jsonl" });
  });
  const server = serve({ fetch: app.fetch, hostname: LOOPBACK, port: 0 });
  if (!server.listening) await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the demo's feed was given no port");
  const host = `${LOOPBACK}:${address.port}`;
  return {
    host,
    url: `http://${host}/feedback.jsonl`,
    add: (jsonl) => {
      content += jsonl;
    },
    stop: async () => {
      const closed = once(server, "close");
      server.close();
      if ("closeAllConnections" in server) server.closeAllConnections();
      await closed;
    },
  };
}
