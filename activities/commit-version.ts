import { createHash } from "node:crypto";
import { batchSchema, type Batch } from "../src/domain/batch-schema.ts";
import { datasetVersionSchema, type DatasetVersion } from "../src/domain/dataset-version-schema.ts";
import { countRecords, countSplits } from "../src/domain/dataset-version.ts";
import { PreconditionFailed, TypedFailure } from "../src/domain/failures.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import type { ObjectStore } from "../src/ports.ts";
import { needDocument, readDocument } from "./documents.ts";
import { freshParts, withoutKnown, type FreshPart } from "./drop-known.ts";
import type { CommitResult } from "./interfaces.ts";
import { KnownIds } from "./known-ids.ts";
import { inLanes } from "./lanes.ts";

/** Parts that are read and written again at once: their work is done on other threads, of which there are four. */
const partsAtOnce = 4;

/** The newest manifest of a dataset, or null before the first. */
export async function newestVersion(store: ObjectStore, dataset: string): Promise<DatasetVersion | null> {
  let newest: string | null = null;
  for await (const { key } of store.list(objectKeys.versions(dataset))) newest = key;
  return newest === null ? null : needDocument(store, newest, datasetVersionSchema);
}

interface CommitRequest {
  dataset: string;
  parent: number;
  batches: string[];
  failedSources: Record<string, string>;
  leastRecords: number;
}

/**
 * Commits batches as the next version. The manifest is written last and only if its number is free; whoever loses the
 * race drops what the winner already has and takes the next number, so versions are a chain and no batch is lost.
 *
 * A version is made when there are records to add, or a source is to be read from another place next time: also where all
 * that was met was left out, refused or known, which must not be met again and again. None is made of fewer than
 * `leastRecords` new records.
 */
export async function commitVersion(store: ObjectStore, request: CommitRequest): Promise<CommitResult> {
  const batches = await Promise.all(request.batches.map((key) => needDocument(store, key, batchSchema)));
  const [first, ...rest] = batches;
  for (;;) {
    const head = await newestVersion(store, request.dataset);
    const own = head === null ? null : await findOwnCommit(store, head, request);
    if (own) return toResult(own);
    const none = { version: null, records: head === null ? 0 : countRecords(head) };
    const goesOn = batches.some(({ source, cursor }) => cursor !== null && cursor !== head?.cursors[source]);
    const isNews = goesOn || batches.some(({ received }) => received > 0);
    if (first === undefined || !isNews) return { ...none, added: 0, perSource: {} };
    const manifest = await buildManifest(store, head, request, [first, ...rest]);
    const result = toResult(manifest);
    // Held back: its sources keep their cursors and bring the same, and more, to a later version.
    if (result.added < request.leastRecords || (result.added === 0 && !goesOn)) return { ...result, ...none };
    try {
      await store.put(objectKeys.version(request.dataset, manifest.version), `${JSON.stringify(manifest)}\n`, {
        condition: { ifNoneMatch: "*" },
        contentType: "application/json",
      });
      return result;
    } catch (error) {
      // Taken: by a rival, or by an earlier attempt of our own whose answer was lost. The next round tells which.
      if (!(error instanceof PreconditionFailed)) throw error;
    }
  }
}

/** The version that took in these very batches, among those made since the update began. */
async function findOwnCommit(
  store: ObjectStore,
  head: DatasetVersion,
  { dataset, parent, batches }: CommitRequest,
): Promise<DatasetVersion | null> {
  for (let candidate = head; candidate.version > parent;) {
    if (batches.every((key) => candidate.batches.includes(key))) return candidate;
    const before = await readDocument(store, objectKeys.version(dataset, candidate.version - 1), datasetVersionSchema);
    if (before === null) return null;
    candidate = before.value;
  }
  return null;
}

async function buildManifest(
  store: ObjectStore,
  head: DatasetVersion | null,
  request: CommitRequest,
  batches: [Batch, ...Batch[]],
): Promise<DatasetVersion> {
  const { dataset } = request;
  const { split } = head ?? batches[0];
  for (const batch of batches) assertShares(dataset, split, batch.split);
  const delivered = batches.reduce((sum, { received }) => sum + received, 0);
  const known = await KnownIds.load(store, dataset, head?.ids ?? [], delivered);
  const fresh: FreshPart[] = [];
  const perSource: DatasetVersion["perSource"] = {};
  for (const batch of batches) {
    let accepted = 0;
    for (const chunk of batch.chunks) {
      const parts = await freshParts(store, chunk, known);
      fresh.push(...parts);
      accepted += parts.reduce((sum, { records }) => sum + records, 0);
    }
    const { received, quarantined } = batch;
    perSource[batch.source] = { received, accepted, quarantined, duplicates: received - quarantined - accepted };
  }
  const own = await inLanes(partsAtOnce, fresh, (part) => withoutKnown(store, dataset, part));
  const cursors = Object.fromEntries(
    batches.flatMap(({ source, cursor }) => (cursor === null ? [] : [[source, cursor]])),
  );
  const content = {
    dataset,
    parent: head?.version ?? null,
    records: countSplits([...(head?.parts ?? []), ...own]),
    split,
    perSource,
    failedSources: request.failedSources,
    parts: [...(head?.parts ?? []), ...own],
    ids: await known.save(),
    batches: request.batches,
    cursors: { ...head?.cursors, ...cursors },
  };
  return {
    format: 1,
    version: (head?.version ?? 0) + 1,
    createdAt: new Date().toISOString(),
    contentHash: contentHashOf(content, head),
    ...content,
  };
}

/**
 * The hash that a version of this content has on this parent, of whose parts only the number counts: they are in its own
 * hash. What comes of a manifest that was stored and read again is the same.
 */
export function contentHashOf(
  content: Omit<DatasetVersion, "format" | "version" | "createdAt" | "contentHash">,
  parent: Pick<DatasetVersion, "contentHash" | "parts"> | null,
): string {
  const { dataset, parent: number, records, split, perSource, failedSources, parts, ids, batches, cursors } = content;
  const own = parts.slice(parent?.parts.length ?? 0);
  const parentHash = parent?.contentHash ?? null;
  const counts = { records, split, perSource, failedSources };
  return sha256(JSON.stringify({ parentHash, dataset, parent: number, ...counts, parts: own, ids, batches, cursors }));
}

/**
 * Throws InvalidInput when records would be split by other shares than those that a dataset has: a group could then have
 * records in two splits, and a model be tested on what it has learnt.
 */
export function assertShares(dataset: string, has: DatasetVersion["split"], wanted: DatasetVersion["split"]): void {
  if (has.valid === wanted.valid && has.test === wanted.test) return;
  const [is, was] = [wanted, has].map(({ valid, test }) => `valid ${valid}, test ${test}`);
  throw new TypedFailure(
    "InvalidInput",
    `dataset.split: is ${is}, but ${dataset} is split by ${was}, and records would move between training and test: put that back, or give the dataset another name`,
  );
}

function toResult(manifest: DatasetVersion): CommitResult {
  const { version, perSource } = manifest;
  const added = Object.values(perSource).reduce((sum, { accepted }) => sum + accepted, 0);
  return { version, records: countRecords(manifest), added, perSource };
}

function sha256(content: string | Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
