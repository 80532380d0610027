/** A receiver of webhook alerts over real HTTP, which can be down in the ways that receivers are. */
import { createHmac, randomBytes } from "node:crypto";
import type { AlertChoice } from "../../src/domain/alert-choice-schema.ts";
import { alertSchema, type Alert } from "../../src/domain/alert-schema.ts";
import { serveFake } from "./service-fake.ts";

/** A running receiver. */
export interface AlertReceiver {
  /** Lets a worker tell it. */
  environment: Record<string, string>;
  /** A sink that leads here, by a name of its own. */
  sink(name: string): AlertChoice;
  /** A sink behind which nobody listens. */
  dead: AlertChoice;
  /** Whether a sink answers with 503, does not answer at all, or, null, takes alerts again: also those that it left waiting. */
  fail(name: string, how: "refuses" | "hangs" | null): void;
  /** How often a sink was asked, also without success. */
  attempts(name: string): number;
  /** What a sink has taken, oldest first; with a repeat there as well. */
  taken(name: string): Alert[];
  stop(): Promise<void>;
}

/** Where nothing listens. */
const nobody = "127.0.0.1:9";

/** Starts a receiver on loopback; `stop()` it in the end. */
export async function startAlertReceiver(): Promise<AlertReceiver> {
  const key = randomBytes(32);
  const taken: { name: string; alert: Alert }[] = [];
  const waiting = new Map<string, PromiseWithResolvers<void>>();
  const refusing = new Set<string>();
  const server = await serveFake((app) =>
    app.post("/:name", async (context) => {
      const name = context.req.param("name");
      const body = await context.req.text();
      await waiting.get(name)?.promise;
      if (refusing.has(name)) return context.text("down for maintenance", 503);
      const signed = `${context.req.header("webhook-id")}.${context.req.header("webhook-timestamp")}.${body}`;
      const signature = `v1,${createHmac("sha256", key).update(signed).digest("base64")}`;
      if (context.req.header("webhook-signature") !== signature) return context.text("not signed by us", 401);
      taken.push({ name, alert: alertSchema.parse(JSON.parse(body).data) });
      return context.text("ok");
    }),
  );
  const at = (url: string): AlertChoice => ({ kind: "webhook", url, signingSecret: "RECEIVER_KEY" });
  const release = (name: string): void => {
    waiting.get(name)?.resolve();
    waiting.delete(name);
    refusing.delete(name);
  };
  return {
    environment: {
      RECEIVER_KEY: `whsec_${key.toString("base64")}`,
      TUNELOOP_ALLOW_HOSTS: `${server.host},${nobody}`,
    },
    sink: (name) => at(`${server.url}/${name}`),
    dead: at(`http://${nobody}/`),
    fail(name, how) {
      release(name);
      if (how === "refuses") refusing.add(name);
      if (how === "hangs") waiting.set(name, Promise.withResolvers());
    },
    attempts: (name) => server.requests.filter(({ path }) => path === `/${name}`).length,
    taken: (name) => taken.filter((one) => one.name === name).map(({ alert }) => alert),
    async stop() {
      for (const name of waiting.keys()) release(name);
      await server.stop();
    },
  };
}
