/** `tuneloop dataset verify`: whether everything is as it was written. */
import { Command } from "commander";
import { verifyVersion, type Verification } from "../dataset/verify.ts";
import { listDatasets } from "../dataset/versions.ts";
import { datasetVersionId } from "../domain/ids.ts";
import type { ObjectStore } from "../ports.ts";
import { withBucket } from "./bucket.ts";
import { findVersion, parseReference, type DatasetReference } from "./dataset-reference.ts";
import { DEFAULT_STATE_DIRECTORY } from "./state-directory.ts";
import { countText, printable, wrapped } from "./printable.ts";
import { progressLine } from "./progress-line.ts";
import { widthOf } from "./table.ts";
import { UsageError } from "./usage-error.ts";

/** Problems that are printed; `--json` has more. */
const mostProblems = 20;

interface VerifyOptions {
  all?: boolean;
  state: string;
  json?: boolean;
}

/** The `dataset verify` command; exit code 1 when anything is not as it was written. */
export function datasetVerifyCommand(): Command {
  return new Command("verify")
    .description("recompute every hash, count, id and split of a version and of all those before it")
    .argument("[dataset]", "NAME for the newest version, or NAME@VERSION")
    .option("--all", "check the newest version of every dataset")
    .option("--state <directory>", "of the local stack to use when no bucket is named", DEFAULT_STATE_DIRECTORY)
    .option("--json", "print one JSON object")
    .action((reference: string | undefined, { all, state, json }: VerifyOptions) => {
      if ((reference === undefined) === (all === undefined)) throw new UsageError("name one dataset, or give --all");
      const wanted = reference === undefined ? null : parseReference(reference);
      return withBucket(state, async (store) => {
        const found: Verification[] = [];
        for (const { dataset, version } of await versionsOf(store, wanted)) {
          const verification = await verifyWithProgress(store, dataset, version);
          found.push(verification);
          if (!json) process.stdout.write(describeVerification(verification, widthOf(process.stdout)));
        }
        const ok = found.every(({ problems }) => problems.length === 0);
        if (json) process.stdout.write(`${JSON.stringify({ ok, datasets: found })}\n`);
        else if (found.length === 0) process.stdout.write(`There is no dataset in ${store.uri("")} yet.\n`);
        if (!ok) process.exitCode = 1;
      });
    });
}

interface Wanted {
  dataset: string;
  version: number;
}

/** A damaged newest manifest is for the check to tell: its number is in its key. */
async function versionsOf(store: ObjectStore, reference: DatasetReference | null): Promise<Wanted[]> {
  if (reference !== null) {
    const { dataset, version } = await findVersion(store, reference);
    return [{ dataset, version }];
  }
  const wanted: Wanted[] = [];
  for await (const entry of listDatasets(store)) {
    wanted.push({ dataset: entry.name, version: entry.version });
  }
  return wanted;
}

async function verifyWithProgress(store: ObjectStore, dataset: string, version: number): Promise<Verification> {
  const line = progressLine(process.stderr);
  try {
    return await verifyVersion(store, dataset, version, ({ parts, records }) =>
      line.show(`${dataset}: ${counted(parts, "part")}, ${counted(records, "record")}`),
    );
  } finally {
    line.clear();
  }
}

/** What a check found out as lines, in `width` columns. */
export function describeVerification(verification: Verification, width: number): string {
  const { dataset, version, versions, parts, records, problems, found } = verification;
  const name = datasetVersionId(dataset, version);
  const read = `${counted(versions, "version")}, ${counted(parts, "part")}, ${counted(records, "record")}`;
  if (found === 0) return `${name} is OK: ${read}\n`;
  const shown = problems
    .slice(0, mostProblems)
    .flatMap(({ at, problem }) => [
      `  ${shortened(at)}`,
      ...wrapped(shortened(printable(problem)), width - 4).map((line) => `    ${line}`),
    ]);
  const more = found > mostProblems ? [`  and ${countText(found - mostProblems)} more: see --json`] : [];
  return [`${name}: ${counted(found, "problem")} in ${read}`, ...shown, ...more].map((line) => `${line}\n`).join("");
}

/** Hashes as people compare them, by their first digits. */
function shortened(text: string): string {
  return text.replaceAll(/\b([0-9a-f]{12})[0-9a-f]{20,}\b/g, "$1…");
}

function counted(count: number, what: string): string {
  return `${countText(count)} ${what}${count === 1 ? "" : "s"}`;
}
