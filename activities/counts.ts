import { datasetVersionSchema } from "../src/domain/dataset-version-schema.ts";
import type { CountsTarget } from "../src/domain/counts-table-schema.ts";
import { countsRows, type CountsRow } from "../src/domain/dataset-version.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import type { Ports } from "../src/ports.ts";
import { needDocument } from "./documents.ts";
import type { MergedCounts } from "./interfaces.ts";

/** Rows that are merged at once. */
const rowsAtOnce = 1000;

/**
 * Merges the counts of a dataset version into a table, and those of every version before it that the table lacks: a version
 * whose counts could not be written is made up for by the next one. Writing them again changes nothing.
 */
export async function mergeCounts(
  { store, counts }: Pick<Ports, "store" | "counts">,
  { dataset, version, target }: { dataset: string; version: number; target: CountsTarget },
): Promise<MergedCounts> {
  const there = new Set(await counts.versions(target, dataset));
  const merged = { versions: 0, rows: 0 };
  let rows: CountsRow[] = [];
  const flush = async (): Promise<void> => {
    if (rows.length > 0) await counts.merge(target, rows);
    rows = [];
  };
  for (let number = 1; number <= version; number++) {
    if (number < version && there.has(number)) continue;
    const manifest = await needDocument(store, objectKeys.version(dataset, number), datasetVersionSchema);
    const own = countsRows(manifest);
    rows.push(...own);
    merged.versions++;
    merged.rows += own.length;
    if (rows.length >= rowsAtOnce) await flush();
  }
  await flush();
  return merged;
}
