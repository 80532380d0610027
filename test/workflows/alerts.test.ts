import type { WorkflowHandle } from "@temporalio/client";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { AlertChoice } from "../../src/domain/alert-choice-schema.ts";
import type { AlertKind } from "../../src/domain/alert-schema.ts";
import { TypedFailure } from "../../src/domain/failures.ts";
import type { PipelineDefinition } from "../../src/domain/pipeline-schema.ts";
import { waitFor } from "../../src/dev/wait.ts";
import type { retrain } from "../../workflows/retrain.ts";
import { aPipelineDefinition, aSource } from "../support/builders.ts";
import { startPipeline } from "../support/pipelines.ts";
import { currentDetails, failureOf, startTestTemporal, type TestTemporal } from "../support/temporal.ts";
import { Door, type World } from "../support/world.ts";

const log: AlertChoice = { kind: "log" };
const bot: AlertChoice = { kind: "slack", tokenSecret: "SLACK_TOKEN", channel: "C0123456789" };
const webhook: AlertChoice = { kind: "webhook", url: "https://ops.example/hooks/7", signingSecret: "HOOK_KEY" };

let temporal: TestTemporal;
let world: World;
beforeAll(async () => {
  temporal = await startTestTemporal(import.meta.filename);
});
beforeEach(() => {
  world = temporal.newWorld();
  world.commit(100);
  world.commit(150);
  world.crown(`${world.name}-1`);
});
afterEach(() => temporal.endAll());
afterAll(() => temporal.stop());

const until = (check: () => void | Promise<void>): Promise<void> => waitFor(async () => check(), { timeoutMs: 30_000 });

const definition = (overrides: Partial<PipelineDefinition> = {}): PipelineDefinition =>
  aPipelineDefinition({ name: world.name, alerts: [log, bot, webhook], ...overrides });

const startCycle = (
  overrides: Partial<PipelineDefinition> = {},
  version = 2,
): Promise<WorkflowHandle<typeof retrain>> => {
  const { sources: _, ...pipeline } = definition(overrides);
  return temporal.start("retrain", `retrain/${world.name}/2`, { pipeline, version });
};

/** Names of the sinks that were told of this kind, in order of their names. */
const toldOf = (kind: AlertKind): string[] =>
  world
    .requests("sendAlert")
    .filter(({ alert }) => alert.kind === kind)
    .map(({ sink }) => sink.kind)
    .toSorted();

const breaks = (type: "JobFailed" | "InvalidData" | "Refused") => async (): Promise<never> => {
  throw new TypedFailure(type, "it is broken");
};

/** What no cycle and no pipeline sends as news of its own: phases, and what rollouts and the janitor say. */
type SentElsewhere =
  | "phase"
  | "test"
  | "rollout-held"
  | "step-approval-wanted"
  | "rollout-back"
  | "rollback-fails"
  | "champion-silent"
  | "reaped"
  | "not-reaped";

/** Brings each of these about; nothing that people have to hear of is left out, or this does not compile. */
const scenarios: Record<Exclude<AlertKind, SentElsewhere>, () => Promise<unknown>> = {
  promoted: async () => (await startCycle()).result(),
  kept: async () => {
    world.verdict = "keep";
    return (await startCycle()).result();
  },
  inconclusive: async () => {
    world.verdict = "inconclusive";
    return (await startCycle()).result();
  },
  "rolled-back": async () => {
    world.when("look", (_, usual) => {
      if (world.serving[`${world.name}-2`] === 50)
        world.gates = [{ gate: "error rate", verdict: "fail", reason: "error rate: 8 of 8" }];
      return usual();
    });
    return (await startCycle()).result();
  },
  failed: async () => {
    world.when("readModel", breaks("JobFailed"));
    return failureOf(await startCycle());
  },
  cancelled: async () => {
    world.jobStates = Array<"running">(10_000).fill("running");
    const handle = await startCycle();
    await until(() => expect(world.requests("awaitJob").length).toBeGreaterThan(1));
    await handle.cancel();
    return failureOf(handle);
  },
  "not-begun": async () => failureOf(await startCycle({}, 7)),
  "approval-wanted": async () => {
    const { decide } = definition();
    const handle = await startCycle({
      decide: { ...decide, approval: { deadlineSeconds: 86_400, onDeadline: "keep" } },
    });
    await until(() => expect(toldOf("approval-wanted")).toHaveLength(3));
    await handle.executeUpdate("reject", { args: [{ reason: "not today", by: "ana" }] });
    return handle.result();
  },
  "update-failed": async () => {
    world.when("ingest", breaks("Refused"));
    const pipeline = await startPipeline(temporal, definition());
    await pipeline.tellNews("a");
    await pipeline.until(({ update, updatesStarted }) => expect([update, updatesStarted]).toEqual([null, 1]));
  },
  "sources-failed": async () => {
    world.when("ingest", async ({ source }, usual) => (source.id === "zendesk" ? breaks("Refused")() : usual()));
    const pipeline = await startPipeline(temporal, definition({ sources: [aSource("slack"), aSource("zendesk")] }));
    await pipeline.tellNews("a");
    await pipeline.until(({ failedSources }) => expect(Object.keys(failedSources)).toEqual(["zendesk"]));
  },
  unreadable: async () => {
    world.when("readPipeline", breaks("InvalidData"));
    await startPipeline(temporal, definition());
  },
};

/** Other alerts of the same scenario. */
const onTheWay: Partial<Record<AlertKind, AlertKind[]>> = {
  "approval-wanted": ["kept"],
  "rolled-back": ["rollout-back"],
};

describe("alerting", () => {
  it.each(Object.entries(scenarios))("tells people of %s once, through each sink", async (name, happen) => {
    await happen();
    const kind = name as AlertKind;
    await until(() => expect(toldOf(kind)).toEqual(["log", "slack", "webhook"]));
    const told = world.requests("sendAlert").map(({ alert }) => alert);
    expect(
      told.every(({ pipeline, format, at }) => pipeline === world.name && format === 1 && !isNaN(Date.parse(at))),
    ).toBe(true);
    // One end, and what was on the way to it.
    const others = new Set(told.map((alert) => alert.kind).filter((other) => other !== kind && other !== "phase"));
    expect([...others]).toEqual(onTheWay[kind] ?? []);
  });

  it("shows phases only where one message is kept up to date, in order, and the end after them", async () => {
    await (await startCycle()).result();
    const [toBot, toOthers] = [true, false].map((isBot) =>
      world.requests("sendAlert").filter(({ sink }) => (sink.kind === "slack") === isBot),
    );
    const kinds = toBot?.map(({ alert }) => alert.kind) ?? [];
    expect(kinds.at(0)).toBe("phase");
    expect(kinds.filter((kind) => kind !== "phase")).toEqual(["promoted"]);
    expect(kinds.at(-1)).toBe("promoted");
    const times = toBot?.map(({ alert }) => alert.at) ?? [];
    expect(times).toEqual(times.toSorted());
    expect(toOthers?.some(({ alert }) => alert.kind === "phase")).toBe(false);
  });

  it("costs a cycle no commands for phases when no sink shows them", async () => {
    const handle = await startCycle({ alerts: [log, webhook] });
    await handle.result();
    const { events = [] } = await handle.fetchHistory();
    const scheduled = events?.filter(
      (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === "sendAlert",
    );
    expect(scheduled).toEqual([]);
    expect(toldOf("promoted")).toEqual(["log", "webhook"]);
  });

  it("tells nobody where the pipeline names no sinks", async () => {
    const handle = await startCycle({ alerts: [] });
    await handle.result();
    expect(world.requests("sendAlert")).toEqual([]);
    expect(await currentDetails(handle)).toContain("Nobody is told");
  });
});

describe("a sink that is down", () => {
  it("stops no other, changes no outcome and does not keep the cycle from its end", async () => {
    world.when("sendAlert", async ({ sink }, usual) => {
      if (sink.kind === "slack") throw new TypedFailure("Unavailable", "Slack answers 503");
      return usual();
    });
    const handle = await startCycle();
    expect(await handle.result()).toMatchObject({ outcome: "promoted", failure: null });
    expect(new Set(toldOf("promoted"))).toEqual(new Set(["log", "slack", "webhook"]));
    const details = await currentDetails(handle);
    const [, alertId = ""] = /by workflow `(.+)`/.exec(details) ?? [];
    expect(details).toContain("People are still being told");
    // It goes on without the cycle, and says who knows.
    const alert = temporal.client.workflow.getHandle(alertId);
    expect((await alert.describe()).status.name).toBe("RUNNING");
    const standing = await currentDetails(alert);
    expect(standing).toContain("`log: told`");
    expect(standing).toContain("`Slack channel C0123456789: is being told`");
    delete world.behaviours.sendAlert;
    expect(await alert.result()).toEqual({ told: ["log", "Slack channel C0123456789", "webhook https://ops.example"] });
  });

  it("does not hold up a cycle whose phases it does not take", async () => {
    const door = new Door();
    world.when("sendAlert", async ({ sink, alert }, usual) => {
      if (sink.kind === "slack" && alert.kind === "phase") await door.pass();
      return usual();
    });
    const handle = await startCycle();
    await until(() => expect(world.reports).toHaveLength(1));
    door.open();
    await handle.result();
    // The newest phase alone was waiting behind the first.
    expect(toldOf("phase").length).toBeLessThanOrEqual(2);
    expect(toldOf("promoted")).toEqual(["log", "slack", "webhook"]);
  });

  it("says in the cycle's details, at once, who can never be told", async () => {
    world.when("sendAlert", async ({ sink }, usual) => {
      if (sink.kind === "webhook") throw new TypedFailure("InvalidInput", "HOOK_KEY is not set");
      return usual();
    });
    const handle = await startCycle({ alerts: [log, webhook] });
    await handle.result();
    const missed = "webhook https://ops.example: not told: InvalidInput: HOOK_KEY is not set";
    expect(await currentDetails(handle)).toContain(missed);
  });
});
