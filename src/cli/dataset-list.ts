/** `tuneloop dataset list`: the datasets of the bucket. */
import { Command } from "commander";
import { listDatasets, type DatasetEntry } from "../dataset/versions.ts";
import { withBucket } from "./bucket.ts";
import { DEFAULT_STATE_DIRECTORY } from "./state-directory.ts";
import { countText, cut, printable, timeText } from "./printable.ts";
import { table, widthOf, type Column } from "./table.ts";

/** The `dataset list` command. */
export function datasetListCommand(): Command {
  return new Command("list")
    .description("list the datasets of the bucket, with their newest versions")
    .option("--state <directory>", "of the local stack to use when no bucket is named", DEFAULT_STATE_DIRECTORY)
    .option("--json", "print one JSON object")
    .action(({ state, json }: { state: string; json?: boolean }) =>
      withBucket(state, async (store) => {
        const entries: DatasetEntry[] = [];
        for await (const entry of listDatasets(store)) entries.push(entry);
        const text = json
          ? `${JSON.stringify({ datasets: entries.map(asJson) })}\n`
          : describeDatasets(entries, { width: widthOf(process.stdout), where: store.uri("") });
        process.stdout.write(text);
      }),
    );
}

function asJson(entry: DatasetEntry): object {
  if ("problem" in entry) return entry;
  const { version, createdAt, records } = entry.newest;
  return { name: entry.name, version, createdAt, records };
}

const columns: Column[] = [
  { head: "DATASET", align: "left" },
  { head: "VERSION", align: "right" },
  { head: "TRAIN", align: "right" },
  { head: "VALID", align: "right" },
  { head: "TEST", align: "right" },
  { head: "WHEN (UTC)", align: "left" },
];

/** Datasets as lines, in `width` columns. */
export function describeDatasets(
  entries: readonly DatasetEntry[],
  { width, where }: { width: number; where: string },
): string {
  if (entries.length === 0) return `There is no dataset in ${where} yet.\n`;
  const rows = entries.flatMap((entry) => {
    if ("problem" in entry) return [];
    const { version, records, createdAt } = entry.newest;
    const counts = [records.train, records.valid, records.test].map(countText);
    return [[entry.name, String(version), ...counts, timeText(createdAt)]];
  });
  const problems = entries.flatMap((entry) =>
    "problem" in entry ? [cut(`${entry.name} cannot be read: ${printable(entry.problem)}`, width)] : [],
  );
  return (rows.length > 0 ? table(columns, rows, width) : "") + problems.map((line) => `${line}\n`).join("");
}
