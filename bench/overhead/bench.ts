/**
 * What the loop itself costs: seconds from the start of `updateDataset` to the end of `retrain`, with jobs and services
 * that take no time and a test set of 20 records. Each size has a first cycle that is not counted, so that the one that
 * is has a champion to evaluate and to replace by steps.
 */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import type { Client } from "@temporalio/client";
import { createS3Client, S3ObjectStore } from "../../src/adapters/s3-object-store.ts";
import { startStack } from "../../src/dev/stack.ts";
import { withStackEnvironment } from "../../src/dev/stack-file.ts";
import { pipelineSchema, type PipelineDefinition } from "../../src/domain/pipeline-schema.ts";
import { connect } from "../../src/temporal/client.ts";
import { taskQueues, workflowIds } from "../../workflows/names.ts";

export interface OverheadFigures {
  seconds2: number;
  seconds20: number;
  seconds200: number;
  seconds2x100k: number;
  /** Events of the cycle and all its children, with a promotion by three steps. */
  eventsPerCycle: number;
  workerRssMb: number;
}

const root = "s3://tuneloop/";

export async function bench(report: (line: string) => void): Promise<OverheadFigures> {
  const stateDirectory = await mkdtemp(join(tmpdir(), "tuneloop-bench-"));
  const stack = await startStack({
    stateDirectory,
    services: ["temporal", "s3"],
    ports: { temporal: 0, temporalUi: 0, s3: 0, emulator: 0 },
    environment: {},
    report,
  });
  const environment = withStackEnvironment(process.env, { ...stack.environment, ANYSCALE_CLI_TOKEN: "aph0_none" });
  Object.assign(process.env, environment);
  const store = new S3ObjectStore(
    createS3Client({ endpoint: environment["AWS_ENDPOINT_URL"] ?? null, region: environment["AWS_REGION"] ?? null }),
    root,
  );
  const worker = fork(fileURLToPath(new URL("worker.ts", import.meta.url)), { env: environment });
  await once(worker, "message");
  const client = await connect(environment);
  try {
    await store.put("bench/test.jsonl", records(20, "test"));
    const run = (sources: number, each: number) => measure({ client, store, report }, sources, each);
    const two = await run(2, 100);
    const twenty = await run(20, 100);
    const many = await run(200, 100);
    const large = await run(2, 100_000);
    return {
      seconds2: two.seconds,
      seconds20: twenty.seconds,
      seconds200: many.seconds,
      seconds2x100k: large.seconds,
      eventsPerCycle: two.events,
      workerRssMb: await askRss(worker),
    };
  } finally {
    await client.connection.close();
    worker.kill("SIGTERM");
    await once(worker, "exit");
    await stack.stop();
    await rm(stateDirectory, { recursive: true, force: true });
  }
}

interface Surroundings {
  client: Client;
  store: S3ObjectStore;
  report: (line: string) => void;
}

async function measure(
  { client, store, report }: Surroundings,
  sources: number,
  each: number,
): Promise<{ seconds: number; events: number }> {
  const pipeline = definition(`bench-${sources}x${each}`, sources);
  await cycle(client, store, pipeline, 1, 100);
  const { seconds, cycleId } = await cycle(client, store, pipeline, 2, each);
  const events = await countEvents(client, cycleId);
  report(`${sources} sources of ${each} records: ${seconds.toFixed(2)} s, ${events} events in the cycle`);
  return { seconds: Number(seconds.toFixed(2)), events };
}

async function cycle(
  client: Client,
  store: S3ObjectStore,
  pipeline: PipelineDefinition,
  version: number,
  each: number,
) {
  const { name, sources, dataset } = pipeline;
  for (const { id } of sources) {
    await store.put(
      `bench/${name}/${id}/${version}.jsonl.gz`,
      gzipSync(records(each, `${name} ${id} ${version}`), { level: 1 }),
    );
  }
  const startedMs = performance.now();
  await client.workflow.execute("updateDataset", {
    workflowId: `update/${name}/${version}`,
    taskQueue: taskQueues.main,
    args: [{ dataset: name, sources, split: dataset.split }],
  });
  const cycleId = workflowIds.retrain(name, version, 1);
  const report = await client.workflow.execute("retrain", {
    workflowId: cycleId,
    taskQueue: taskQueues.main,
    args: [{ pipeline, version }],
  });
  const seconds = (performance.now() - startedMs) / 1000;
  if (report.outcome !== "promoted") throw new Error(`${cycleId}: ${JSON.stringify(report)}`);
  return { seconds, cycleId };
}

function definition(name: string, sources: number): PipelineDefinition {
  return pipelineSchema.parse({
    name,
    sources: Array.from({ length: sources }, (_, index) => ({
      id: `s${index}`,
      kind: "s3-jsonl",
      uri: `${root}bench/${name}/s${index}/`,
    })),
    dataset: { split: { valid: 0, test: 0 }, testSet: `${root}bench/test.jsonl` },
    recipe: { name: "embedded" },
    decide: { floor: 0, guards: [] },
    rollout: { soakSeconds: 0, bakeSeconds: 0 },
  });
}

/** Chat records of about 700 bytes, most of it the prompt, as exports of real feedback have it. */
function records(count: number, salt: string): string {
  const system = "Turn the sentence about a game into one function call: function(attribute[value], ...). ".repeat(5);
  const lines: string[] = [];
  for (let index = 0; index < count; index++) {
    lines.push(
      JSON.stringify({
        messages: [
          { role: "system", content: system },
          { role: "user", content: `${index} ${salt}: what do players say about this one, is it any good?` },
          { role: "assistant", content: "inform(name[x])" },
        ],
      }),
    );
  }
  return `${lines.join("\n")}\n`;
}

async function countEvents(client: Client, workflowId: string): Promise<number> {
  let events = 0;
  const steps = ["fine-tune", "silent", "evaluate-challenger", "evaluate-champion", "roll-out"];
  for (const id of [workflowId, ...steps.map((step) => workflowIds.child(workflowId, step))]) {
    events += (await client.workflow.getHandle(id).fetchHistory()).events?.length ?? 0;
  }
  return events;
}

async function askRss(worker: ChildProcess): Promise<number> {
  worker.send("rss");
  const [{ maxRssMb }] = await once(worker, "message");
  return Math.round(maxRssMb);
}
