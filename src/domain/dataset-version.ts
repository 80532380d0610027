import type { DatasetVersion, Part } from "./dataset-version-schema.ts";

/** Records of each split. */
export type SplitCounts = DatasetVersion["records"];

/** Records of all splits. */
export function countRecords({ records }: Pick<DatasetVersion, "records">): number {
  return records.train + records.valid + records.test;
}

/** Records of each split in parts. */
export function countSplits(parts: readonly Part[]): SplitCounts {
  const records = { train: 0, valid: 0, test: 0 };
  for (const part of parts) records[part.split] += part.records;
  return records;
}

/** Records of each source and split in parts, sources by name. */
export function countSources(parts: readonly Part[]): Record<string, SplitCounts> {
  const bySource = Map.groupBy(parts, ({ source }) => source);
  const sources = [...bySource].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sources.map(([source, own]) => [source, countSplits(own)]));
}

/** Bytes of parts as they are stored. */
export function countBytes(parts: readonly Part[]): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** The parts that a version added to its parent's; null has none. */
export function addedParts(version: DatasetVersion, parent: DatasetVersion | null): Part[] {
  return version.parts.slice(parent?.parts.length ?? 0);
}
