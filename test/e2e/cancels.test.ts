/**
 * Cycles that do not come to their end: cancelled by the `temporal` CLI, each in another phase, held there until the cancellation
 * is in, and cycles whose training job goes wrong.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { objectKeys } from "../../src/domain/object-keys.ts";
import { anyscaleName, serviceName } from "../../src/domain/ids.ts";
import { cycleReportSchema } from "../../src/domain/report-schema.ts";
import { workflowIds } from "../../workflows/names.ts";
import { until } from "../support/emulator.ts";
import {
  alertsOf,
  aPipeline,
  askService,
  createdJobs,
  FEW_QUESTIONS,
  deliver,
  feed,
  giveTestSet,
  jobProcess,
  pendingActivity,
  readRegistry,
  sampleLines,
  servingProcess,
  startLoop,
  startUpdate,
  weightsAsked,
  type Cycle,
  type Loop,
} from "../support/loop.ts";
import { copyPipeline, reached } from "../support/rollouts.ts";
import { startS3Proxy, type S3Proxy } from "../support/s3-proxy.ts";
import { startTestStack, type TestStack } from "../support/stack.ts";
import { failureOf } from "../support/temporal.ts";

const ORIGIN = "origin";
const FIRST = sampleLines({ seed: 1, count: 60 });
const SECOND = sampleLines({ seed: 2, count: 240 });
/** Until everything is as it was. */
const longestMs = 60_000;
/** Until a cycle is where it is held, beside others on a busy machine. */
const patienceMs = 120_000;

let storage: TestStack;
let proxy: S3Proxy;
let loop: Loop;

beforeAll(async () => {
  storage = await startTestStack({ services: ["s3"] });
  proxy = await startS3Proxy(storage.environment["AWS_ENDPOINT_URL"] ?? "");
  loop = await startLoop({ ...storage.environment, AWS_ENDPOINT_URL: proxy.url });
  await giveTestSet(loop, FEW_QUESTIONS);
  const first = await (await feed(loop, aPipeline(loop, { name: ORIGIN }), 1, FIRST)).cycle.result();
  expect(first.outcome).toBe("promoted");
});
afterAll(async () => {
  released.resolve();
  await loop.stop();
  await proxy.stop();
  await storage.stop();
});

/** Lets a cycle that wants to replace a champion come to where it is held. */
type Hold = (name: string, cycle: Cycle) => Promise<void>;

/** A phase: how a cycle is held in it, the largest share of users' traffic that its challenger has had, and what else it wants. */
interface Phase {
  hold: Hold;
  percent: number;
  pipeline?: Omit<Parameters<typeof aPipeline>[1], "name">;
  /** Ordered before the cycle begins. */
  fault?: (name: string) => { match: object; effect: object };
}

const rollOutOf = ({ workflowId }: Cycle) => loop.client.workflow.getHandle(workflowIds.child(workflowId, "roll-out"));
const endless = { steps: [10, 50, 100], soakSeconds: 3600, bakeSeconds: 3600, probeSeconds: 1 };
const released = Promise.withResolvers<void>();

const phases: Record<string, Phase> = {
  prepare: {
    percent: 0,
    async hold(name) {
      const holds = () => proxy.suffered.some(({ path }) => path.includes(`/datasets/${name}/parts/`));
      await until(`${name} reads its records`, holds, patienceMs);
    },
  },
  train: {
    percent: 0,
    async hold(name, cycle) {
      (await jobProcess(loop, name, 2)).hold();
      await pendingActivity(loop, workflowIds.child(cycle.workflowId, "fine-tune"), "awaitJob");
    },
  },
  deploy: {
    percent: 0,
    fault: (name) => ({
      match: { name: serviceName(name), version: `${name}-2` },
      effect: { kind: "service-never-ready" },
    }),
    hold: (_, cycle) => pendingActivity(loop, workflowIds.child(cycle.workflowId, "silent"), "awaitWeight"),
  },
  evaluate: {
    percent: 0,
    pipeline: { evaluate: { concurrency: 1 } },
    async hold(name, cycle) {
      (await servingProcess(loop, name, `${name}-2`)).hold();
      await pendingActivity(loop, workflowIds.child(cycle.workflowId, "evaluate-challenger"), "askQuestions");
    },
  },
  approval: {
    percent: 0,
    pipeline: { decide: { floor: 0, guards: [], approval: { deadlineSeconds: 3600 } } },
    async hold(_, { workflowId }) {
      const isAsked = () => alertsOf(loop, workflowId).some(({ kind }) => kind === "approval-wanted");
      await until("the question", isAsked, patienceMs);
    },
  },
  "step-10": {
    percent: 10,
    pipeline: { rollout: endless },
    hold: async (_, cycle) => void (await reached(rollOutOf(cycle), { phase: "step", percent: 10 })),
  },
  "step-50": {
    percent: 50,
    pipeline: { rollout: { ...endless, steps: [{ percent: 10, soakSeconds: 0 }, 50, 100] } },
    hold: async (_, cycle) => void (await reached(rollOutOf(cycle), { phase: "step", percent: 50 })),
  },
  bake: {
    percent: 100,
    pipeline: { rollout: { ...endless, soakSeconds: 0 } },
    hold: async (_, cycle) => void (await reached(rollOutOf(cycle), { phase: "bake", percent: 100 })),
  },
};

/** A cycle that wants to replace a champion, held in a phase. */
async function held(name: string, { hold, fault, pipeline: wanted }: Phase): Promise<Cycle> {
  await copyPipeline(loop, ORIGIN, name, [1]);
  const pipeline = aPipeline(loop, { name, ...wanted });
  await deliver(loop, `${name}/1.jsonl`, FIRST);
  await (await startUpdate(loop, pipeline, 1)).result();
  if (fault !== undefined) await loop.emulator.fault(fault(name));
  if (name === "prepare") {
    proxy.fault = ({ method, path }) =>
      method === "GET" && path.includes("/datasets/prepare/parts/") ? { kind: "hold", until: released.promise } : null;
  }
  const { cycle } = await feed(loop, pipeline, 2, SECOND);
  await hold(name, cycle);
  return cycle;
}

describe("cancelling retrain", () => {
  // Most of the time each waits for something else.
  it.concurrent.each(Object.keys(phases))(
    "in the phase %s: job ended, weight 0, the champion alone, within 60 s",
    async (name) => {
      const phase = phases[name];
      if (phase === undefined) throw new Error(name);
      const cycle = await held(name, phase);
      const cancelledMs = Date.now();
      expect(await loop.temporal("workflow", "cancel", "--workflow-id", cycle.workflowId)).toMatchObject({ code: 0 });
      await expectCancelled(cycle, name);
      await expectJobsEnded(name, name);
      await expectOnlyChampion(name);
      expect(Date.now() - cancelledMs).toBeLessThan(longestMs);
      expect(Math.max(0, ...(await weightsAsked(loop, name, `${name}-2`)))).toBe(phase.percent);
    },
  );
});

describe.concurrent("cancelling retrain once more while it cleans up", () => {
  it("changes nothing: the job is terminated as soon as the service lets it", async () => {
    const { train } = phases;
    if (train === undefined) throw new Error("train");
    const cycle = await held("twice", train);
    const job = anyscaleName(`${workflowIds.retrain("twice", 2, 1)}/fine-tune`);
    const refused = { name: job, path: "/terminate$" };
    await loop.emulator.fault({ match: refused, times: 3, effect: { kind: "status", status: 503 } });
    await cycle.cancel();
    const isOrdered = async () => (await loop.emulator.ledger(job)).some(({ path }) => path.endsWith("/terminate"));
    await until("an order to terminate the job", isOrdered, longestMs);
    await cycle.cancel();
    await expectCancelled(cycle, "twice");
    await expectJobsEnded("twice", "train");
    await expectOnlyChampion("twice");
  });
});

describe("a training job", () => {
  /** The cycle of a pipeline without a champion, after what was ordered of its job. */
  const start = async (name: string, effects: object[], compute: object = {}): Promise<Cycle> => {
    const match = { name: anyscaleName(`${workflowIds.retrain(name, 1, 1)}/fine-tune`) };
    for (const effect of effects) await loop.emulator.fault({ match, times: 2, effect });
    return (await feed(loop, aPipeline(loop, { name, compute }), 1, FIRST)).cycle;
  };
  const expectToldOnce = ({ workflowId }: Cycle, reason: RegExp): void => {
    const told = alertsOf(loop, workflowId);
    expect(told).toEqual([expect.objectContaining({ kind: "failed", level: 50 })]);
    expect(String(told[0]?.["text"])).toMatch(reason);
  };

  it.concurrent.each([
    [
      "fails in each of its attempts",
      "breaks",
      "job-fail",
      { maxRetries: 1 },
      /^JobFailed: job failed/,
      "OUT_OF_RETRIES",
    ],
    [
      "is still queued when its time is up",
      "queued",
      "job-stuck",
      { queueSeconds: 1, timeoutSeconds: 1, maxRetries: 0 },
      /^JobFailed: job still queued after 2 s, and terminated/,
      "TERMINATED",
    ],
    ["vanishes", "vanishes", "job-vanish", {}, /^NotFound/, null],
  ] as const)(
    "that %s ends the cycle, is bought once, and is told once",
    async (_, name, kind, compute, reason, state) => {
      const cycle = await start(name, [{ kind }], compute);
      expect(await failureOf(cycle)).toMatch(reason);
      const [id = "", ...others] = await createdJobs(loop, name, 1);
      expect(others).toEqual([]);
      expectToldOnce(cycle, reason);
      if (state !== null) expect((await loop.emulator.client.jobs.get(id ?? "")).state.current_state).toBe(state);
      expect(await readRegistry(loop, name)).toMatchObject({ champion: null, challenger: null, lock: null });
    },
  );

  it.concurrent.each([
    ["goes backwards", "backwards", ["RUNNING", "PENDING"]],
    ["is one that nobody knows", "unknown", ["SOMETHING_NEW"]],
  ])("whose state %s is waited for, and its model promoted", async (_, name, states) => {
    const cycle = await start(
      name,
      states.map((state) => ({ kind: "job-state", state })),
    );
    expect(await cycle.result()).toMatchObject({ outcome: "promoted", failure: null });
    expect(await createdJobs(loop, name, 1)).toHaveLength(1);
  });
});

/** What holds after every cancellation. */
async function expectCancelled(cycle: Cycle, name: string): Promise<void> {
  await expect(cycle.result()).rejects.toMatchObject({ cause: { name: "CancelledFailure" } });
  const { stdout } = await loop.temporal("workflow", "describe", "--workflow-id", cycle.workflowId, "-o", "json");
  expect(JSON.parse(stdout)).toMatchObject({
    workflowExecutionInfo: { status: "WORKFLOW_EXECUTION_STATUS_CANCELED" },
  });
  expect(await readRegistry(loop, name)).toMatchObject({ champion: `${name}-1`, challenger: null, lock: null });
  const alerts = alertsOf(loop, cycle.workflowId).filter(({ kind }) => kind === "cancelled");
  expect(alerts).toEqual([expect.objectContaining({ pipeline: name, level: 40 })]);
  const stored = await loop.store.get(objectKeys.reportJson(`${name}-2`));
  const report = cycleReportSchema.parse(JSON.parse(stored?.body.toString() ?? ""));
  expect(report).toMatchObject({ outcome: "cancelled", failure: "cancelled" });
}

/** No job was made, or the one that was is ended: by one order where it had not by itself. */
async function expectJobsEnded(name: string, phase: string): Promise<void> {
  const jobs = await createdJobs(loop, name, 2);
  expect(jobs.length).toBe(phase === "prepare" ? 0 : 1);
  for (const id of jobs) {
    const { state } = await loop.emulator.client.jobs.get(id ?? "");
    expect(phase === "train" ? ["CLEANING_UP", "TERMINATED"] : ["SUCCESS"]).toContain(state.current_state);
  }
  const jobName = anyscaleName(`${workflowIds.retrain(name, 2, 1)}/fine-tune`);
  const orders = (await loop.emulator.ledger(jobName)).filter(
    ({ path, acted }) => path.endsWith("/terminate") && acted === 200,
  );
  expect(orders).toHaveLength(phase === "train" ? 1 : 0);
}

async function expectOnlyChampion(name: string): Promise<void> {
  const service = await loop.emulator.client.services.find(serviceName(name));
  expect(service).toMatchObject({ canary_version: null, primary_version: { version: `${name}-1`, weight: 100 } });
  expect(await askService(loop, name)).toBe(`${name}-1`);
}
