import type { DatasetVersion, Part, SourceCounts } from "./dataset-version-schema.ts";

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

/** What one source brought to one version: a row of a table of counts. */
export interface CountsRow extends SourceCounts {
  dataset: string;
  version: number;
  source: string;
  /** Why it brought nothing; null when it was read. */
  failure: string | null;
  /** ISO-8601: of the version. */
  createdAt: string;
}

/** A row for each source that a version read, or failed to read. */
export function countsRows({ dataset, version, createdAt, perSource, failedSources }: DatasetVersion): CountsRow[] {
  const of = { dataset, version, createdAt };
  const none = { received: 0, accepted: 0, quarantined: 0, duplicates: 0 };
  return [
    ...Object.entries(perSource).map(([source, counts]) => ({ ...of, source, failure: null, ...counts })),
    ...Object.entries(failedSources).map(([source, failure]) => ({ ...of, source, failure, ...none })),
  ];
}
