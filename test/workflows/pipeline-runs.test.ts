/** Pipelines over several runs, and at their end. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { WorkflowHandle } from "@temporalio/client";
import { aPipelineDefinition } from "../support/builders.ts";
import { startPipeline, type TestPipeline } from "../support/pipelines.ts";
import { failureOf, startTestTemporal, type TestTemporal } from "../support/temporal.ts";
import { Door, type World } from "../support/world.ts";

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

const start = () => startPipeline(temporal, aPipelineDefinition({ name: world.name }));
const cycleId = () => `retrain/${world.name}/1`;
const updateId = () => `pipeline/${world.name}/update-1`;

/** Sends duplicates until the pipeline has continued as new. */
async function rollOver(pipeline: TestPipeline): Promise<void> {
  const before = (await pipeline.runs()).length;
  while ((await pipeline.runs()).length === before) {
    for (let signal = 0; signal < 20; signal++) await pipeline.tellNews("again");
  }
}

/** A pipeline with a cycle that trains for ever and an update that waits for its source. */
async function busy(update: Door): Promise<TestPipeline> {
  world.jobStates = Array<"running">(100_000).fill("running");
  world.sources["slack"] = 30;
  world.when("ingest", async (_, usual) => {
    await update.pass();
    return usual();
  });
  world.commit(100);
  const pipeline = await start();
  await pipeline.tellNews("again");
  await update.reached;
  await vi.waitFor(() => expect(world.jobs.size).toBe(1), 10_000);
  return pipeline;
}

/** Children that a run has ordered, and those that it saw begin: what it did not see, the next run might not find. */
async function childrenOf(run: WorkflowHandle): Promise<{ initiated: unknown[]; began: unknown[] }> {
  const events = (await run.fetchHistory()).events ?? [];
  const ids = events.map((event) => ({
    initiated: event.startChildWorkflowExecutionInitiatedEventAttributes?.workflowId,
    began: event.childWorkflowExecutionStartedEventAttributes?.workflowExecution?.workflowId,
  }));
  return {
    initiated: ids.map(({ initiated }) => initiated).filter((id) => id !== undefined),
    began: ids.map(({ began }) => began).filter((id) => id !== undefined),
  };
}

describe("pipeline over continue-as-new", () => {
  it("applies every one of 2,000 updates from several senders exactly once", async () => {
    const pipeline = await start();
    const distinct = 1_700;
    const ids = Array.from({ length: 2_000 }, (_, index) => `update-${index % distinct}`);
    const senders = Array.from({ length: 4 }, async () => {
      for (let id = ids.shift(); id !== undefined; id = ids.shift()) await pipeline.tellNews(id);
    });
    await Promise.all(senders);
    const state = await pipeline.until(({ update, updateWanted }) =>
      expect([update, updateWanted]).toEqual([null, false]),
    );
    expect(state.signals).toEqual({ applied: distinct, duplicates: 300, rejected: 0 });
    const runs = await pipeline.runs();
    expect(runs.length).toBeGreaterThanOrEqual(3);
    for (const run of runs) {
      const { initiated, began } = await childrenOf(run);
      expect(began).toEqual(initiated);
    }
    await temporal.record(runs[0] ?? pipeline.handle, "continued-as-new");
    await temporal.record(runs[1] ?? pipeline.handle, "carried-on");
  });

  it("follows a cycle and an update that are under way, and notes their ends", async () => {
    const door = new Door();
    const pipeline = await busy(door);
    await rollOver(pipeline);
    expect(await pipeline.state()).toMatchObject({ cycle: cycleId(), update: updateId() });
    door.open();
    for (const job of world.jobs.values()) job.ahead = ["succeeded"];
    const ended = await pipeline.until(({ cycle, update }) => expect([cycle, update]).toEqual([null, null]));
    expect(ended).toMatchObject({ lastOutcome: `${cycleId()}: promoted`, updatesStarted: 1 });
    await pipeline.until(({ dataset }) => expect(dataset).toEqual({ version: 2, records: 130 }));
    expect(world.requests("openCycle")).toHaveLength(1);
    await temporal.record(pipeline.handle, "followed");
  });
});

describe("pipeline when cancelled", () => {
  it.each([
    ["of its own run", false, "cancelled"],
    ["of the run before", true, "cancelled-followed"],
  ])("cancels a cycle and an update %s, and ends after them", async (_, continued, caseName) => {
    const door = new Door();
    const pipeline = await busy(door);
    if (continued) await rollOver(pipeline);
    await pipeline.handle.cancel();
    await vi.waitFor(() => expect([...world.jobs.values()].map(({ state }) => state)).toEqual(["terminated"]), 10_000);
    door.open();
    expect(await failureOf(pipeline.handle)).toBe("cancelled");
    for (const workflowId of [cycleId(), updateId()]) {
      const { status } = await temporal.client.workflow.getHandle(workflowId).describe();
      expect([workflowId, status.name]).toEqual([workflowId, "CANCELLED"]);
    }
    expect(world.versions).toHaveLength(1);
    expect(world.reports.map(({ outcome }) => outcome)).toEqual(["cancelled"]);
    await temporal.record(pipeline.handle, caseName);
  });
});
