/** `tuneloop decision show ID`: the numbers of a decision. */
import { Command } from "commander";
import type { StoredDecision } from "../decision/records.ts";
import { objectKeys } from "../domain/object-keys.ts";
import { shareText } from "../domain/report-numbers.ts";
import { withBucket } from "./bucket.ts";
import { checkReference, findDecision } from "./decision-reference.ts";
import {
  answerSentence,
  answersText,
  chosenTexts,
  comparisonTable,
  outcomeText,
  roleOf,
  whoText,
} from "./decision-words.ts";
import { DEFAULT_STATE_DIRECTORY } from "./state-directory.ts";
import { printable, timeText, wrapped } from "./printable.ts";
import { facts, widthOf } from "./table.ts";

/** The `decision show` command. */
export function decisionShowCommand(): Command {
  return new Command("show")
    .description("show the numbers of a decision: models, metrics with intervals, policy, reasons")
    .argument("<decision>", "such as games-12, or the name of a pipeline for its newest")
    .option("--state <directory>", "of the local stack to use when no bucket is named", DEFAULT_STATE_DIRECTORY)
    .option("--json", "print the record, and the answer to it, as one JSON object")
    .action((reference: string, { state, json }: { state: string; json?: boolean }) => {
      const wanted = checkReference(reference);
      return withBucket(state, async (store) => {
        const decision = await findDecision(store, wanted);
        const key = store.uri(objectKeys.decision(decision.record.cycle));
        process.stdout.write(
          json ? `${JSON.stringify(decision)}\n` : describeDecision(decision, key, widthOf(process.stdout)),
        );
      });
    });
}

/** A decision as lines, in `width` columns; `key` says where its record lies. */
export function describeDecision({ record, approval }: StoredDecision, key: string, width: number): string {
  const { comparisons, policy, decision, arms } = record;
  const primary = comparisons.filter((comparison) => roleOf(comparison, policy) === "primary");
  const guards = comparisons.filter((comparison) => roleOf(comparison, policy) === "guard");
  const others = comparisons.filter((comparison) => roleOf(comparison, policy) === "reported");
  const numbers = (of: typeof comparisons): string => printed(comparisonTable(of, policy, width));
  const answer = approval === null ? "" : bullets([answerSentence(approval)], width);
  const sections: [string, string][] = [
    ["What it was decided by", numbers(primary)],
    ["What must not get worse", numbers(guards)],
    ["Other metrics", numbers(others)],
    ["Answers", bullets([...arms.map(answersText), ...chosenTexts(record)], width)],
    ["Why", bullets(decision.reasons, width)],
    ["What would change it", bullets(decision.wouldChange, width)],
    ["Approval", answer],
  ];
  const shown = sections.filter(([, text]) => text !== "").map(([title, text]) => `\n${title}\n${text}`);
  return facts(headOf({ record, approval }, key), width) + shown.join("");
}

function headOf({ record, approval }: StoredDecision, key: string): [string, string][] {
  const { policy, testSet, code, packs } = record;
  return [
    ["decision", record.cycle],
    ["outcome", outcomeText(record, approval)],
    ["of", whoText(record)],
    ["when", `${timeText(record.decidedAt)} UTC`],
    ["test set", `${testSet.records} questions, ${testSet.sha256.slice(0, 12)}`],
    ["metrics", packs.map(({ pack }) => pack).join(", ")],
    ["policy", `${policy.primary}, gain of ${policy.minGain}, ${shareText(1 - policy.alpha)} confidence`],
    ["by", code.commit === null ? `tuneloop ${code.version}` : `tuneloop ${code.version}, ${code.commit.slice(0, 12)}`],
    ["record", key],
  ];
}

/** Sentences as a list, in `width` columns. */
export function bullets(sentences: readonly string[], width: number): string {
  return sentences
    .flatMap((text) =>
      wrapped(printable(text), width - 4).map((line, index) => `${index === 0 ? "  - " : "    "}${line}\n`),
    )
    .join("");
}

/** Names of metrics come from packs that anybody can write. */
function printed(lines: string): string {
  return lines.split("\n").map(printable).join("\n");
}
