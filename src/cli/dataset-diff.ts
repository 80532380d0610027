/** `tuneloop dataset diff A B`: what one dataset version has that another has not. */
import { Command, InvalidArgumentError } from "commander";
import { diffVersions, type DiffExample, type DiffSide, type VersionDiff } from "../dataset/diff.ts";
import type { DatasetVersion } from "../domain/dataset-version-schema.ts";
import { datasetVersionId } from "../domain/ids.ts";
import { withBucket } from "./bucket.ts";
import { findVersion, parseReference } from "./dataset-reference.ts";
import { sourcesTable } from "./dataset-show.ts";
import { DEFAULT_STATE_DIRECTORY } from "./state-directory.ts";
import { countText, cut, printable } from "./printable.ts";
import { widthOf } from "./table.ts";

interface DiffOptions {
  examples: number;
  state: string;
  json?: boolean;
}

/** The `dataset diff` command. */
export function datasetDiffCommand(): Command {
  return new Command("diff")
    .description("compare two versions: records added and removed by source and split, with examples")
    .argument("<from>", "NAME@VERSION, or NAME for its newest version")
    .argument("<to>", "the same")
    .option("--examples <number>", "of records to show of what was added, and of what was removed", wholeNumber, 3)
    .option("--state <directory>", "of the local stack to use when no bucket is named", DEFAULT_STATE_DIRECTORY)
    .option("--json", "print one JSON object, with the examples whole")
    .action((fromText: string, toText: string, { examples, state, json }: DiffOptions) => {
      const wanted = [parseReference(fromText), parseReference(toText)] as const;
      return withBucket(state, async (store) => {
        const [from, to] = [await findVersion(store, wanted[0]), await findVersion(store, wanted[1])];
        const diff = await diffVersions(store, from, to, examples);
        const names = { from: nameOf(from), to: nameOf(to) };
        const text = json
          ? `${JSON.stringify({ ...names, ...diff })}\n`
          : describeDiff(diff, { ...names, width: widthOf(process.stdout) });
        process.stdout.write(text);
      });
    });
}

function wholeNumber(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError("must be a whole number");
  return Number(text);
}

function nameOf({ dataset, version }: DatasetVersion): string {
  return datasetVersionId(dataset, version);
}

/** A difference as lines, in `width` columns. */
export function describeDiff(
  { added, removed, same }: VersionDiff,
  { from, to, width }: { from: string; to: string; width: number },
): string {
  const [more, less, both] = [added.records, removed.records, same].map(countText);
  const head = [`${from} -> ${to}`, `${more} records added, ${less} removed, ${both} in both`];
  const sides = [describeSide("Added", added, width), describeSide("Removed", removed, width)];
  return `${head.join("\n")}\n${sides.join("")}`;
}

function describeSide(title: string, side: DiffSide, width: number): string {
  if (side.records === 0) return "";
  const examples = side.examples.map((example) => exampleLines(example, width)).join("");
  return `\n${title}\n${sourcesTable(side.perSource, width)}${examples === "" ? "" : `  such as\n${examples}`}`;
}

/** What was asked last, and the answer. */
function exampleLines({ split, record }: DiffExample, width: number): string {
  const { messages, source, sourceItem } = record;
  const asked = messages.findLast(({ role }) => role === "user")?.content ?? "";
  const answer = messages.findLast(({ role }) => role === "assistant")?.content ?? "";
  return [`  ${source}, ${split}: ${printable(sourceItem)}`, `    > ${printable(asked)}`, `    < ${printable(answer)}`]
    .map((line) => `${cut(line, width)}\n`)
    .join("");
}
