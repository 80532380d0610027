/**
 * One update over a thousand small sources, on the local stack as `tuneloop dev` starts it: how long it takes, and how much
 * of it stays in the history of the update.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createS3Client, S3ObjectStore } from "../../src/adapters/s3-object-store.ts";
import { STACK_SERVICES } from "../../src/dev/stack-plan.ts";
import { startStack, type Stack } from "../../src/dev/stack.ts";
import { withStackEnvironment } from "../../src/dev/stack-file.ts";
import { connect } from "../../src/temporal/client.ts";
import { taskQueues } from "../../workflows/names.ts";
import type { updateDataset } from "../../workflows/update-dataset.ts";
import { records } from "./records.ts";

export interface FanoutFigures {
  /** From the start of the update to its end, with a version of 10,000 records committed. */
  fanout1000Seconds: number;
  /** Events in the history of the update. */
  fanout1000Events: number;
}

/** Records of each source. */
const each = 10;

/** Reads a thousand sources of ten records each in one update. */
export async function fanout(report: (line: string) => void): Promise<FanoutFigures> {
  const stateDirectory = await mkdtemp(join(tmpdir(), "tuneloop-bench-"));
  const stack = await startStack({
    stateDirectory,
    services: STACK_SERVICES,
    ports: { temporal: 0, temporalUi: 0, s3: 0, emulator: 0 },
    environment: process.env,
    report,
  });
  try {
    const { seconds, events } = await update(stack, 1000);
    report(`1,000 sources of ${each} records: ${seconds.toFixed(1)} s, ${events} events in the update`);
    return { fanout1000Seconds: Number(seconds.toFixed(2)), fanout1000Events: events };
  } finally {
    await stack.stop();
    await rm(stateDirectory, { recursive: true, force: true });
  }
}

async function update({ environment }: Stack, count: number): Promise<{ seconds: number; events: number }> {
  const root = environment["TUNELOOP_S3_URI"] ?? "";
  const store = new S3ObjectStore(s3ClientFor(environment), root);
  const sources = Array.from({ length: count }, (_, index) => ({
    id: `s${index}`,
    kind: "s3-jsonl" as const,
    uri: store.uri(`bench/s${index}/`),
  }));
  for (const [index, { id }] of sources.entries()) {
    await store.put(`bench/${id}/1.jsonl`, records(index * each, each));
  }
  const client = await connect(withStackEnvironment(process.env, environment));
  try {
    const startedMs = performance.now();
    const handle = await client.workflow.start<typeof updateDataset>("updateDataset", {
      workflowId: "update/fanout",
      taskQueue: taskQueues.main,
      args: [{ dataset: "fanout", sources }],
    });
    const result = await handle.result();
    const seconds = (performance.now() - startedMs) / 1000;
    if (result.failed > 0 || result.records === 0) throw new Error(JSON.stringify(result));
    return { seconds, events: (await handle.fetchHistory()).events?.length ?? 0 };
  } finally {
    await client.connection.close();
  }
}

function s3ClientFor(environment: Record<string, string | undefined>) {
  return createS3Client({
    endpoint: environment["AWS_ENDPOINT_URL"] ?? null,
    region: environment["AWS_REGION"] ?? null,
    credentials: {
      accessKeyId: environment["AWS_ACCESS_KEY_ID"] ?? "",
      secretAccessKey: environment["AWS_SECRET_ACCESS_KEY"] ?? "",
    },
  });
}
