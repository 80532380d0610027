import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { approveUpdate, rejectUpdate } from "../../workflows/approval-messages.ts";
import { cycleProgressSignal } from "../../workflows/approval-messages.ts";
import { aPipelineDefinition } from "../support/builders.ts";
import { startPipeline, type TestPipeline } from "../support/pipelines.ts";
import { currentDetails, startTestTemporal, type TestTemporal } from "../support/temporal.ts";
import { TypedFailure } from "../../src/domain/failures.ts";
import { Door, type World } from "../support/world.ts";

let temporal: TestTemporal;
let world: World;
let pipeline: TestPipeline;

beforeAll(async () => {
  temporal = await startTestTemporal(import.meta.filename);
});
beforeEach(() => {
  world = temporal.newWorld();
  world.commit(100);
});
afterEach(() => temporal.endAll());
afterAll(() => temporal.stop());

const ana = { reason: "looks right", by: "ana" };
const cycleId = (number: number) => `retrain/${world.name}/${number}`;
const model = (number: number) => `${world.name}-${number}`;

/** Starts a pipeline whose first cycle wins, and waits until that waits for an answer. */
async function startAndWait(): Promise<void> {
  const definition = aPipelineDefinition({
    name: world.name,
    decide: { approval: { deadlineSeconds: 86_400, onDeadline: "keep" } },
  });
  pipeline = await startPipeline(temporal, definition);
  await pipeline.until(({ approval }) => expect(approval).not.toBeNull());
}

describe("a pipeline whose cycle waits for an approval", () => {
  it("says what it waits for, until when, and what was decided", async () => {
    await startAndWait();
    const state = await pipeline.state();
    expect(state).toMatchObject({
      cycle: cycleId(1),
      approval: { cycle: model(1), workflowId: cycleId(1), onDeadline: "keep", answer: null },
      lastDecision: { id: model(1), outcome: "promote" },
    });
    expect(state.status).toMatch(
      /has won and waits for the updates approve or reject until .+; then the champion stays\./,
    );
    await pipeline.until(async () => expect(await currentDetails(pipeline.handle)).toContain("approve or reject"));
  });

  it("hands an approval on, numbers it, and runs the next cycle afterwards", async () => {
    await startAndWait();
    const receipt = await pipeline.handle.executeUpdate(approveUpdate, { args: [{ ...ana, cycle: model(1) }] });
    expect(receipt).toEqual({ accepted: true, orderId: "approve-1" });
    const ended = await pipeline.until(({ lastOutcome }) => expect(lastOutcome).toBe(`${cycleId(1)}: promoted`));
    expect(ended).toMatchObject({ approval: null, cycle: null, lastDecision: { id: model(1), outcome: "promote" } });
    expect(world.approvals[model(1)]).toMatchObject({ answer: "approved", ...ana });
    world.commit(100);
    await pipeline.tellVersion(2);
    await pipeline.until(({ approval }) => expect(approval?.cycle).toBe(model(2)));
    await temporal.record(pipeline.handle, "approved");
  });

  it("hands a rejection on, which keeps the champion", async () => {
    await startAndWait();
    await pipeline.handle.executeUpdate(rejectUpdate, { args: [ana] });
    const ended = await pipeline.until(({ lastOutcome }) => expect(lastOutcome).toBe(`${cycleId(1)}: kept`));
    expect(ended).toMatchObject({ champion: null, lastDecision: { outcome: "promote" } });
    expect(world.approvals[model(1)]).toMatchObject({ answer: "rejected", ...ana });
  });

  it.each<[string, () => unknown, () => string]>([
    [
      "for another cycle",
      () => ({ ...ana, cycle: model(7) }),
      () => `${model(7)} does not wait for an approval: ${model(1)} does`,
    ],
    ["without a reason", () => ({ by: "ana" }), () => "reason: say why, in 1 to 500 characters"],
    ["by nobody", () => ({ reason: "looks right" }), () => "by: say who answers, in 1 to 200 characters"],
    ["that is text", () => "yes", () => 'the argument must be an object such as {"reason": "...", "by": "..."}'],
  ])("refuses an answer %s before it gets into history", async (_, request, message) => {
    await startAndWait();
    await expect(pipeline.handle.executeUpdate("approve", { args: [request()] })).rejects.toMatchObject({
      cause: { type: "InvalidInput", message: message() },
    });
    expect(await pipeline.state()).toMatchObject({ orders: 0, approval: { answer: null } });
  });

  it("goes on with what was answered at the cycle itself", async () => {
    await startAndWait();
    await temporal.client.workflow.getHandle(cycleId(1)).executeUpdate(approveUpdate, { args: [ana] });
    await pipeline.until(({ lastOutcome }) => expect(lastOutcome).toBe(`${cycleId(1)}: promoted`));
    await expect(pipeline.handle.executeUpdate(approveUpdate, { args: [ana] })).rejects.toMatchObject({
      cause: { message: "nothing waits for an approval" },
    });
  });

  it("says so when the cycle has ended before it heard the answer", async () => {
    await startAndWait();
    await temporal.client.workflow.getHandle(cycleId(1)).terminate();
    await pipeline.until(({ cycle }) => expect(cycle).toBeNull());
    const gone = { cycle: model(9), workflowId: "retrain/nobody/9", until: "2026-01-01T00:00:00Z", onDeadline: "keep" };
    world.commit(100);
    await pipeline.tellVersion(2);
    await pipeline.until(({ approval }) => expect(approval?.cycle).toBe(model(2)));
    await pipeline.handle.signal(cycleProgressSignal, {
      cycle: cycleId(2),
      decision: { id: model(9), outcome: "promote" },
      approval: { ...gone, onDeadline: "keep", answer: null },
      meetsUsersBy: null,
    });
    await pipeline.until(({ approval }) => expect(approval?.cycle).toBe(model(9)));
    await pipeline.handle.executeUpdate(approveUpdate, { args: [ana] });
    const { rejected } = await pipeline.until((state) => expect(state.rejected).toHaveLength(1));
    expect(rejected[0]).toContain("approve-1: retrain/nobody/9 did not hear it");
  });

  it("waits for nothing any more where the answer cannot be kept and the challenger goes down", async () => {
    const down = new Door();
    world.when("recordApproval", async () => {
      throw new TypedFailure("InvalidInput", "it answers for another record");
    });
    world.when("takeDown", async (_, usual) => {
      await down.pass();
      return usual();
    });
    await startAndWait();
    const handle = temporal.client.workflow.getHandle(cycleId(1));
    await handle.executeUpdate(approveUpdate, { args: [ana] });
    await down.reached;
    for (const waiting of [handle, pipeline.handle]) {
      await expect(waiting.executeUpdate(rejectUpdate, { args: [ana] })).rejects.toMatchObject({
        cause: { message: "nothing waits for an approval" },
      });
    }
    down.open();
    await pipeline.until(({ cycle }) => expect(cycle).toBeNull());
  });

  it("passes over what others than its cycle say", async () => {
    await startAndWait();
    const decision = { id: "music-1", outcome: "keep" as const };
    const foreign = { cycle: "retrain/music/1", decision, approval: null, meetsUsersBy: "retrain/music/1/roll-out" };
    await pipeline.handle.signal(cycleProgressSignal, foreign);
    await pipeline.handle.signal("cycleProgress", "nonsense");
    await pipeline.handle.executeUpdate(approveUpdate, { args: [ana] });
    expect(await pipeline.state()).toMatchObject({ lastDecision: { id: model(1) }, meetsUsersBy: null });
  });
});
