import { WorkflowUpdateFailedError, type WorkflowHandle } from "@temporalio/client";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { TypedFailure } from "../../src/domain/failures.ts";
import { waitFor } from "../../src/dev/wait.ts";
import { answerSignal, approveUpdate, rejectUpdate } from "../../workflows/approval-messages.ts";
import type { retrain } from "../../workflows/retrain.ts";
import { searchAttributes } from "../../workflows/search-attributes.ts";
import { aRollOutInput } from "../support/builders.ts";
import { aSecondCycle, type SecondCycle } from "../support/second-cycle.ts";
import { currentDetails, failureOf, startTestTemporal, type TestTemporal } from "../support/temporal.ts";
import { Door, type World } from "../support/world.ts";

let temporal: TestTemporal;
let cycle: SecondCycle;
let world: World;
let champion: string;
let challenger: string;

beforeAll(async () => {
  temporal = await startTestTemporal(import.meta.filename);
});
beforeEach(() => {
  cycle = aSecondCycle(temporal);
  ({ world, champion, challenger } = cycle);
});
afterEach(() => temporal.endAll());
afterAll(() => temporal.stop());

/** Waits until the check passes. */
const until = (check: () => void | Promise<void>): Promise<void> => waitFor(async () => check(), { timeoutMs: 30_000 });

const ana = { reason: "looks right", by: "ana" };

const start = (deadlineSeconds = 86_400, onDeadline: "keep" | "promote" = "keep") =>
  cycle.start({ decide: { approval: { deadlineSeconds, onDeadline } } });

/** Starts a cycle that wins, and waits until people are asked. */
async function startAndAsk(): Promise<WorkflowHandle<typeof retrain>> {
  const handle = await start();
  await until(() => {
    if (!world.alerts.some(({ kind }) => kind === "approval-wanted")) throw new Error("nobody has been asked");
  });
  return handle;
}

const approve = (handle: WorkflowHandle, request: unknown = ana) =>
  handle.executeUpdate("approve", { args: [request] });

describe("a cycle that needs an approval", () => {
  it("waits without traffic, says so everywhere, and asks people with the commands to answer by", async () => {
    const handle = await startAndAsk();
    expect(world.serving).toEqual({ [champion]: 100, [challenger]: 0 });
    const { typedSearchAttributes } = await handle.describe();
    expect(typedSearchAttributes.get(searchAttributes.stage)).toBe("approve");
    expect(await currentDetails(handle)).toContain("waits for");
    const [asked] = world.alerts.filter(({ kind }) => kind === "approval-wanted");
    expect(asked).toMatchObject({ pipeline: world.name, cycle: challenger, workflowId: handle.workflowId });
    expect(asked?.next.map(({ command }) => command).join("\n")).toContain(`--workflow-id ${handle.workflowId}`);
  });

  it("rolls out when it is approved, and notes who did and why", async () => {
    const handle = await startAndAsk();
    expect(await handle.executeUpdate(approveUpdate, { args: [{ ...ana, cycle: challenger }] })).toEqual({
      accepted: true,
      orderId: "approve-1",
    });
    expect(await handle.result()).toMatchObject({
      outcome: "promoted",
      decision: { outcome: "promote" },
      approval: { answer: "approved", ...ana, at: expect.stringMatching(/^\d{4}-/) },
    });
    expect(world.serving).toEqual({ [challenger]: 100 });
    expect(world.approvals[challenger]).toMatchObject({ answer: "approved", ...ana, outcome: "promote" });
    expect(world.requests("moveAliases").at(-1)?.reason).toContain("approved by ana: looks right");
    await temporal.record(handle, "approved");
  });

  it("keeps the champion when it is rejected, with the reason in report and alert", async () => {
    const handle = await startAndAsk();
    const bob = { reason: "not on a Friday", by: "bob" };
    await handle.executeUpdate(rejectUpdate, { args: [bob] });
    const rejected = { outcome: "kept", decision: { outcome: "promote" }, approval: { answer: "rejected", ...bob } };
    expect(await handle.result()).toMatchObject(rejected);
    expect(world.serving).toEqual({ [champion]: 100 });
    expect(world.registry).toMatchObject({ champion, challenger: null, lock: null });
    expect(world.alerts.at(-1)?.text.join(" ")).toContain("not on a Friday");
    await temporal.record(handle, "rejected");
  });

  it.each([
    ["promote", "promoted"],
    ["keep", "kept"],
  ] as const)("does by itself what the policy says when nobody answers in time: %s", async (onDeadline, outcome) => {
    const handle = await start(0.001, onDeadline);
    expect(await handle.result()).toMatchObject({ outcome, approval: { answer: "deadline", by: null } });
    expect(world.approvals[challenger]).toMatchObject({ answer: "deadline", outcome: onDeadline });
    expect(world.serving).toEqual({ [outcome === "promoted" ? challenger : champion]: 100 });
    await temporal.record(handle, `deadline-${onDeadline}`);
  });

  it("takes the first answer and refuses the second with the first one's words", async () => {
    const door = new Door();
    world.when("setWeight", async ({ percent }, usual) => {
      if (percent !== 0) await door.pass();
      return usual();
    });
    const handle = await startAndAsk();
    await approve(handle);
    await door.reached;
    const second = handle.executeUpdate(rejectUpdate, { args: [{ reason: "no", by: "bob" }] });
    await expect(second).rejects.toMatchObject({
      cause: { message: `${challenger} has its answer already: approved by ana: looks right` },
    });
    await handle.signal(answerSignal, {
      cycle: challenger,
      answer: "rejected",
      reason: "no",
      by: "bob",
      at: "2026-01-01T00:00:00Z",
    });
    door.open();
    expect(await handle.result()).toMatchObject({ outcome: "promoted", approval: { answer: "approved", by: "ana" } });
  });

  it("refuses an answer that comes before it is wanted, for another cycle, or without a reason", async () => {
    const door = new Door();
    world.when("decideCycle", async (_, usual) => {
      await door.pass();
      return usual();
    });
    const handle = await start();
    await door.reached;
    const early = approve(handle);
    await expect(early).rejects.toBeInstanceOf(WorkflowUpdateFailedError);
    await expect(early).rejects.toMatchObject({
      cause: { type: "InvalidInput", message: "nothing waits for an approval" },
    });
    door.open();
    await until(() => {
      if (world.requests("readApproval").length === 0) throw new Error("not yet decided");
    });
    await until(async () => expect(await currentDetails(handle)).toContain("waits for"));
    await expect(approve(handle, { ...ana, cycle: champion })).rejects.toMatchObject({
      cause: { message: `${champion} does not wait for an approval: ${challenger} does` },
    });
    await expect(approve(handle, { by: "ana" })).rejects.toMatchObject({
      cause: { message: "reason: say why, in 1 to 500 characters" },
    });
    await expect(approve(handle, null)).rejects.toMatchObject({
      cause: { message: 'the argument must be an object such as {"reason": "...", "by": "..."}' },
    });
    expect(world.serving).toEqual({ [champion]: 100, [challenger]: 0 });
  });

  it("hears an answer though the alert that asks for it cannot be sent", async () => {
    world.when("sendAlert", async ({ alert }, usual) => {
      if (alert.kind === "approval-wanted") throw new TypedFailure("Refused", "no such channel");
      return usual();
    });
    const handle = await start();
    await until(async () => expect(await currentDetails(handle)).toContain("waits for"));
    await approve(handle);
    expect(await handle.result()).toMatchObject({ outcome: "promoted" });
  });

  it("asks nobody again when the decision has had its answer, as in a cycle that was started anew", async () => {
    world.approvals[challenger] = {
      format: 1,
      cycle: challenger,
      pipeline: world.name,
      decision: { key: `decisions/${challenger}.json`, sha256: "d0".repeat(32) },
      answer: "rejected",
      ...ana,
      at: "2026-01-01T00:00:00.000Z",
      outcome: "keep",
    };
    expect(await (await start()).result()).toMatchObject({
      outcome: "kept",
      approval: { answer: "rejected", by: "ana" },
    });
    expect(world.alerts.map(({ kind }) => kind)).not.toContain("approval-wanted");
  });

  it.each(["keep", "inconclusive"] as const)("asks nobody when the decision is %s", async (verdict) => {
    world.verdict = verdict;
    expect(await (await start()).result()).toMatchObject({ approval: null, decision: { outcome: verdict } });
    expect(world.requests("recordApproval")).toEqual([]);
  });

  it("takes the challenger down when it is cancelled while it waits", async () => {
    const handle = await startAndAsk();
    await handle.cancel();
    expect(await failureOf(handle)).toBe("cancelled");
    expect(world.serving).toEqual({ [champion]: 100 });
    expect(world.approvals).toEqual({});
    await temporal.record(handle, "cancelled-approve");
  });

  it("waits for nobody when somebody takes the challenger down by hand", async () => {
    const handle = await startAndAsk();
    const byHand = { ...aRollOutInput({ pipeline: world.name, target: "withdrawn" }), reason: "too slow" };
    await (await temporal.start("rollOut", `roll-out/${world.name}`, byHand)).result();
    expect(await failureOf(handle)).toBe(
      `ServiceChanged: ${challenger} was taken down by roll-out/${world.name}: too slow`,
    );
    expect(world.serving).toEqual({ [champion]: 100 });
    expect(world.requests("recordApproval")).toEqual([]);
  });

  it("fails, with only the champion up, when the answer cannot be kept", async () => {
    world.when("recordApproval", async () => {
      throw new TypedFailure("InvalidInput", "it answers for another record");
    });
    const handle = await startAndAsk();
    await approve(handle);
    expect(await failureOf(handle)).toBe("InvalidInput: it answers for another record");
    expect(world.reports[0]).toMatchObject({ outcome: "failed" });
    expect(world.serving).toEqual({ [champion]: 100 });
  });
});
