/** The main job from end to end on the local stack: feedback in, better model out, told as it happens. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Client, WorkflowNotFoundError } from "@temporalio/client";
import { createS3Client, S3ObjectStore } from "../adapters/s3-object-store.ts";
import { pipelineSchema, type PipelineDefinition } from "../domain/pipeline-schema.ts";
import { modelVersionId } from "../domain/ids.ts";
import type { CycleReport } from "../domain/report-schema.ts";
import { taskQueues, workflowIds } from "../../workflows/names.ts";
import type { pipeline } from "../../workflows/pipeline.ts";
import { runNowUpdate } from "../../workflows/pipeline-messages.ts";
import type { retrain } from "../../workflows/retrain.ts";
import { searchAttributes } from "../../workflows/search-attributes.ts";
import type { updateDataset } from "../../workflows/update-dataset.ts";
import { DEMO_PIPELINE, DEMO_TEST_SET, demoDefinition, sourcePrefix, type DemoPlan } from "./demo-data.ts";
import type { DemoFeed } from "./demo-feed.ts";
import { reasonOf } from "./reason.ts";
import type { Stack } from "./stack.ts";

/** Told what happens. */
export interface DemoProgress {
  round(title: string): void;
  step(text: string): void;
  cycle(cycle: DemoCycle): void;
}

/** One cycle of a demo, as its JSON says it. */
export interface DemoCycle {
  datasetVersion: string;
  recordsPerSource: Record<string, number>;
  jobId: string | null;
  champion: CycleReport["champion"];
  challenger: CycleReport["challenger"];
  decision: { outcome: string; reasons: string[] } | null;
  outcome: CycleReport["outcome"];
  /** Training records that ask a question of the test set. */
  leaked: number | null;
  /** Path of the report on this machine, or its URI. */
  report: string;
}

/** What a demo runs on: the stack, a client of its Temporal server, and a feed that its worker may read. */
export interface DemoStage {
  stack: Stack;
  client: Client;
  feed: DemoFeed;
}

/** Runs a demo: one cycle for each round. Throws when a cycle does not get to an outcome. */
export async function runDemo(
  { stack, client, feed }: DemoStage,
  plan: DemoPlan,
  progress: DemoProgress,
): Promise<DemoCycle[]> {
  const { environment } = stack;
  const root = environment["TUNELOOP_S3_URI"] ?? "";
  const s3 = createS3Client({
    endpoint: environment["AWS_ENDPOINT_URL"] ?? null,
    region: environment["AWS_REGION"] ?? null,
    credentials: {
      accessKeyId: environment["AWS_ACCESS_KEY_ID"] ?? "",
      secretAccessKey: environment["AWS_SECRET_ACCESS_KEY"] ?? "",
    },
  });
  const bucket = new S3ObjectStore(s3, root);
  const definition = pipelineSchema.parse(demoDefinition(plan, root, feed.url));
  try {
    if (plan.testSet !== null) await bucket.put(DEMO_TEST_SET, plan.testSet);
    await client.workflow.start<typeof pipeline>("pipeline", {
      workflowId: workflowIds.pipeline(definition.name),
      taskQueue: taskQueues.main,
      args: [definition],
      staticSummary: `pipeline ${definition.name}`,
    });
    const cycles: DemoCycle[] = [];
    for (const [index, round] of plan.rounds.entries()) {
      progress.round(`${index + 1}. ${round.title}`);
      for (const [source, jsonl] of Object.entries(round.deliveries)) {
        if (source === plan.feedSource) feed.add(jsonl);
        else await bucket.put(`${sourcePrefix(source)}delivery-${index + 1}.jsonl`, jsonl);
      }
      const version = await updateFrom(client, definition, index, progress);
      const report = await followCycle(client, version, progress);
      const cycle = toCycle(report, stack.stateDirectory, root);
      progress.cycle(cycle);
      cycles.push(cycle);
    }
    return cycles;
  } finally {
    s3.destroy();
  }
}

/** Brings the dataset up to date; answers its new version, and asks for a cycle when that is below the threshold. */
async function updateFrom(
  client: Client,
  { name, sources, dataset }: PipelineDefinition,
  index: number,
  progress: DemoProgress,
): Promise<number> {
  const { version, perSource, added } = await client.workflow.execute<typeof updateDataset>("updateDataset", {
    workflowId: `update/${name}/${index + 1}`,
    taskQueue: taskQueues.main,
    args: [{ dataset: name, sources, split: dataset.split, quorum: dataset.quorum, notify: [] }],
    staticSummary: `update of dataset ${name}`,
  });
  if (version === null) throw new Error("the sources delivered nothing");
  const counts = Object.entries(perSource).map(([source, { accepted, duplicates, quarantined }]) => {
    const left = [duplicates > 0 ? `${duplicates} duplicate` : "", quarantined > 0 ? `${quarantined} refused` : ""];
    return [`${source} ${accepted}`, ...left.filter(Boolean)].join(", ");
  });
  progress.step(`dataset version ${name}@${version}: ${added} new records (${counts.join("; ")})`);
  if (added < dataset.minNewRecords) {
    progress.step(
      `fewer than the ${dataset.minNewRecords} that start a cycle by themselves: the order runNow starts one`,
    );
    await client.workflow.getHandle<typeof pipeline>(workflowIds.pipeline(name)).executeUpdate(runNowUpdate, {
      args: [{ reason: "demo" }],
    });
  }
  return version;
}

/** Waits for the cycle of a dataset version and tells its phases as they begin. */
async function followCycle(client: Client, version: number, progress: DemoProgress): Promise<CycleReport> {
  const handle = client.workflow.getHandle<typeof retrain>(workflowIds.retrain(DEMO_PIPELINE, version, 1));
  let told = "";
  for (;;) {
    const { status, typedSearchAttributes } = await describeSoon(handle);
    const stage = typedSearchAttributes.get(searchAttributes.stage) ?? told;
    if (status.name === "RUNNING" && stage !== told) progress.step(stageText(stage));
    told = stage;
    if (status.name !== "RUNNING") return await resultOf(handle, version);
    await delay(200);
  }
}

/** The cycle's report, or an error that says where to read why there is none. */
async function resultOf(handle: { result(): Promise<CycleReport> }, version: number): Promise<CycleReport> {
  try {
    return await handle.result();
  } catch (error) {
    const report = `reports/${modelVersionId(DEMO_PIPELINE, version, 1)}/index.html in the bucket`;
    throw new Error(`the cycle of ${DEMO_PIPELINE}@${version} failed, see ${report}: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

/** The pipeline starts a cycle on its own; until then there is none of that name. */
async function describeSoon<T>(handle: { describe(): Promise<T> }): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await handle.describe();
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError) || attempt === 300) throw error;
      await delay(100);
    }
  }
}

function stageText(stage: string): string {
  const texts: Record<string, string> = {
    prepare: "preparing: freezing the test set, reading every training record",
    train: "training the challenger as a job on the emulator",
    deploy: "bringing the challenger up without traffic",
    choose: "asking every checkpoint the validation questions",
    evaluate: "asking champion and challenger the same questions",
    decide: "comparing the answers",
    "roll out": "acting on the decision",
  };
  return texts[stage] ?? stage;
}

function toCycle(report: CycleReport, stateDirectory: string, root: string): DemoCycle {
  const key = `reports/${report.cycle}/index.html`;
  const file = join(stateDirectory, "s3", "tuneloop", key);
  return {
    datasetVersion: report.datasetVersion,
    recordsPerSource: report.recordsPerSource,
    jobId: report.job?.id ?? null,
    champion: report.champion,
    challenger: report.challenger,
    decision: report.decision === null ? null : { outcome: report.decision.outcome, reasons: report.decision.reasons },
    outcome: report.outcome,
    leaked: report.leaked,
    report: existsSync(file) ? file : `${root}${key}`,
  };
}
