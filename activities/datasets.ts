import { createHash } from "node:crypto";
import { activityInfo, cancellationSignal, heartbeat } from "@temporalio/activity";
import { z } from "zod";
import { chunkSchema, type Batch } from "../src/domain/batch-schema.ts";
import { datasetVersionSchema } from "../src/domain/dataset-version-schema.ts";
import type { TestRecord } from "../src/domain/evaluation-schema.ts";
import { TypedFailure } from "../src/domain/failures.ts";
import { datasetVersionId } from "../src/domain/ids.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import { questionAndAnswer, whyNotTrainable } from "../src/domain/record.ts";
import { recordSchema, type Message } from "../src/domain/record-schema.ts";
import { emptyRegistry } from "../src/domain/registry.ts";
import { registrySchema } from "../src/domain/registry-schema.ts";
import type { IngestSourceInput } from "../src/domain/workflow-input-schema.ts";
import type { Ports } from "../src/ports.ts";
import { ChunkWriter } from "./chunk-writer.ts";
import { commitVersion, countRecords, newestVersion } from "./commit-version.ts";
import { needDocument, updateDocument, writeDocument } from "./documents.ts";
import type { DatasetActivities } from "./interfaces.ts";
import { partLines } from "./records.ts";
import { learnVersionVocabulary } from "./vocabulary.ts";

type DatasetPorts = Pick<Ports, "store" | "sources" | "readChatFile" | "authorKey">;

export function createDatasetActivities(ports: DatasetPorts): DatasetActivities {
  const { store } = ports;
  return {
    async readDatasetHead({ dataset, sources }) {
      const head = await newestVersion(store, dataset);
      if (head === null) return { version: 0, records: 0, cursors: {} };
      const cursors = Object.fromEntries(
        sources.flatMap((source) => {
          const cursor = head.cursors[source];
          return cursor === undefined ? [] : [[source, cursor]];
        }),
      );
      return { version: head.version, records: countRecords(head), cursors };
    },

    async ingest(request) {
      const { key, batch } = await ingest(ports, request);
      return { source: batch.source, batch: key, received: batch.received, quarantined: batch.quarantined };
    },

    commitVersion: (request) => commitVersion(store, request),

    async freezeTestSet({ pipeline, version, uri }) {
      const frozen = (await updateDocument(store, objectKeys.registry(pipeline), registrySchema, keepOrStart(pipeline)))
        .testSet;
      if (frozen !== null) return frozen;
      const records = uri === null ? await testSplit(ports, pipeline, version) : await testFile(ports, uri);
      const body = records.map((record) => `${JSON.stringify(record)}\n`).join("");
      const sha256 = createHash("sha256").update(body).digest("hex");
      const key = objectKeys.testSet(pipeline, sha256);
      await store.put(key, body, { contentType: "application/jsonl" });
      const registry = await updateDocument(store, objectKeys.registry(pipeline), registrySchema, (current) => {
        const known = current ?? emptyRegistry(pipeline);
        return known.testSet === null ? { ...known, testSet: { key, sha256, records: records.length } } : known;
      });
      return registry.testSet ?? { key, sha256, records: records.length };
    },

    async learnVocabulary({ dataset, version }) {
      const key = objectKeys.vocabulary(dataset, version);
      if ((await store.get(key)) !== null) return { key };
      const manifest = await needDocument(store, objectKeys.version(dataset, version), datasetVersionSchema);
      await writeDocument(store, key, await learnVersionVocabulary(store, manifest));
      return { key };
    },
  };
}

const keepOrStart =
  (pipeline: string) =>
  (current: z.infer<typeof registrySchema> | null): z.infer<typeof registrySchema> =>
    current ?? emptyRegistry(pipeline);

/** Where a crashed ingest goes on: everything up to `cursor` lies in `chunks`. */
const ingestProgressSchema = z.object({
  cursor: z.string().nullable(),
  received: z.int(),
  quarantined: z.int(),
  chunks: z.array(chunkSchema),
});

/** While a chunk is written the next one is read: compression and uploads use the other core. */
async function ingest(ports: DatasetPorts, request: IngestSourceInput): Promise<{ key: string; batch: Batch }> {
  const { dataset, source, split } = request;
  const signal = cancellationSignal();
  const resumed = ingestProgressSchema.safeParse(activityInfo().heartbeatDetails);
  const progress = resumed.success ? resumed.data : { cursor: request.cursor, received: 0, quarantined: 0, chunks: [] };
  const batchId = batchName(source.id);
  const reading = ports.sources[source.kind].read(source, progress.cursor, signal);
  const open = (): ChunkWriter => new ChunkWriter({ dataset, source: source.id, split, authorKey: ports.authorKey });
  let chunk = open();
  let writing = Promise.resolve();

  const write = async (full: ChunkWriter, name: string, cursor: string): Promise<void> => {
    progress.chunks.push(await full.write(ports.store, name));
    progress.received += full.received;
    progress.quarantined += full.quarantined;
    progress.cursor = cursor;
    heartbeat(progress);
  };
  const flush = async (): Promise<void> => {
    const [full, cursor] = [chunk, await reading.cursor()];
    chunk = open();
    await writing;
    signal.throwIfAborted();
    writing = write(full, `${batchId}-${String(progress.chunks.length).padStart(4, "0")}`, cursor);
    // Awaited before the next one; this only keeps an early failure from being called unhandled.
    writing.catch(() => {});
  };

  // A source may be slow, or wait for its servers: a chunk can take longer than a lost worker may go unnoticed.
  const beat = setInterval(() => heartbeat(progress), 1000);
  try {
    for await (const items of reading.items) {
      for (const item of items) chunk.add(item);
      if (chunk.isFull) await flush();
    }
    if (chunk.received > 0) await flush();
    await writing;
  } finally {
    clearInterval(beat);
  }

  const key = objectKeys.batch(source.id, batchId);
  const batch: Batch = { format: 1, dataset, source: source.id, ...progress };
  await writeDocument(ports.store, key, batch);
  return { key, batch };
}

/** Unique to this run of the workflow and equal in all its attempts. */
function batchName(source: string): string {
  const { workflowExecution } = activityInfo();
  const run = `${workflowExecution?.workflowId}\n${workflowExecution?.runId}\n${source}`;
  return createHash("sha256").update(run).digest("hex").slice(0, 16);
}

async function testSplit(ports: DatasetPorts, dataset: string, version: number): Promise<TestRecord[]> {
  const manifest = await needDocument(ports.store, objectKeys.version(dataset, version), datasetVersionSchema);
  const records: TestRecord[] = [];
  for (const part of manifest.parts.filter(({ split }) => split === "test")) {
    for await (const line of partLines(ports.store, part)) {
      const { id, messages } = recordSchema.parse(JSON.parse(line));
      records.push(toTestRecord(id, messages));
    }
  }
  if (records.length === 0) {
    throw new TypedFailure(
      "InvalidData",
      `${datasetVersionId(dataset, version)} has no test records: name a file in dataset.testSet or raise dataset.split.test`,
    );
  }
  return records.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

/** A test set with a bad line is refused whole: a score over what happens to parse would be another score. */
async function testFile(ports: DatasetPorts, uri: string): Promise<TestRecord[]> {
  const records: TestRecord[] = [];
  for await (const items of ports.readChatFile(uri, cancellationSignal())) {
    for (const item of items) {
      const reason = "reason" in item ? item.reason : whyNotTrainable(item.chat);
      if ("reason" in item || reason !== null) {
        throw new TypedFailure("InvalidData", `dataset.testSet ${uri}: ${item.at}: ${reason}`);
      }
      const id = createHash("sha256").update(JSON.stringify(item.chat.messages)).digest("hex");
      records.push(toTestRecord(id, item.chat.messages));
    }
  }
  if (records.length === 0) throw new TypedFailure("InvalidData", `dataset.testSet ${uri}: no records`);
  return records;
}

function toTestRecord(id: string, messages: readonly Message[]): TestRecord {
  const { question, answer } = questionAndAnswer(messages);
  return { id, question, expected: answer };
}
