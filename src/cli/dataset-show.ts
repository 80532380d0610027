/** `tuneloop dataset show NAME[@V]`: what a dataset version holds and how it came about. */
import { Command } from "commander";
import { summarise, type VersionSummary } from "../dataset/summary.ts";
import type { DatasetVersion } from "../domain/dataset-version-schema.ts";
import { countRecords, countSources, type SplitCounts } from "../domain/dataset-version.ts";
import { datasetVersionId } from "../domain/ids.ts";
import { withBucket } from "./bucket.ts";
import { findVersion, parseReference } from "./dataset-reference.ts";
import { DEFAULT_STATE_DIRECTORY } from "./state-directory.ts";
import { bytesText, countText, cut, printable, timeText, wrapped } from "./printable.ts";
import { facts, table, widthOf, type Column } from "./table.ts";

/** Reasons and failed sources that are printed; `--json` has all. */
const mostLines = 10;

/** The `dataset show` command. */
export function datasetShowCommand(): Command {
  return new Command("show")
    .description("show what a dataset version holds: counts, parents, failed sources, quarantine, sizes")
    .argument("<dataset>", "NAME for the newest version, or NAME@VERSION")
    .option("--state <directory>", "of the local stack to use when no bucket is named", DEFAULT_STATE_DIRECTORY)
    .option("--json", "print one JSON object")
    .action((reference: string, { state, json }: { state: string; json?: boolean }) => {
      const wanted = parseReference(reference);
      return withBucket(state, async (store) => {
        const version = await findVersion(store, wanted);
        const summary = await summarise(store, version);
        process.stdout.write(
          json ? asJson(version, summary) : describeVersion(version, summary, widthOf(process.stdout)),
        );
      });
    });
}

function asJson(version: DatasetVersion, summary: VersionSummary): string {
  const {
    dataset,
    version: number,
    parent,
    createdAt,
    contentHash,
    records,
    split,
    perSource,
    failedSources,
  } = version;
  const sources = countSources(version.parts);
  const facts = { dataset, version: number, parent, createdAt, contentHash, records, split, sources };
  return `${JSON.stringify({ ...facts, perSource, failedSources, ...summary })}\n`;
}

/** A version as lines, in `width` columns. */
export function describeVersion(version: DatasetVersion, summary: VersionSummary, width: number): string {
  const { dataset, perSource, failedSources } = version;
  const sections: [string, string][] = [
    ["Records by source", sourcesTable(countSources(version.parts), width)],
    [`What ${datasetVersionId(dataset, version.version)} received`, receivedTable(perSource, width)],
    ["Sources that failed", failedLines(failedSources, width)],
    ["Quarantined", quarantineLines(summary.quarantine, width)],
    ["Versions", chainTable(version, summary, width)],
  ];
  const shown = sections.filter(([, text]) => text !== "").map(([title, text]) => `\n${title}\n${text}`);
  return facts(headOf(version, summary), width) + shown.join("");
}

function headOf(version: DatasetVersion, { size, chain }: VersionSummary): [string, string][] {
  const { dataset, records, parent } = version;
  const { train, valid, test } = records;
  const [of] = chain;
  return [
    ["dataset", datasetVersionId(dataset, version.version)],
    ["made", `${timeText(version.createdAt)} UTC`],
    ["parent", parent === null ? "none, it is the first" : datasetVersionId(dataset, parent)],
    ["records", `${countText(countRecords(version))}, ${countText(of?.added ?? 0)} of them new`],
    ["splits", `${countText(train)} train, ${countText(valid)} valid, ${countText(test)} test`],
    ["size", `${bytesText(size.bytes)} in ${partsText(size.parts)}, ${bytesText(size.addedBytes)} of them new`],
    ["hash", version.contentHash],
  ];
}

/** Records by source and split. */
export function sourcesTable(sources: Record<string, SplitCounts>, width: number): string {
  const rows = Object.entries(sources).map(([source, { train, valid, test }]) => [
    source,
    ...[train, valid, test, train + valid + test].map(countText),
  ]);
  return rows.length === 0 ? "" : table(numbers("SOURCE", "TRAIN", "VALID", "TEST", "ALL"), rows, width);
}

function receivedTable(perSource: DatasetVersion["perSource"], width: number): string {
  const rows = Object.entries(perSource).map(([source, { received, accepted, quarantined, duplicates }]) => [
    source,
    ...[received, accepted, quarantined, duplicates].map(countText),
  ]);
  const heads = numbers("SOURCE", "RECEIVED", "ACCEPTED", "QUARANTINED", "DUPLICATES");
  return rows.length === 0 ? "" : table(heads, rows, width);
}

function failedLines(failed: Record<string, string>, width: number): string {
  const all = Object.entries(failed).map(
    ([source, reason]) => `  ${wrapped(`${source}: ${printable(reason)}`, width - 4).join("\n    ")}`,
  );
  return limited(all, "sources", width);
}

function quarantineLines({ reasons, unknown }: VersionSummary["quarantine"], width: number): string {
  const digits = Math.max(...reasons.map(({ items }) => countText(items).length), 0);
  const all = reasons.map(({ reason, items, example }) => {
    const [what, where] = [`${countText(items).padStart(digits)}  ${printable(reason)}`, printable(example)];
    return `  ${cut(what, width - 2)}\n  ${" ".repeat(digits)}  such as ${cut(where, width - digits - 12)}`;
  });
  const gone = unknown === 0 ? "" : `  ${countText(unknown)} whose reasons are not in the bucket any more\n`;
  return limited(all, "reasons", width) + gone;
}

function chainTable({ dataset }: DatasetVersion, { chain }: VersionSummary, width: number): string {
  const rows = chain.map(({ version, added, createdAt }) => [
    datasetVersionId(dataset, version),
    countText(added),
    timeText(createdAt),
  ]);
  const before = (chain.at(-1)?.version ?? 1) - 1;
  const heads: Column[] = [...numbers("VERSION", "ADDED"), { head: "WHEN (UTC)", align: "left" }];
  return table(heads, rows, width) + (before === 0 ? "" : `  and ${countText(before)} before\n`);
}

/** Columns of which only the first is not a number. */
function numbers(first: string, ...others: string[]): Column[] {
  return [{ head: first, align: "left" }, ...others.map((head): Column => ({ head, align: "right" }))];
}

function limited(entries: readonly string[], what: string, width: number): string {
  const shown = entries.slice(0, mostLines).map((entry) =>
    entry
      .split("\n")
      .map((line) => cut(line, width))
      .join("\n"),
  );
  const rest = entries.length - shown.length;
  return [...shown, ...(rest > 0 ? [`  and ${countText(rest)} more ${what}: see --json`] : [])]
    .map((line) => `${line}\n`)
    .join("");
}

function partsText(parts: number): string {
  return parts === 1 ? "1 part" : `${countText(parts)} parts`;
}
