import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { WorkflowUpdateFailedError } from "@temporalio/client";
import { TypedFailure } from "../../src/domain/failures.ts";
import { pauseUpdate, resumeUpdate, runNowUpdate } from "../../workflows/pipeline-messages.ts";
import { aPipelineDefinition } from "../support/builders.ts";
import { startPipeline, type TestPipeline } from "../support/pipelines.ts";
import { failureOf, startTestTemporal, type TestTemporal } from "../support/temporal.ts";
import { Door, type World } from "../support/world.ts";

let temporal: TestTemporal;
let world: World;
let pipeline: TestPipeline;

beforeAll(async () => {
  temporal = await startTestTemporal(import.meta.filename);
});
beforeEach(() => {
  world = temporal.newWorld();
});
afterEach(() => temporal.endAll());
afterAll(() => temporal.stop());

const definition = () => aPipelineDefinition({ name: world.name });
const cycleId = (number: number | string) => `retrain/${world.name}/${number}`;

async function start(): Promise<void> {
  pipeline = await startPipeline(temporal, definition());
  await pipeline.state();
}

/** Commits a version and lets the pipeline know. */
async function deliver(records: number): Promise<void> {
  world.commit(records);
  await pipeline.tellVersion(world.versions.length);
}

/** Lets each cycle wait before it trains. */
function holdCycles(): Door {
  const door = new Door();
  world.when("submitTraining", async (_, usual) => {
    await door.pass();
    return usual();
  });
  return door;
}

const cyclesBegun = () => world.requests("openCycle").map(({ workflowId }) => workflowId);

describe("pipeline", () => {
  it("starts a cycle when enough new records are there, and not before", async () => {
    await start();
    await deliver(60);
    const waiting = await pipeline.until(({ dataset }) => expect(dataset.version).toBe(1));
    expect(waiting.status).toBe("Waiting for 40 more new records: 60 of 100 are there.");
    expect(waiting).toMatchObject({ cycle: null, newRecords: 60, minNewRecords: 100 });
    await deliver(40);
    const ended = await pipeline.until(({ lastOutcome }) => expect(lastOutcome).not.toBeNull());
    expect(ended).toMatchObject({
      lastOutcome: `${cycleId(2)}: promoted`,
      lastCycle: { datasetVersion: 2, repeat: 1, records: 100 },
      cycle: null,
      newRecords: 0,
    });
    expect(cyclesBegun()).toEqual([cycleId(2)]);
    await temporal.record(pipeline.handle, "threshold");
  });

  it("runs one cycle at a time, and one more for all that came meanwhile", async () => {
    const door = holdCycles();
    await start();
    await deliver(100);
    await door.reached;
    await deliver(100);
    await deliver(100);
    const during = await pipeline.until(({ dataset }) => expect(dataset.version).toBe(3));
    expect(during).toMatchObject({ cycle: cycleId(1), status: `Cycle ${cycleId(1)} is running.`, newRecords: 200 });
    door.open();
    await pipeline.until(({ lastOutcome }) => expect(lastOutcome).toBe(`${cycleId(3)}: promoted`));
    expect(cyclesBegun()).toEqual([cycleId(1), cycleId(3)]);
    await temporal.record(pipeline.handle, "coalesced");
  });

  it("goes on after a cycle that failed", async () => {
    world.when("submitTraining", async () => {
      throw new TypedFailure("Refused", "no quota");
    });
    await start();
    await deliver(100);
    await pipeline.until(({ lastOutcome }) => expect(lastOutcome).toBe(`${cycleId(1)}: Refused: no quota`));
    delete world.behaviours.submitTraining;
    await deliver(100);
    await pipeline.until(({ lastOutcome }) => expect(lastOutcome).toBe(`${cycleId(2)}: promoted`));
    await temporal.record(pipeline.handle, "cycle-failed");
  });

  it("reads what came while it was not running when it starts", async () => {
    world.commit(150);
    await start();
    await pipeline.until(({ lastOutcome }) => expect(lastOutcome).toBe(`${cycleId(1)}: promoted`));
    await pipeline.handle.terminate();
    world.commit(30);
    await start();
    const state = await pipeline.until(({ dataset }) => expect(dataset.version).toBe(2));
    expect(state).toMatchObject({ newRecords: 30, cycle: null, lastCycle: { datasetVersion: 1, records: 150 } });
  });

  it("follows a cycle of the same version that somebody started by hand", async () => {
    const door = holdCycles();
    await start();
    world.commit(100);
    await temporal.start("retrain", cycleId(1), { pipeline: definition(), version: 1 });
    await door.reached;
    await pipeline.tellVersion(1);
    await pipeline.until(({ cycle }) => expect(cycle).toBe(cycleId(1)));
    door.open();
    await pipeline.until(({ lastOutcome }) => expect(lastOutcome).toBe(`${cycleId(1)}: promoted`));
    expect(cyclesBegun()).toEqual([cycleId(1)]);
    expect(world.jobs.size).toBe(1);
    await temporal.record(pipeline.handle, "started-by-hand");
  });

  it("fails at once and names the field when its definition is wrong", async () => {
    const wrong = { ...definition(), rollout: { steps: [100, 50] } };
    const handle = await temporal.start("pipeline", `pipeline/${world.name}`, wrong);
    expect(await failureOf(handle)).toBe("InvalidInput: rollout.steps: the last step must be 100");
    const nothing = await temporal.start("pipeline", `pipeline/${world.name}`, undefined);
    expect(await failureOf(nothing)).toBe("InvalidInput: Invalid input: expected object, received undefined");
    expect(world.calls).toEqual([]);
  });
});

describe("datasetUpdated from outside", () => {
  it("brings the dataset up to date, once more for all that came meanwhile", async () => {
    const door = new Door();
    world.sources["slack"] = 30;
    world.when("commitVersion", async (_, usual) => {
      await door.pass();
      return usual();
    });
    await start();
    await pipeline.tellNews("a");
    await door.reached;
    await pipeline.tellNews("b");
    await pipeline.tellNews("c");
    await pipeline.until(({ signals }) => expect(signals.applied).toBe(3));
    world.sources["slack"] = 50;
    door.open();
    const done = await pipeline.until((state) => {
      expect(state).toMatchObject({ update: null, updateWanted: false, dataset: { version: 2, records: 50 } });
    });
    expect(done.updatesStarted).toBe(2);
    await temporal.record(pipeline.handle, "updates");
  });

  it("waits for an update that a pipeline before it left running, and then reads the news", async () => {
    const door = new Door();
    world.sources["slack"] = 30;
    world.when("commitVersion", async (_, usual) => {
      await door.pass();
      return usual();
    });
    const { name, sources } = definition();
    await temporal.start("updateDataset", `pipeline/${name}/update-1`, { dataset: name, sources });
    await door.reached;
    await start();
    await pipeline.tellNews("a");
    await pipeline.until(({ update }) => expect(update).toBe(`pipeline/${name}/update-1`));
    world.sources["slack"] = 50;
    door.open();
    await pipeline.until((state) =>
      expect(state).toMatchObject({ update: null, dataset: { version: 2, records: 50 } }),
    );
    expect(world.alerts).toEqual([]);
    await temporal.record(pipeline.handle, "update-of-another");
  });

  it("alerts people and goes on when the dataset cannot be updated", async () => {
    world.when("ingest", async () => {
      throw new TypedFailure("Refused", "access denied");
    });
    await start();
    await pipeline.tellNews("a");
    await pipeline.until(({ update, updatesStarted }) => expect([update, updatesStarted]).toEqual([null, 1]));
    const alert = {
      severity: "error",
      title: `${world.name}: the dataset could not be updated`,
      workflowId: `pipeline/${world.name}/update-1`,
    };
    await vi.waitFor(() => expect(world.alerts).toMatchObject([alert]), { timeout: 30_000 });
    expect(world.alerts[0]?.text[0]).toContain("QuorumNotMet: 0 sources delivered, 1 are needed");
    delete world.behaviours.ingest;
    world.sources["slack"] = 10;
    await pipeline.tellNews("b");
    await pipeline.until(({ dataset }) => expect(dataset.version).toBe(1));
    await temporal.record(pipeline.handle, "update-failed");
  });

  it("rejects and counts what it does not understand, and goes on", async () => {
    await start();
    const dataset = world.name;
    const bad: [string, unknown][] = [
      ["datasetUpdated", null],
      ["datasetUpdated", 42],
      ["datasetUpdated", ["a"]],
      ["datasetUpdated", { dataset }],
      ["datasetUpdated", { dataset, updateId: "x".repeat(201) }],
      ["datasetUpdated", { dataset: "other", updateId: "a" }],
      ["datasetUpdated", { dataset, updateId: "a", version: 0 }],
      ["datasetUpdated", { dataset, updateId: "a", version: "1" }],
      ["datasetUpdated", { dataset, updateId: "a", records: -1 }],
      ["datasetUpdate", { dataset, updateId: "a" }],
    ];
    for (const [signal, payload] of bad) await pipeline.handle.signal(signal, payload);
    await pipeline.handle.signal("datasetUpdated");
    const { signals, rejected } = await pipeline.until((state) => expect(state.signals.rejected).toBe(bad.length + 1));
    expect(signals).toEqual({ applied: 0, duplicates: 0, rejected: 11 });
    expect(rejected[0]).toBe("datasetUpdated: the message must be an object");
    expect(rejected[5]).toBe(`datasetUpdated: dataset: this pipeline is about ${dataset}`);
    expect(rejected[9]).toBe("datasetUpdate: unknown signal");
    await deliver(100);
    await pipeline.until(({ lastOutcome }) => expect(lastOutcome).toBe(`${cycleId(1)}: promoted`));
    await temporal.record(pipeline.handle, "bad-signals");
  });
});

describe("orders to a pipeline", () => {
  it("runs a cycle now, though too few records are new, and again of the same version", async () => {
    await start();
    await deliver(5);
    const receipt = await pipeline.handle.executeUpdate(runNowUpdate, { args: [{ reason: "to see" }] });
    expect(receipt).toEqual({ accepted: true, orderId: "runNow-1" });
    await pipeline.until(({ lastOutcome }) => expect(lastOutcome).toBe(`${cycleId(1)}: promoted`));
    expect(await pipeline.handle.executeUpdate(runNowUpdate, { args: [{}] })).toMatchObject({ orderId: "runNow-2" });
    await pipeline.until(({ lastOutcome }) => expect(lastOutcome).toBe(`${cycleId("1.2")}: promoted`));
    await temporal.record(pipeline.handle, "run-now");
  });

  it("reads the sources first when it is to run now and there is no dataset version", async () => {
    world.sources["slack"] = 5;
    await start();
    await pipeline.handle.executeUpdate(runNowUpdate, { args: [{}] });
    await pipeline.until(({ lastOutcome }) => expect(lastOutcome).toBe(`${cycleId(1)}: promoted`));
    expect(world.requests("commitVersion")).toHaveLength(1);
  });

  it("starts no cycle while paused, except by order, and makes up for it when resumed", async () => {
    await start();
    await pipeline.handle.executeUpdate(pauseUpdate, { args: [{ reason: "holidays" }] });
    await deliver(100);
    const paused = await pipeline.until(({ dataset }) => expect(dataset.version).toBe(1));
    expect(paused).toMatchObject({
      paused: true,
      cycle: null,
      status: "Paused: holidays. Resume with the update resume.",
    });
    await pipeline.handle.executeUpdate(runNowUpdate, { args: [{}] });
    await pipeline.until(({ lastOutcome }) => expect(lastOutcome).toBe(`${cycleId(1)}: promoted`));
    await deliver(100);
    await pipeline.until(({ dataset, cycle }) => expect([dataset.version, cycle]).toEqual([2, null]));
    await pipeline.handle.executeUpdate(resumeUpdate, { args: [{}] });
    await pipeline.until(({ lastOutcome }) => expect(lastOutcome).toBe(`${cycleId(2)}: promoted`));
    await temporal.record(pipeline.handle, "paused");
  });

  it.each([
    ["text", "now", 'the argument must be an object such as {"reason": "too many complaints", "by": "ann"}'],
    ["an unknown field", { why: "x" }, "why: unknown field"],
    ["a reason that is no text", { reason: 5 }, "reason: must be text"],
  ])("refuses an order with %s before it gets into history", async (_, argument, message) => {
    await start();
    const refused = pipeline.handle.executeUpdate("pause", { args: [argument] });
    await expect(refused).rejects.toBeInstanceOf(WorkflowUpdateFailedError);
    await expect(refused).rejects.toMatchObject({ cause: { type: "InvalidInput", message } });
    expect(await pipeline.state()).toMatchObject({ paused: false, orders: 0 });
    const { events } = await pipeline.handle.fetchHistory();
    expect(events?.some((event) => event.workflowExecutionUpdateAcceptedEventAttributes)).toBe(false);
  });
});
