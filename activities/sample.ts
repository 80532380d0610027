import { createHash } from "node:crypto";
import type { TestRecord, TestSet } from "../src/domain/evaluation-schema.ts";
import type { ObjectStore } from "../src/ports.ts";
import { questionsOf } from "./questions.ts";

/** Which questions of a test set are asked. */
export interface Sample {
  /** How many. */
  records: number;
  isDrawn: (record: TestRecord) => boolean;
}

/**
 * Draws so many records of the test set and so many of the old skills in it, all where that is null or there are fewer. By
 * the hash of seed and id: the same always, and of a larger test set mostly the same. Reads and checks the whole test set;
 * throws like `questionsOf`.
 */
export async function drawSample(
  store: ObjectStore,
  testSet: TestSet,
  { sampleSize, seed }: { sampleSize: number | null; seed: number },
): Promise<Sample> {
  const ranks: Record<TestRecord["set"], number[]> = { test: [], retention: [] };
  for await (const { set, id } of questionsOf(store, testSet)) {
    if (sampleSize !== null) ranks[set].push(rankOf(seed, id));
  }
  if (sampleSize === null) return { records: testSet.records, isDrawn: () => true };
  const last = { test: lastDrawn(ranks.test, sampleSize), retention: lastDrawn(ranks.retention, sampleSize) };
  const drawn = [
    ...ranks.test.filter((rank) => rank <= last.test),
    ...ranks.retention.filter((rank) => rank <= last.retention),
  ];
  return { records: drawn.length, isDrawn: ({ set, id }) => rankOf(seed, id) <= last[set] };
}

/** A record's place among all in a draw, from 0 up to 2^48. */
export function rankOf(seed: number, id: string): number {
  return createHash("sha256").update(`${seed}:${id}`).digest().readUIntBE(0, 6);
}

function lastDrawn(ranks: readonly number[], size: number): number {
  return Float64Array.from(ranks).toSorted()[size - 1] ?? Infinity;
}
