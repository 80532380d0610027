/** Batches and versions of the dataset `games`, made by the activities themselves. */
import { gunzipSync } from "node:zlib";
import { commitVersion } from "../../activities/commit-version.ts";
import { createDatasetActivities } from "../../activities/datasets.ts";
import type { CommitResult, IngestResult } from "../../activities/interfaces.ts";
import { partRecords } from "../../activities/records.ts";
import { batchSchema, type Batch } from "../../src/domain/batch-schema.ts";
import { datasetVersionSchema, type DatasetVersion } from "../../src/domain/dataset-version-schema.ts";
import { objectKeys } from "../../src/domain/object-keys.ts";
import type { TrainingRecord } from "../../src/domain/record-schema.ts";
import { sourceSchema, type SourceDefinition } from "../../src/domain/source-schema.ts";
import type { IngestSourceInput } from "../../src/domain/workflow-input-schema.ts";
import type { ObjectStore, SourceItem, SourceReader } from "../../src/ports.ts";
import { inActivity } from "./activity.ts";
import { fakeSource, fakeWorkflows } from "./fake-ports.ts";
import type { MemoryObjectStore } from "./memory-store.ts";

/** An ingest of a source, from its start. */
export function anIngest(source = "discord", overrides: Partial<IngestSourceInput> = {}): IngestSourceInput {
  const split = { valid: 0.05, test: 0.1 };
  const uri = `s3://feedback/${source}/`;
  return {
    dataset: "games",
    source: { id: source, kind: "s3-jsonl", uri },
    cursor: null,
    split,
    deadlines: { silentSeconds: 300, readSeconds: 3600 },
    reportTo: null,
    ...overrides,
  };
}

/** The dataset activities over a store and one source. */
export function datasetActivities(store: ObjectStore, source: SourceReader, authorKey: string | null = null) {
  return createDatasetActivities({
    store,
    authorKey,
    workflows: fakeWorkflows(),
    sources: everyKind(source),
    counts: { versions: async () => [], merge: async () => {} },
    readChatFile: (uri) => source.read(anIngest().source, uri, new AbortController().signal).items,
  });
}

/** One reader for sources of all kinds. */
function everyKind(reader: SourceReader): Record<SourceDefinition["kind"], SourceReader> {
  const kinds = sourceSchema.options.map((option) => option.shape.kind.value);
  return Object.fromEntries(kinds.map((kind) => [kind, reader])) as Record<SourceDefinition["kind"], SourceReader>;
}

let runs = 0;

/** Ingests items of a source as one batch, in a workflow run of its own. */
export async function aBatch(
  store: ObjectStore,
  items: SourceItem[],
  request: Partial<IngestSourceInput> = {},
  source = "discord",
): Promise<IngestResult> {
  const activities = datasetActivities(store, fakeSource([items]));
  const workflowExecution = { workflowId: `ingest-${++runs}`, runId: "run" };
  return inActivity(() => activities.ingest(anIngest(source, request)), { workflowExecution });
}

/** Commits batches on top of `parent`. */
export function commit(
  store: ObjectStore,
  batches: string[],
  parent = 0,
  more: { dataset?: string; leastRecords?: number; failedSources?: Record<string, string> } = {},
): Promise<CommitResult> {
  return inActivity(() =>
    commitVersion(store, { dataset: "games", parent, batches, failedSources: {}, leastRecords: 0, ...more }),
  );
}

/** A batch as it was stored. */
export function readBatch(store: MemoryObjectStore, key: string): Batch {
  return batchSchema.parse(JSON.parse(store.text(key)));
}

/** A manifest as it was stored. */
export function readManifest(store: MemoryObjectStore, version: number): DatasetVersion {
  return datasetVersionSchema.parse(JSON.parse(store.text(objectKeys.version("games", version))));
}

/** All records of parts, each part checked against its hash and count. */
export async function recordsOf(store: ObjectStore, parts: DatasetVersion["parts"]): Promise<TrainingRecord[]> {
  const records: TrainingRecord[] = [];
  for (const part of parts) {
    for await (const record of partRecords(store, part)) records.push(record);
  }
  return records;
}

/** Lines of a gzip object. */
export function packedLines(store: MemoryObjectStore, key: string): string[] {
  const object = store.objects.get(key);
  if (object === undefined) throw new Error(`there is no ${key}`);
  return gunzipSync(object.body).toString("utf8").trimEnd().split("\n");
}
