import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { createAlertActivities } from "../../activities/alerts.ts";
import { createAlertSinks } from "../../src/adapters/alert-sinks.ts";
import { createSafeHttp } from "../../src/adapters/safe-http.ts";
import { TypedFailure } from "../../src/domain/failures.ts";
import { anAlert } from "../support/builders.ts";
import { MemoryObjectStore } from "../support/memory-store.ts";
import { serveFake } from "../support/service-fake.ts";
import { chatChannel, chatToken, startSlackChatFake } from "../support/slack-chat-fake.ts";
import { currentDetails, failureOf, startTestTemporal, type TestTemporal } from "../support/temporal.ts";
import { Door, type World } from "../support/world.ts";

const sinks = [
  { kind: "log" },
  { kind: "slack", tokenSecret: "SLACK_TOKEN", channel: "C0123456789" },
  { kind: "slack", webhookSecret: "SLACK_WEBHOOK_URL" },
];

let temporal: TestTemporal;
let world: World;
beforeAll(async () => {
  temporal = await startTestTemporal(import.meta.filename);
});
beforeEach(() => {
  world = temporal.newWorld();
});
afterEach(() => temporal.endAll());
afterAll(() => temporal.stop());

const start = (input: object) => temporal.start("alertPeople", `alert/${world.name}`, input);

describe("alertPeople", () => {
  it("tells everybody and answers who they were", async () => {
    const handle = await start({ alert: anAlert(), sinks });
    const told = ["log", "Slack channel C0123456789", "Slack webhook SLACK_WEBHOOK_URL"];
    expect(await handle.result()).toEqual({ told });
    expect(world.requests("sendAlert").map(({ sink }) => sink)).toEqual(expect.arrayContaining(sinks));
    await temporal.record(handle, "told");
  });

  it("tries again what is down, as long as its patience lasts, and then says who was not told", async () => {
    world.when("sendAlert", async ({ sink }, usual) => {
      if (sink.kind === "slack") throw new TypedFailure("Unavailable", "Slack answers 503", { retryAfterMs: 20 });
      return usual();
    });
    const handle = await start({ alert: anAlert(), sinks, patienceSeconds: 1 });
    // The server says why the last attempt failed, or that the time was over before another one.
    const reason = "not told: (Unavailable: Slack answers 503|not reached in 1 s)";
    expect(await failureOf(handle)).toMatch(
      new RegExp(`^NotTold: Slack channel C0123456789: ${reason}; Slack webhook SLACK_WEBHOOK_URL: ${reason}$`),
    );
    expect(world.alerts).toHaveLength(1);
    expect(world.requests("sendAlert").length).toBeGreaterThan(5);
    expect(await currentDetails(handle)).toMatch(new RegExp(`Slack channel C0123456789: ${reason}`));
    await temporal.record(handle, "not-told");
  });

  it("tells the others while one hangs, and ends when it is cancelled", async () => {
    const door = new Door();
    world.when("sendAlert", async ({ sink }, usual) => {
      if ("channel" in sink) await door.pass();
      return usual();
    });
    const handle = await start({ alert: anAlert(), sinks });
    await door.reached;
    await vi.waitFor(() => expect(world.alerts).toHaveLength(2), 30_000);
    await handle.cancel();
    expect(await failureOf(handle)).toBe("cancelled");
    door.open();
  });

  it("leaves no secret in its history, neither when people are told nor when they are refused", async () => {
    const slack = await startSlackChatFake();
    const hook = await serveFake((app) => app.post("/canary-ok", (context) => context.text("ok")));
    const secrets: Record<string, string> = {
      SLACK_TOKEN: chatToken,
      WRONG_TOKEN: "xoxb-canary-of-nobody",
      SLACK_WEBHOOK_URL: `${hook.url}/canary-gone`,
      TOLD_WEBHOOK_URL: `${hook.url}/canary-ok`,
      HOOK_KEY: "canary-that-is-no-key",
    };
    const alerts = createAlertSinks({
      log: { info() {}, warn() {}, error() {} },
      http: createSafeHttp({ allowHosts: [slack.host, hook.host] }),
      secret: (name) => secrets[name] ?? "",
      store: new MemoryObjectStore(),
      now: () => new Date(),
    });
    const real = createAlertActivities({ alerts, temporalUi: "https://temporal.example" });
    world.when("sendAlert", (request) => real.sendAlert(request));
    const bot = { kind: "slack", channel: chatChannel, apiUrl: `${slack.url}/api` };
    const handle = await start({
      alert: anAlert(),
      sinks: [
        { ...bot, tokenSecret: "SLACK_TOKEN" },
        { ...bot, tokenSecret: "WRONG_TOKEN", channel: "#models" },
        { kind: "slack", webhookSecret: "SLACK_WEBHOOK_URL" },
        { kind: "slack", webhookSecret: "TOLD_WEBHOOK_URL" },
        { kind: "webhook", url: `${hook.url}/hook`, signingSecret: "HOOK_KEY" },
      ],
    });
    expect(await failureOf(handle)).toMatch(
      /^NotTold: Slack channel #models: .*invalid_auth.*WRONG_TOKEN; Slack webhook SLACK_WEBHOOK_URL: .* answers 404; webhook .*HOOK_KEY must be/,
    );
    const history = JSON.stringify(await handle.fetchHistory());
    const payloads = history.replaceAll(/"data":"([^"]*)"/g, (_, data) => Buffer.from(data, "base64").toString());
    expect(payloads).toContain("WRONG_TOKEN");
    expect(payloads).not.toContain("canary");
    expect(JSON.stringify(slack.messages)).toContain("https://temporal.example/namespaces/alert-people/workflows/");
    await Promise.all([slack.stop(), hook.stop()]);
  });

  it.each([
    ["no sinks", { alert: anAlert(), sinks: [] }, "InvalidInput: sinks: name at least one sink"],
    ["an alert of no kind", { alert: { ...anAlert(), kind: "odd" }, sinks }, "InvalidInput: alert.kind: "],
    [
      "a secret instead of its name",
      { alert: anAlert(), sinks: [{ kind: "slack", webhookSecret: "https://hooks.slack.com/services/x" }] },
      "InvalidInput: sinks.0.webhookSecret: must be the name of an environment variable",
    ],
  ])("fails at once and names the field when given %s", async (_, input, message) => {
    expect(await failureOf(await start(input))).toContain(message);
  });
});
