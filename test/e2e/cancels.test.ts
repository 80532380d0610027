/** Cycles cancelled by the `temporal` CLI, each in another phase, held there until the cancellation is in. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { objectKeys } from "../../src/domain/object-keys.ts";
import { serviceName } from "../../src/domain/ids.ts";
import { cycleReportSchema } from "../../src/domain/report-schema.ts";
import { workflowIds } from "../../workflows/names.ts";
import {
  alertsOf,
  aPipeline,
  askService,
  createdJobs,
  feed,
  giveTestSet,
  jobProcess,
  pendingActivity,
  readRegistry,
  sampleLines,
  servingProcess,
  startLoop,
  timerStarted,
  weightsAsked,
  type Cycle,
  type Loop,
} from "../support/loop.ts";

const FIRST = sampleLines({ seed: 1, count: 60 });
const SECOND = sampleLines({ seed: 2, count: 240 });
const soaking = { steps: [50, 100], soakSeconds: 3600, bakeSeconds: 0 };

let loop: Loop;

beforeAll(async () => {
  loop = await startLoop();
  await giveTestSet(loop);
});

afterAll(() => loop.stop());

/** A cycle that wants to replace a champion. */
async function challenge(name: string): Promise<Cycle> {
  const pipeline = aPipeline(loop, { name, rollout: soaking, evaluate: { concurrency: 1 } });
  const first = await (await feed(loop, pipeline, 1, FIRST)).cycle.result();
  expect(first.outcome).toBe("promoted");
  return (await feed(loop, pipeline, 2, SECOND)).cycle;
}

async function cancel({ workflowId }: Cycle): Promise<void> {
  expect(await loop.temporal("workflow", "cancel", "--workflow-id", workflowId)).toMatchObject({ code: 0 });
}

/** What holds after every cancellation. */
async function expectCancelled(cycle: Cycle, name: string, champion: string | null, model: string): Promise<void> {
  await expect(cycle.result()).rejects.toMatchObject({ cause: { name: "CancelledFailure" } });
  const { stdout } = await loop.temporal("workflow", "describe", "--workflow-id", cycle.workflowId, "-o", "json");
  expect(JSON.parse(stdout)).toMatchObject({
    workflowExecutionInfo: { status: "WORKFLOW_EXECUTION_STATUS_CANCELED" },
  });
  expect(await readRegistry(loop, name)).toMatchObject({ champion, challenger: null, lock: null });
  expect(alertsOf(loop, cycle.workflowId)).toEqual([expect.objectContaining({ pipeline: name, level: 40 })]);
  const stored = await loop.store.get(objectKeys.reportJson(model));
  const report = cycleReportSchema.parse(JSON.parse(stored?.body.toString() ?? ""));
  expect(report).toMatchObject({ outcome: "cancelled", failure: "cancelled" });
}

async function expectOnlyChampion(name: string): Promise<void> {
  const service = await loop.emulator.client.services.find(serviceName(name));
  expect(service).toMatchObject({ canary_version: null, primary_version: { version: `${name}-1`, weight: 100 } });
  expect(await askService(loop, name)).toBe(`${name}-1`);
}

describe("cancelling retrain", () => {
  it("while it trains: the job is ended, and nothing was ever served", async () => {
    const name = "train";
    const { cycle } = await feed(loop, aPipeline(loop, { name }), 1, FIRST);
    (await jobProcess(loop, name, 1)).hold();
    await pendingActivity(loop, workflowIds.child(cycle.workflowId, "fine-tune"), "awaitJob");
    await cancel(cycle);
    await expectCancelled(cycle, name, null, "train-1");
    const jobs = await createdJobs(loop, name, 1);
    expect(jobs).toHaveLength(1);
    const job = await loop.emulator.client.jobs.get(jobs[0] ?? "");
    expect(["CLEANING_UP", "TERMINATED"]).toContain(job.state.current_state);
    const orders = (await loop.emulator.ledger()).filter(
      ({ id, path, acted }) => id === job.id && path.endsWith("/terminate") && acted === 200,
    );
    expect(orders).toHaveLength(1);
    expect(await loop.emulator.client.services.find(serviceName(name))).toBeNull();
  });

  it("while the models are asked: the challenger is taken down without having had traffic", async () => {
    const name = "evaluate";
    const cycle = await challenge(name);
    (await servingProcess(loop, name, "evaluate-2")).hold();
    await pendingActivity(loop, workflowIds.child(cycle.workflowId, "evaluate-challenger"), "askShard");
    await cancel(cycle);
    await expectCancelled(cycle, name, "evaluate-1", "evaluate-2");
    await expectOnlyChampion(name);
    expect(new Set(await weightsAsked(loop, name, "evaluate-2"))).toEqual(new Set([0]));
  });

  it("while the challenger has half of the traffic: all of it goes back to the champion", async () => {
    const name = "rollout";
    const cycle = await challenge(name);
    await timerStarted(loop, workflowIds.child(cycle.workflowId, "roll-out"));
    expect(await weightsAsked(loop, name, "rollout-2")).toContain(50);
    await cancel(cycle);
    await expectCancelled(cycle, name, "rollout-1", "rollout-2");
    await expectOnlyChampion(name);
  });
});
