/** `tuneloop dataset export NAME[@V]`: the records of a split as a file that other tools read. */
import { statSync } from "node:fs";
import { dirname } from "node:path";
import { Command, Option } from "commander";
import { exportFormats, exportTo, writeAtomically, type Exported, type ExportFormat } from "../dataset/export.ts";
import { splitNameSchema, type SplitName } from "../domain/dataset-version-schema.ts";
import { datasetVersionId } from "../domain/ids.ts";
import { withBucket } from "./bucket.ts";
import { findVersion, parseReference } from "./dataset-reference.ts";
import { DEFAULT_STATE_DIRECTORY } from "./state-directory.ts";
import { bytesText, countText } from "./printable.ts";
import { UsageError } from "./usage-error.ts";

interface ExportOptions {
  split: SplitName;
  out: string;
  whole?: boolean;
  state: string;
  json?: boolean;
}

/** The `dataset export` command. A file appears when it is complete, and takes the place of one that was there. */
export function datasetExportCommand(): Command {
  return new Command("export")
    .description("write the records of a split as chat-format JSONL or Parquet")
    .argument("<dataset>", "NAME for the newest version, or NAME@VERSION")
    .addOption(new Option("--split <split>", "which records").choices(splitNameSchema.options).makeOptionMandatory())
    .requiredOption("--out <file>", "ends in .jsonl, .jsonl.gz or .parquet; - for JSONL on standard output")
    .option("--whole", "each record with its id, source, time, author, group and labels, not its messages only")
    .option("--state <directory>", "of the local stack to use when no bucket is named", DEFAULT_STATE_DIRECTORY)
    .option("--json", "print one JSON object about what was written")
    .action((reference: string, options: ExportOptions) => exportDataset(reference, options));
}

async function exportDataset(reference: string, { split, out, whole, state, json }: ExportOptions): Promise<void> {
  if (out === "-" && json)
    throw new UsageError("--json: standard output has the records already; name a file in --out");
  const format = out === "-" ? "jsonl" : formatOf(out);
  const wanted = parseReference(reference);
  if (out !== "-") assertWritable(out);
  await withBucket(state, async (store) => {
    const version = await findVersion(store, wanted);
    const parts = version.parts.filter((part) => part.split === split);
    const request = { store, parts, format, shape: whole ? "whole" : "chat" } as const;
    const exported = await (out === "-"
      ? untilReaderStops(exportTo(process.stdout, request))
      : interruptible((signal) => writeAtomically(out, (output) => exportTo(output, { ...request, signal }))));
    if (exported === null) return;
    const name = datasetVersionId(version.dataset, version.version);
    if (json) process.stdout.write(`${JSON.stringify({ dataset: name, split, out, format, ...exported })}\n`);
    else process.stderr.write(describeExport(`${name} ${split}`, exported, out));
  });
}

/** The form that a file's name asks for. */
function formatOf(out: string): ExportFormat {
  const format = exportFormats.find((candidate) => out.endsWith(`.${candidate}`));
  if (format === undefined) throw new UsageError(`--out ${out}: must end in .jsonl, .jsonl.gz or .parquet, or be -`);
  return format;
}

/** Null when the reader, such as `head`, has seen enough. */
async function untilReaderStops(exporting: Promise<Exported>): Promise<Exported | null> {
  try {
    return await exporting;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EPIPE") return null;
    throw error;
  }
}

/** What would come out only after everything has been read. */
function assertWritable(out: string): void {
  if (statSync(out, { throwIfNoEntry: false })?.isDirectory()) throw new UsageError(`--out ${out}: is a directory`);
  const directory = dirname(out);
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
    throw new UsageError(`--out ${out}: there is no directory ${directory}`);
  }
}

/** Ctrl-C ends the work in order, so that no piece of a file stays behind. */
async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const interrupt = (): void => controller.abort(new Error("interrupted: nothing was written"));
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) process.on(signal, interrupt);
  try {
    return await work(controller.signal);
  } catch (error) {
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    for (const signal of signals) process.off(signal, interrupt);
  }
}

function describeExport(what: string, { records, bytes }: Exported, out: string): string {
  return `${what}: ${countText(records)} records, ${bytesText(bytes)}${out === "-" ? "" : `, in ${out}`}\n`;
}
