import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { TypedFailure } from "../../src/domain/failures.ts";
import type { CycleOutcome } from "../../src/domain/report-schema.ts";
import { searchAttributes } from "../../workflows/search-attributes.ts";
import { aPipelineDefinition, aQuickRollout, aTestSet } from "../support/builders.ts";
import { aSecondCycle, type SecondCycle } from "../support/second-cycle.ts";
import { failureOf, startTestTemporal, type TestTemporal } from "../support/temporal.ts";
import { Door, type World, type WorldActivity } from "../support/world.ts";

let temporal: TestTemporal;
let cycle: SecondCycle;
let world: World;
let champion: string;
let challenger: string;

beforeAll(async () => {
  temporal = await startTestTemporal(import.meta.filename);
});
beforeEach(() => {
  cycle = aSecondCycle(temporal, { hasChampion: false });
  ({ world, champion, challenger } = cycle);
});
afterAll(() => temporal.stop());

const definition = () => aPipelineDefinition({ name: world.name });

/** What people were told of cycles' ends; that a rollout goes back they hear at once, too. */
const endings = () => world.alerts.filter(({ kind }) => kind !== "rollout-back");

/** However a cycle ended: people hear of it once, it has one report, and only what is champion is up. */
function expectEnd(outcome: CycleOutcome, serving: string | null): void {
  expect(world.reports.map((report) => report.outcome)).toEqual([outcome]);
  expect(endings()).toHaveLength(1);
  expect(endings()[0]?.links[0]).toEqual({
    name: "report",
    uri: `s3://tuneloop/reports/${challenger}/report.md`,
  });
  expect(world.serving).toEqual(serving === null ? {} : { [serving]: 100 });
  expect(world.registry).toMatchObject({ champion: serving, challenger: null, lock: null });
  expect([...world.jobs.values()].filter(({ state }) => state === "running" || state === "queued")).toEqual([]);
}

describe("retrain", () => {
  it("makes the first champion of a version that is good enough", async () => {
    const handle = await cycle.start();
    expect(await handle.result()).toMatchObject({
      cycle: challenger,
      outcome: "promoted",
      datasetVersion: `${world.name}@2`,
      recordsPerSource: { slack: 250 },
      job: { id: "job-1", trainedRecords: 180 },
      champion: null,
      challenger: { version: challenger, metrics: { accuracy_output_fn: 0.9 } },
      testSet: aTestSet(),
      failure: null,
    });
    expectEnd("promoted", challenger);
    expect(world.alerts[0]).toMatchObject({ severity: "info", title: `${challenger} is the first champion.` });
    expect(cycle.arms()).toEqual([["challenger", challenger, null]]);
    await temporal.record(handle, "first-champion");
  });

  it("rolls out a challenger that wins, after asking both the same questions", async () => {
    world.crown(champion);
    const handle = await cycle.start();
    const { phases } = await handle.result();
    expect(Object.keys(phases)).toEqual(["prepare", "train", "deploy", "evaluate", "decide", "roll out"]);
    expectEnd("promoted", challenger);
    expect(world.traffic[0]).toBe(`${challenger} at 0`);
    expect(world.requests("decideCycle")[0]).toMatchObject({
      cycle: challenger,
      testSet: aTestSet(),
      metrics: [{ pack: "functional-representation", options: {} }],
      policy: { primary: "accuracy_output_fn", guards: [] },
      judging: { judged: [], failure: null },
    });
    expect(cycle.arms()).toEqual([
      ["challenger", challenger, null],
      ["champion", champion, null],
    ]);
    await temporal.record(handle, "promoted");
  });

  it("stays under 500 events with all its children", async () => {
    world.crown(champion);
    const handle = await cycle.start();
    await handle.result();
    const steps = ["fine-tune", "silent", "evaluate-champion", "evaluate-challenger", "roll-out"];
    const ids = [handle.workflowId, ...steps.map((step) => `${handle.workflowId}/${step}`)];
    const histories = await Promise.all(ids.map((id) => temporal.client.workflow.getHandle(id).fetchHistory()));
    const events = histories.reduce((sum, history) => sum + (history.events?.length ?? 0), 0);
    expect(events).toBeLessThan(500);
  });

  it("can be found by its pipeline, model and decision", async () => {
    world.crown(champion);
    const handle = await cycle.start();
    await handle.result();
    const { typedSearchAttributes } = await handle.describe();
    expect(typedSearchAttributes.get(searchAttributes.pipeline)).toBe(world.name);
    expect(typedSearchAttributes.get(searchAttributes.model)).toBe(challenger);
    expect(typedSearchAttributes.get(searchAttributes.decision)).toBe("promote");
  });

  it("says in the end what the training has cost, also when it has failed", async () => {
    world.jobStates = ["running", "failed"];
    const handle = await cycle.start();
    await expect(handle.result()).rejects.toThrow();
    expect(world.reports[0]).toMatchObject({ outcome: "failed", costUsd: 1.25 });
    expect((await handle.describe()).typedSearchAttributes.get(searchAttributes.costUsd)).toBe(1.25);
  });

  it("comes to its end without a cost that cannot be had", async () => {
    world.when("readCost", async () => {
      throw new TypedFailure("Unavailable", "no usage today");
    });
    const handle = await cycle.start();
    expect(await handle.result()).toMatchObject({ outcome: "promoted", costUsd: null });
    expectEnd("promoted", challenger);
    expect((await handle.describe()).typedSearchAttributes.get(searchAttributes.costUsd)).toBeUndefined();
  });

  it.each([
    ["keep", "kept", "warning"],
    ["inconclusive", "inconclusive", "warning"],
  ] as const)("gives a challenger no traffic when the decision is %s", async (verdict, outcome, severity) => {
    world.crown(champion);
    world.verdict = verdict;
    const handle = await cycle.start();
    expect(await handle.result()).toMatchObject({ outcome, decision: { outcome: verdict }, failure: null });
    expectEnd(outcome, champion);
    expect(world.traffic).toEqual([`${challenger} at 0`, `${challenger} down`]);
    expect(world.alerts[0]).toMatchObject({ severity });
    expect(world.alerts[0]?.text[0]).toBe(`the numbers say ${verdict}`);
    await temporal.record(handle, outcome);
  });

  it("ends the service of a first model that is not good enough", async () => {
    world.verdict = "keep";
    await (await cycle.start()).result();
    expectEnd("kept", null);
  });

  it("ends with the outcome rolled-back, not with a failure, when the rollout goes back", async () => {
    world.crown(champion);
    world.when("look", async (_, usual) => {
      if (world.serving[challenger] === 50) throw new TypedFailure("ProbeFailed", "8 of 8 probes failed");
      return usual();
    });
    const handle = await cycle.start();
    const failure = "ProbeFailed: 8 of 8 probes failed";
    expect(await handle.result()).toMatchObject({ outcome: "rolled-back", failure, decision: { outcome: "promote" } });
    expectEnd("rolled-back", champion);
    expect(endings()[0]).toMatchObject({ severity: "error" });
    await temporal.record(handle, "rolled-back");
  });

  it.each([
    ["readTraining", "CorruptObject", 0, "failed-prepare"],
    ["submitTraining", "Refused", 0, "failed-train"],
    ["readModel", "JobFailed", 1, "failed-model"],
    ["awaitWeight", "ServiceFailed", 1, "failed-deploy"],
    ["askQuestions", "NotFound", 1, "failed-evaluate"],
    ["decideCycle", "InvalidData", 1, "failed-decide"],
  ] as const satisfies [WorldActivity, string, number, string][])(
    "fails and leaves only the champion up when %s fails with %s",
    async (activity, type, jobs, caseName) => {
      world.crown(champion);
      world.when(activity, async () => {
        throw new TypedFailure(type, "it is broken");
      });
      const handle = await cycle.start();
      expect(await failureOf(handle)).toBe(`${type}: it is broken`);
      expectEnd("failed", champion);
      expect(world.reports[0]?.failure).toBe(`${type}: it is broken`);
      expect(world.alerts[0]).toMatchObject({ severity: "error" });
      expect(world.jobs.size).toBe(jobs);
      await temporal.record(handle, caseName);
    },
  );

  it("ends the job and the cycle when it is cancelled while the model trains", async () => {
    world.crown(champion);
    world.jobStates = Array<"running">(10_000).fill("running");
    const handle = await cycle.start();
    await vi.waitFor(() => expect(world.requests("awaitJob").length).toBeGreaterThan(1), 10_000);
    await handle.cancel();
    expect(await failureOf(handle)).toBe("cancelled");
    expectEnd("cancelled", champion);
    expect([...world.jobs.values()].map(({ state }) => state)).toEqual(["terminated"]);
    await temporal.record(handle, "cancelled-train");
  });

  it("takes the challenger down when it is cancelled while the models are asked", async () => {
    world.crown(champion);
    const door = new Door();
    world.when("askQuestions", async (_, usual) => {
      await door.pass();
      return usual();
    });
    const handle = await cycle.start();
    await door.reached;
    await handle.cancel();
    await temporal.untilCancelRequested({ workflowId: `${handle.workflowId}/evaluate-challenger` });
    door.open();
    expect(await failureOf(handle)).toBe("cancelled");
    expectEnd("cancelled", champion);
    await temporal.record(handle, "cancelled-evaluate");
  });

  it("takes the challenger's traffic back when it is cancelled while a step is watched", async () => {
    world.crown(champion);
    const rollout = { ...aQuickRollout, soakSeconds: 86_400 };
    const handle = await cycle.start({ rollout });
    await vi.waitFor(() => expect(world.serving[challenger]).toBe(10), 10_000);
    await vi.waitFor(() => expect(world.looks[0]).toBeGreaterThan(5), 10_000);
    await handle.signal("shares", [{ percent: "most of it" }]);
    await handle.cancel();
    expect(await failureOf(handle)).toBe("cancelled");
    expectEnd("cancelled", champion);
    expect(world.reports[0]?.rollout).toEqual([{ percent: 10, seconds: expect.any(Number), looks: 1 }]);
    expect(world.reports[0]?.rollout?.[0]?.seconds).toBeGreaterThan(0);
    await temporal.record(handle, "cancelled-roll-out");
  });

  it("trains on the newest version when told none", async () => {
    await (await cycle.startWith({ pipeline: definition() })).result();
    expect(world.reports[0]?.datasetVersion).toBe(`${world.name}@2`);
  });

  it("names a repeat of a cycle differently, so that it is trained again", async () => {
    await (await cycle.startWith({ pipeline: definition(), version: 2, repeat: 2 })).result();
    expect(world.reports[0]?.cycle).toBe(`${challenger}.2`);
  });

  it("fails at once when the dataset has no such version", async () => {
    const handle = await cycle.startWith({ pipeline: definition(), version: 3 });
    expect(await failureOf(handle)).toBe(`NotFound: dataset ${world.name} has no such version`);
    expect(world.story()).toEqual(["openCycle", "sendAlert"]);
    expect(world.alerts[0]).toMatchObject({ severity: "error", title: `${world.name}: a cycle could not begin` });
  });

  it.each([
    ["nothing", () => undefined, "InvalidInput: Invalid input: expected object, received undefined"],
    ["no pipeline", () => ({ version: 1 }), "InvalidInput: pipeline: "],
    ["version 0", () => ({ pipeline: definition(), version: 0 }), "InvalidInput: version: "],
    ["repeat 0", () => ({ pipeline: definition(), repeat: 0 }), "InvalidInput: repeat: "],
    [
      "a bad guard",
      () => ({ pipeline: { ...definition(), decide: { guards: [{ metric: "bleu", margin: 0 }] } } }),
      "InvalidInput: decide.guards.0.metric: ",
    ],
    [
      "an unknown recipe",
      () => ({ pipeline: { ...definition(), recipe: { name: "magic" } } }),
      "InvalidInput: recipe.name: there is no recipe magic",
    ],
  ])("fails at once and names the field when given %s", async (_, wrong, message) => {
    expect(await failureOf(await cycle.startWith(wrong()))).toContain(message);
    expect(world.calls).toEqual([]);
  });
});
