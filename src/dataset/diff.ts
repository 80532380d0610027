/** What one dataset version has that another has not. */
import type { DatasetVersion, Part } from "../domain/dataset-version-schema.ts";
import { countSources, type SplitCounts } from "../domain/dataset-version.ts";
import { IdSet, idBytes } from "../domain/id-set.ts";
import type { TrainingRecord } from "../domain/record-schema.ts";
import type { ObjectStore } from "../ports.ts";
import { fetchParts } from "./parts.ts";

/** A record with the split it is in. */
export interface DiffExample {
  split: keyof SplitCounts;
  record: TrainingRecord;
}

/** Records that are on one side only. */
export interface DiffSide {
  records: number;
  /** By source and split; sources without any are left out. */
  perSource: Record<string, SplitCounts>;
  examples: DiffExample[];
}

/** From one version to another. */
export interface VersionDiff {
  added: DiffSide;
  removed: DiffSide;
  /** Records on both sides. */
  same: number;
}

/**
 * Compares two versions, of one dataset or of two, by the ids of their records. Parts that both have are not read; of
 * those that only one has, records are read where the other one has such parts too, else for examples only.
 *
 * @param examples how many of each side, the first ones in the order of their parts
 */
export async function diffVersions(
  store: ObjectStore,
  from: DatasetVersion,
  to: DatasetVersion,
  examples: number,
): Promise<VersionDiff> {
  const [before, after] = [partsWithout(from, to), partsWithout(to, from)];
  const [added, removed] =
    before.length === 0 || after.length === 0
      ? [await whole(store, after, examples), await whole(store, before, examples)]
      : [
          await without(store, after, await idsOf(store, before), examples),
          await without(store, before, await idsOf(store, after), examples),
        ];
  return { added, removed, same: countAll(countSources(to.parts)) - added.records };
}

/** Parts of a version that another one has not. */
function partsWithout({ parts }: DatasetVersion, other: DatasetVersion): Part[] {
  const shared = new Set(other.parts.map(({ sha256 }) => sha256));
  return parts.filter(({ sha256 }) => !shared.has(sha256));
}

/** All records of parts. */
async function whole(store: ObjectStore, parts: readonly Part[], examples: number): Promise<DiffSide> {
  const perSource = countSources(parts);
  const side: DiffSide = { records: countAll(perSource), perSource, examples: [] };
  if (examples === 0) return side;
  for await (const fetched of fetchParts(store, parts)) {
    for await (const record of fetched.records()) {
      side.examples.push({ split: fetched.part.split, record });
      if (side.examples.length === examples) return side;
    }
  }
  return side;
}

/** The records of parts that are not in a set, which has them too afterwards. */
async function without(store: ObjectStore, parts: readonly Part[], known: IdSet, examples: number): Promise<DiffSide> {
  const side: DiffSide = { records: 0, perSource: {}, examples: [] };
  for await (const fetched of fetchParts(store, parts)) {
    const { source, split } = fetched.part;
    for await (const record of fetched.records()) {
      if (!known.add(bytesOf(record))) continue;
      side.records++;
      (side.perSource[source] ??= { train: 0, valid: 0, test: 0 })[split]++;
      if (side.examples.length < examples) side.examples.push({ split, record });
    }
  }
  return side;
}

async function idsOf(store: ObjectStore, parts: readonly Part[]): Promise<IdSet> {
  const ids = new IdSet(parts.reduce((sum, { records }) => sum + records, 0));
  for await (const fetched of fetchParts(store, parts)) {
    for await (const record of fetched.records()) ids.add(bytesOf(record));
  }
  return ids;
}

function bytesOf({ id }: TrainingRecord): Buffer {
  return Buffer.from(id.slice(0, idBytes * 2), "hex");
}

function countAll(perSource: Record<string, SplitCounts>): number {
  return Object.values(perSource).reduce((sum, { train, valid, test }) => sum + train + valid + test, 0);
}
