/** `tuneloop decision verify ID`: makes a decision again from the stored answers. */
import { Command } from "commander";
import { createMetricCatalog } from "../adapters/metrics/catalog.ts";
import { metricFolders } from "../config.ts";
import { decisionIds } from "../decision/records.ts";
import { verifyDecision, type DecisionCheck } from "../decision/verify.ts";
import type { ObjectStore } from "../ports.ts";
import { withBucket } from "./bucket.ts";
import { checkReference, findDecisionId } from "./decision-reference.ts";
import { DEFAULT_STATE_DIRECTORY } from "./state-directory.ts";
import { countText, printable, wrapped } from "./printable.ts";
import { progressLine } from "./progress-line.ts";
import { surroundings } from "./surroundings.ts";
import { widthOf } from "./table.ts";
import { UsageError } from "./usage-error.ts";

/** Differences that are printed; `--json` has all. */
const mostDifferences = 20;

interface VerifyOptions {
  all?: boolean;
  state: string;
  json?: boolean;
}

/** The `decision verify` command; exit code 1 when anything is not as it was recorded. */
export function decisionVerifyCommand(): Command {
  return new Command("verify")
    .description("make a decision again from the stored answers, and say what is not as its record has it")
    .argument("[decision]", "such as games-12, or the name of a pipeline for its newest")
    .option("--all", "check every decision of the bucket")
    .option("--state <directory>", "of the local stack to use when no bucket is named", DEFAULT_STATE_DIRECTORY)
    .option("--json", "print one JSON object")
    .action((reference: string | undefined, { all, state, json }: VerifyOptions) => {
      if ((reference === undefined) === (all === undefined)) throw new UsageError("name one decision, or give --all");
      const wanted = reference === undefined ? null : checkReference(reference);
      const metrics = createMetricCatalog(metricFolders(surroundings(process.env, state)));
      return withBucket(state, async (store) => {
        const checks: DecisionCheck[] = [];
        for (const id of await idsOf(store, wanted)) {
          const check = await verifyWithProgress({ store, metrics }, id);
          checks.push(check);
          if (!json) process.stdout.write(describeCheck(check, widthOf(process.stdout)));
        }
        const ok = checks.every(({ differences }) => differences.length === 0);
        if (json) process.stdout.write(`${JSON.stringify({ ok, decisions: checks })}\n`);
        else if (checks.length === 0) process.stdout.write(`There is no decision in ${store.uri("")} yet.\n`);
        if (!ok) process.exitCode = 1;
      });
    });
}

async function idsOf(store: ObjectStore, reference: string | null): Promise<string[]> {
  if (reference !== null) return [await findDecisionId(store, reference)];
  const ids: string[] = [];
  for await (const id of decisionIds(store, null)) ids.push(id);
  return ids;
}

async function verifyWithProgress(ports: Parameters<typeof verifyDecision>[0], id: string): Promise<DecisionCheck> {
  const line = progressLine(process.stderr);
  try {
    return await verifyDecision(ports, id, (key) => line.show(`${id}: ${key}`));
  } finally {
    line.clear();
  }
}

/** What a check found out as lines, in `width` columns. */
export function describeCheck({ id, objects, comparisons, differences }: DecisionCheck, width: number): string {
  const read = `${countText(objects)} objects, ${countText(comparisons)} comparisons`;
  if (differences.length === 0) return `${id} is equal: ${read}\n`;
  const found = differences.length;
  const shown = differences
    .slice(0, mostDifferences)
    .flatMap(({ at, recorded, found }) => [
      ...wrapped(printable(shortened(at)), width - 2).map((line) => `  ${line}`),
      ...wrapped(printable(`recorded: ${shortened(recorded)}`), width - 4).map((line) => `    ${line}`),
      ...wrapped(printable(`found: ${shortened(found)}`), width - 4).map((line) => `    ${line}`),
    ]);
  const more = found > mostDifferences ? [`  and ${countText(found - mostDifferences)} more: see --json`] : [];
  const differ = `${countText(found)} ${found === 1 ? "thing differs" : "things differ"}`;
  return [`${id} is not equal: ${differ} (${read})`, ...shown, ...more].map((line) => `${line}\n`).join("");
}

/** Hashes as people compare them, by their first digits. */
function shortened(text: string): string {
  return text.replaceAll(/\b([0-9a-f]{12})[0-9a-f]{20,}\b/g, "$1…");
}
