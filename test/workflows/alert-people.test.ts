import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { TypedFailure } from "../../src/domain/failures.ts";
import { anAlert } from "../support/builders.ts";
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
