/**
 * One kill -9 of the worker hits six cycles at once, each held in another phase. A cycle on the same records that nobody
 * disturbs says what must come out.
 */
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { keptChunksSchema } from "../../activities/kept-chunks.ts";
import { waitFor } from "../../src/dev/wait.ts";
import { batchSchema, type Batch } from "../../src/domain/batch-schema.ts";
import { objectKeys } from "../../src/domain/object-keys.ts";
import { anyscaleName, serviceName } from "../../src/domain/ids.ts";
import type { CycleReport } from "../../src/domain/report-schema.ts";
import { workflowIds } from "../../workflows/names.ts";
import { until } from "../support/emulator.ts";
import {
  activityScheduled,
  aPipeline,
  askService,
  createdJobs,
  feed,
  giveTestSet,
  jobProcess,
  pendingActivity,
  readManifest,
  readRegistry,
  sampleLines,
  servingProcess,
  startCycle,
  startLoop,
  startUpdate,
  weightsAsked,
  type Cycle,
  type HeldProcess,
  type Loop,
} from "../support/loop.ts";

/** What a first champion learns from, and what a challenger learns on top of it. */
const FIRST = sampleLines({ seed: 1, count: 90 });
const SECOND = sampleLines({ seed: 2, count: 240 });

let loop: Loop;
let calm: { first: CycleReport; second: CycleReport };

beforeAll(async () => {
  loop = await startLoop();
  await giveTestSet(loop);
  const pipeline = aPipeline(loop, { name: "calm" });
  const first = await (await feed(loop, pipeline, 1, FIRST)).cycle.result();
  const second = await (await feed(loop, pipeline, 2, SECOND)).cycle.result();
  calm = { first, second };
});

afterAll(() => loop.stop());

/** Kills a server of the stack; answers when it is up again. */
function kill(service: "worker" | "temporal"): Promise<boolean> {
  const { stack } = loop;
  const said = (): number => stack.reports.filter((line) => line === `${service} is back`).length;
  const before = said();
  process.kill(stack.pids()[service] ?? 0, "SIGKILL");
  return until(`the return of ${service}`, () => said() > before, 60_000);
}

/** What has to be as if nothing had happened. */
async function expectUndisturbed(cycle: Cycle, like: CycleReport): Promise<void> {
  const report = await cycle.result();
  const { pipeline: name } = report;
  const version = Number(report.datasetVersion.split("@")[1]);
  expect(report.outcome).toBe(like.outcome);
  expect(report.challenger?.metrics).toEqual(like.challenger?.metrics);
  expect(report.champion?.metrics).toEqual(like.champion?.metrics);
  expect(await createdJobs(loop, name, version)).toEqual([report.job?.id]);
  expect(await readRegistry(loop, name)).toMatchObject({ champion: report.cycle, challenger: null, lock: null });
  expect(await askService(loop, name)).toBe(report.cycle);
}

describe("kill -9 of the worker", () => {
  let cycles: Record<"ingest" | "create" | "job" | "evaluation" | "weight" | "soak", Cycle>;
  let answeredMeanwhile: string[];
  let chunksBefore: Batch["chunks"];
  let readAgainAfterMs: number;
  let shardBefore: { key: string; modifiedAt: string };
  let soakStarted: Date;

  beforeAll(async () => {
    const weight = aPipeline(loop, { name: "weight" });
    const soak = aPipeline(loop, { name: "soak", rollout: { steps: [50, 100], soakSeconds: 6, bakeSeconds: 0 } });
    const champions = [weight, soak].map(async (pipeline) => (await feed(loop, pipeline, 1, FIRST)).cycle.result());
    await Promise.all(champions);

    const [job, evaluation] = await Promise.all([holdJob("job"), holdEvaluation("evaluation")]);
    shardBefore = evaluation.shard;
    const create = await holdCreate("create");
    const [weightCycle, soakCycle] = await Promise.all([holdWeight(weight), holdSoak(soak)]);
    const { pipeline: ingest, update, chunks } = await holdIngest("ingest");
    chunksBefore = chunks;

    const killedMs = Date.now();
    const back = kill("worker");
    answeredMeanwhile = await Promise.all(["weight", "soak"].map((name) => askService(loop, name, "primary")));
    job.held.release();
    evaluation.held.release();
    await back;
    expect(await update.result()).toMatchObject({ version: 1 });
    readAgainAfterMs = (await lastAttemptMs(workflowIds.child(update.workflowId, "ingest"))) - killedMs;
    cycles = {
      ingest: await startCycle(loop, ingest, 1),
      create,
      job: job.cycle,
      evaluation: evaluation.cycle,
      weight: weightCycle,
      soak: soakCycle,
    };
    await Promise.all(Object.values(cycles).map((cycle) => cycle.result()));
  });

  it("in the middle of a source: reading goes on behind the last chunk, and every record counts once", async () => {
    await expectUndisturbed(cycles.ingest, calm.first);
    const manifest = await readManifest(loop, "ingest", 1);
    expect(manifest.perSource).toEqual({ ingest: { received: 90, accepted: 90, quarantined: 0, duplicates: 0 } });
    expect(manifest.parts.reduce((sum, { records }) => sum + records, 0)).toBe(90);
    const stored = await loop.store.get(manifest.batches[0] ?? "");
    const { chunks } = batchSchema.parse(JSON.parse(stored?.body.toString() ?? ""));
    expect(chunks).toEqual(expect.arrayContaining(chunksBefore));
    expect(chunks.length).toBeGreaterThan(chunksBefore.length);
    expect(await versionsOf("ingest")).toHaveLength(1);
  });

  it("in the middle of a source: another attempt begins 5 s after the worker was missed at the latest", () => {
    expect(readAgainAfterMs).toBeGreaterThan(0);
    expect(readAgainAfterMs).toBeLessThan(15_000);
  });

  it("between the creation of a job and its answer: the job is found again", async () => {
    await expectUndisturbed(cycles.create, calm.first);
  });

  it("while a job is awaited: it is awaited again", async () => {
    await expectUndisturbed(cycles.job, calm.first);
  });

  it("in the middle of an evaluation: the finished shard is not asked again", async () => {
    await expectUndisturbed(cycles.evaluation, calm.first);
    expect(await objectsBelow(shardBefore.key)).toEqual([shardBefore]);
  });

  it("between the setting of a weight and its read-back: the rollout goes on from there", async () => {
    await expectUndisturbed(cycles.weight, calm.second);
    const weights = await weightsAsked(loop, "weight", "weight-2");
    expect(weights).toEqual(weights.toSorted((a, b) => a - b));
    expect(new Set(weights)).toEqual(new Set([0, 50, 100]));
  });

  it("in the middle of a soak: the soak takes its time and no step is repeated", async () => {
    await expectUndisturbed(cycles.soak, calm.second);
    expect(await weightsAsked(loop, "soak", "soak-2")).toEqual(await weightsAsked(loop, "calm", "calm-2"));
    const next = (await loop.emulator.ledger(serviceName("soak"))).find(
      ({ path, request }) => path.endsWith("/apply") && request["canary_percent"] === 100,
    );
    expect(Date.parse(next?.time ?? "") - soakStarted.getTime()).toBeGreaterThanOrEqual(6000);
  });

  it("leaves the champion able to answer while there is no worker", () => {
    expect(answeredMeanwhile).toEqual(["weight-1", "soak-1"]);
  });

  /** A cycle whose job has been stopped short, as on a machine that is busy, and is awaited. */
  async function holdJob(name: string): Promise<{ cycle: Cycle; held: HeldProcess }> {
    const { cycle } = await feed(loop, aPipeline(loop, { name }), 1, FIRST);
    const held = await jobProcess(loop, name, 1);
    held.hold();
    await pendingActivity(loop, workflowIds.child(cycle.workflowId, "fine-tune"), "awaitJob");
    return { cycle, held };
  }

  /** A cycle whose challenger has answered one shard of questions and is silent at the second. */
  async function holdEvaluation(name: string): Promise<{ cycle: Cycle; held: HeldProcess; shard: typeof shardBefore }> {
    const others = new Set((await objectsBelow("evaluations/")).map(({ key }) => key));
    const { cycle } = await feed(loop, aPipeline(loop, { name, evaluate: { concurrency: 1 } }), 1, FIRST);
    const held = await servingProcess(loop, name, `${name}-1`);
    const [shard] = await until(
      "the whole first shard",
      async () => {
        const added = (await objectsBelow("evaluations/")).filter(({ key }) => !others.has(key));
        return added.length > 1 && added;
      },
      60_000,
    );
    held.hold();
    await pendingActivity(loop, workflowIds.child(cycle.workflowId, "evaluate-challenger"), "askQuestions");
    if (shard === undefined) throw new Error("no shard");
    return { cycle, held, shard };
  }

  /** A cycle whose job has been created by a call that will not be answered. */
  async function holdCreate(name: string): Promise<Cycle> {
    const jobName = anyscaleName(`${workflowIds.retrain(name, 1, 1)}/fine-tune`);
    const match = { method: "POST", path: "/create$", name: jobName };
    await loop.emulator.fault({ match, effect: { kind: "hang", when: "after" } });
    const { cycle } = await feed(loop, aPipeline(loop, { name }), 1, FIRST);
    await until("the create", async () => (await createdJobs(loop, name, 1)).length > 0, 60_000);
    return cycle;
  }

  /** A cycle whose first step has been taken by a call that will not be answered. */
  async function holdWeight(pipeline: ReturnType<typeof aPipeline>): Promise<Cycle> {
    const { name } = pipeline;
    const { cycle } = await feed(loop, pipeline, 2, SECOND);
    await until("the silent challenger", async () => (await readRegistry(loop, name)).challenger !== null, 60_000);
    const match = { method: "PUT", path: "/apply$", name: serviceName(name) };
    await loop.emulator.fault({ match, effect: { kind: "hang", when: "after" } });
    await until("the first step", async () => (await weightsAsked(loop, name, `${name}-2`)).includes(50), 60_000);
    return cycle;
  }

  /** When the activity of a workflow was begun that came to its end. */
  async function lastAttemptMs(workflowId: string): Promise<number> {
    const { events } = await loop.client.workflow.getHandle(workflowId).fetchHistory();
    const started = events?.findLast(({ activityTaskStartedEventAttributes: begun }) => begun);
    return Number(started?.eventTime?.seconds ?? 0) * 1000;
  }

  /** A cycle that watches its first step. */
  async function holdSoak(pipeline: ReturnType<typeof aPipeline>): Promise<Cycle> {
    const { cycle } = await feed(loop, pipeline, 2, SECOND);
    const rollout = workflowIds.child(cycle.workflowId, "roll-out");
    await pendingActivity(loop, rollout, "look");
    soakStarted = await activityScheduled(loop, rollout, "look");
    return cycle;
  }

  /** An update whose source takes longer to read than workers take to report: the same records, each behind a prompt of 800 KB. */
  async function holdIngest(name: string) {
    const pipeline = aPipeline(loop, { name });
    const prompt = "Answer with one function call. ".repeat(26_000);
    const long = FIRST.map((line) => {
      const item = z.looseObject({ messages: z.array(z.unknown()) }).parse(JSON.parse(line));
      return JSON.stringify({ ...item, messages: [{ role: "system", content: prompt }, ...item.messages.slice(1)] });
    });
    await loop.store.put(`given/${name}/1.jsonl.gz`, gzipSync(long.join("\n"), { level: 1 }));
    const update = await startUpdate(loop, pipeline, 1);
    const reading = loop.client.workflow.getHandle(workflowIds.child(update.workflowId, name));
    const chunks = await waitFor(
      async () => {
        const { raw } = await reading.describe();
        const details = raw.pendingActivities?.[0]?.heartbeatDetails?.payloads?.[0]?.data;
        const progress = z
          .object({ chunks: keptChunksSchema })
          .parse(JSON.parse(Buffer.from(details ?? []).toString()));
        expect(progress.chunks.count).toBeGreaterThan(0);
        return progress.chunks.last;
      },
      { timeoutMs: 60_000, intervalMs: 10 },
    );
    return { pipeline, update, chunks };
  }
});

describe("kill -9 of the Temporal server in the middle of a cycle", () => {
  it("it comes back on its file and the cycle ends as if nothing had been", async () => {
    const { cycle } = await feed(loop, aPipeline(loop, { name: "server" }), 1, FIRST);
    const held = await jobProcess(loop, "server", 1);
    held.hold();
    const back = kill("temporal");
    held.release();
    await back;
    await expectUndisturbed(cycle, calm.first);
  });
});

async function versionsOf(dataset: string): Promise<string[]> {
  return (await objectsBelow(objectKeys.versions(dataset))).map(({ key }) => key);
}

async function objectsBelow(prefix: string): Promise<{ key: string; modifiedAt: string }[]> {
  const found: { key: string; modifiedAt: string }[] = [];
  for await (const { key, modifiedAt } of loop.store.list(prefix)) found.push({ key, modifiedAt });
  return found;
}
