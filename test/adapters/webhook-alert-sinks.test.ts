import { createHmac, randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createAlertSinks } from "../../src/adapters/alert-sinks.ts";
import { createSafeHttp } from "../../src/adapters/safe-http.ts";
import type { AlertChoice } from "../../src/domain/alert-choice-schema.ts";
import { alertSchema, type Alert } from "../../src/domain/alert-schema.ts";
import { TypedFailure } from "../../src/domain/failures.ts";
import { failureOf } from "../support/activity.ts";
import { anAlert } from "../support/builders.ts";
import { MemoryObjectStore } from "../support/memory-store.ts";
import { serveFake, type FakeFault, type ServiceFake } from "../support/service-fake.ts";

const secretPath = "/services/T000/B000/canary-that-must-not-be-seen";
const key = randomBytes(32);

let server: ServiceFake;
let bodies: string[];
let store: MemoryObjectStore;
let secrets: Record<string, string>;
beforeEach(async () => {
  bodies = [];
  store = new MemoryObjectStore();
  server = await serveFake((app) =>
    app.post("/*", async (context) => {
      bodies.push(await context.req.text());
      return context.text("ok");
    }),
  );
  secrets = { SLACK_WEBHOOK_URL: `${server.url}${secretPath}`, HOOK_KEY: `whsec_${key.toString("base64")}` };
});
afterEach(() => server.stop());

const { signal } = new AbortController();
const silent = { info() {}, warn() {}, error() {} };
let clock = new Date("2026-01-31T12:00:00Z");
const incoming: AlertChoice = { kind: "slack", webhookSecret: "SLACK_WEBHOOK_URL" };
const signed = (): AlertChoice => ({
  kind: "webhook",
  url: `${server.url}/hooks/tuneloop?team=7`,
  signingSecret: "HOOK_KEY",
});

function send(sink: AlertChoice, { alert = anAlert(), id = "msg_1", hosts = [server.host] } = {}) {
  const secret = (name: string): string => {
    const value = secrets[name];
    if (value === undefined) throw new TypedFailure("InvalidInput", `${name} is not set`);
    return value;
  };
  const http = createSafeHttp({ allowHosts: hosts });
  return createAlertSinks({ log: silent, http, secret, store, now: () => clock }).send({ id, alert, sink, signal });
}

/** What a receiver does who knows the key and nothing of our code. */
function isGenuine({ headers }: ServiceFake["requests"][number], body: string): boolean {
  const text = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
  return headers["webhook-signature"] === `v1,${createHmac("sha256", key).update(text).digest("base64")}`;
}

describe("createWebhookAlertSink", () => {
  it("sends signed JSON of the alert to the address", async () => {
    await send(signed());
    const [request] = server.requests;
    expect(request).toMatchObject({ method: "POST", path: "/hooks/tuneloop?team=7" });
    expect(request?.headers).toMatchObject({ "webhook-id": "msg_1", "webhook-timestamp": "1769860800" });
    const body = JSON.parse(bodies[0] ?? "");
    expect(body).toEqual({ type: "alert.promoted", timestamp: anAlert().at, data: anAlert() });
    expect(alertSchema.parse(body.data)).toEqual(anAlert());
    if (request !== undefined) expect(isGenuine(request, bodies[0] ?? "")).toBe(true);
    if (request !== undefined) expect(isGenuine(request, `${bodies[0]} `)).toBe(false);
  });

  it("keeps the id over retries and signs each with its own time", async () => {
    server.fail({ status: 503 });
    await expect(send(signed())).rejects.toMatchObject({ type: "Unavailable" });
    clock = new Date(clock.getTime() + 60_000);
    await send(signed());
    expect(server.requests.map(({ headers }) => headers["webhook-id"])).toEqual(["msg_1", "msg_1"]);
    expect(new Set(server.requests.map(({ headers }) => headers["webhook-timestamp"])).size).toBe(2);
    const last = server.requests.at(-1);
    if (last !== undefined) expect(isGenuine(last, bodies[0] ?? "")).toBe(true);
  });

  it.each([
    ["no prefix", key.toString("base64")],
    ["no base64", "whsec_not base64!"],
    ["too short a key", `whsec_${randomBytes(16).toString("base64")}`],
    ["too long a key", `whsec_${randomBytes(65).toString("base64")}`],
  ])("fails for good and names the variable when its key has %s", async (_, value) => {
    secrets["HOOK_KEY"] = value;
    const error = await send(signed()).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ type: "InvalidInput", message: expect.stringMatching(/^HOOK_KEY must be whsec_/) });
    expect(String(error)).not.toContain(value.slice(6));
    expect(server.requests).toEqual([]);
  });

  it.each([
    [400, "Refused"],
    [401, "Refused"],
    [404, "NotFound"],
    [410, "NotFound"],
    [408, "Unavailable"],
    [500, "Unavailable"],
  ])("answers %d with %s", async (status, type) => {
    server.fail({ status, body: { message: "no such team" } });
    const message = `webhook ${server.host} answers ${status}: no such team`;
    await expect(send(signed())).rejects.toMatchObject({ type, message });
  });

  it("hands the time to wait to whoever retries", async () => {
    server.fail({ status: 429, headers: { "retry-after": "20" } });
    await expect(send(signed())).rejects.toMatchObject({ type: "RateLimited", retryAfterMs: 20_000 });
    expect(server.requests).toHaveLength(1);
  });

  it("reaches no host of the own network that is not allowed, and follows no redirect", async () => {
    await expect(send(signed(), { hosts: [] })).rejects.toMatchObject({ type: "Refused" });
    await expect(send({ ...signed(), url: "https://127.0.0.1/x" } as AlertChoice, { hosts: [] })).rejects.toMatchObject(
      { type: "Refused" },
    );
    server.fail({ status: 307, headers: { location: "/elsewhere" } });
    await expect(send(signed())).rejects.toMatchObject({ type: "Refused" });
    expect(bodies).toEqual([]);
  });
});

describe("createSlackWebhookAlertSink", () => {
  it("posts one message with everything, and a repeat posts nothing", async () => {
    await send(incoming);
    await send(incoming);
    await send(incoming, { id: "msg_2", alert: anAlert({ kind: "failed", severity: "error" }) });
    expect(server.requests.map(({ path }) => path)).toEqual([secretPath, secretPath]);
    const { text, blocks } = JSON.parse(bodies[0] ?? "");
    expect(text).toContain("games-12 is the new champion");
    expect(JSON.stringify(blocks)).toContain("tuneloop explain games-12");
  });

  it.each([
    [404, "no_service", "NotFound"],
    [403, "action_prohibited", "Refused"],
    [410, "channel_is_archived", "NotFound"],
    [500, "rollup_error", "Unavailable"],
  ])("says what Slack says with status %d: %s", async (status, said, type) => {
    server.fail({ status, body: said });
    const message = `the webhook of SLACK_WEBHOOK_URL answers ${status}: ${said}`;
    await expect(send(incoming)).rejects.toMatchObject({ type, message });
  });

  it("fails for good and names the variable that holds no address", async () => {
    secrets["SLACK_WEBHOOK_URL"] = "canary-not-an-address";
    await expect(send(incoming)).rejects.toMatchObject({
      type: "InvalidInput",
      message: "SLACK_WEBHOOK_URL must be a webhook's address, https://hooks.slack.com/services/...",
    });
  });

  it("never lets its address into a failure or the bucket", async () => {
    const page = `<p>${server.url}${secretPath}</p>`;
    const faults: FakeFault[] = [
      { status: 500, body: page },
      { status: 400, body: { error: `${server.url}${secretPath}` } },
      { status: 429, headers: { "retry-after": "30" } },
      { status: 302, headers: { location: secretPath } },
      { status: 0, hangUp: true },
    ];
    const failing: (() => Promise<unknown>)[] = faults.map((fault) => () => {
      server.fail(fault);
      return send(incoming);
    });
    failing.push(() => send(incoming, { hosts: [] }));
    failing.push(() => {
      secrets["SLACK_WEBHOOK_URL"] = `http://127.0.0.1:1${secretPath}`;
      return send(incoming, { hosts: ["127.0.0.1:1"] });
    });
    failing.push(() => {
      secrets["SLACK_WEBHOOK_URL"] = `https://me:word@canary.invalid${secretPath}`;
      return send(incoming);
    });
    for (const fail of failing) {
      for (let error: unknown = await failureOf(fail); error instanceof Error; error = error.cause)
        expect(`${error.message} ${error.stack} ${JSON.stringify(error)}`).not.toContain("canary-that");
    }
    expect([...store.objects.values()].map(({ body }) => body.toString()).join()).not.toContain("canary");
  });
});

describe("createAlertSinks", () => {
  it("tells the log as well", async () => {
    const lines: string[] = [];
    const log = { ...silent, info: (_: object, message: string) => void lines.push(message) };
    const http = createSafeHttp({ allowHosts: [] });
    const sinks = createAlertSinks({ log, http, secret: String, store, now: () => clock });
    const alert: Alert = anAlert();
    await sinks.send({ id: "msg_1", alert, sink: { kind: "log" }, signal });
    expect(lines).toEqual([alert.title]);
  });
});
