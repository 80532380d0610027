/** `tuneloop explain ID`: a decision in words, and what a person can do next. */
import { Command } from "commander";
import { registrySchema } from "../domain/registry-schema.ts";
import { readDocument } from "../../activities/documents.ts";
import type { StoredDecision } from "../decision/records.ts";
import { armOf } from "../domain/decision-record.ts";
import type { DecisionRecord } from "../domain/decision-record-schema.ts";
import { objectKeys } from "../domain/object-keys.ts";
import { amountText, countText, shareText, valueText } from "../domain/report-numbers.ts";
import { shellWord } from "../domain/shell.ts";
import type { ObjectStore } from "../ports.ts";
import { workflowIds } from "../../workflows/names.ts";
import { withBucket } from "./bucket.ts";
import { checkReference, findDecision } from "./decision-reference.ts";
import { bullets } from "./decision-show.ts";
import { answerSentence, chosenTexts, comparisonTable, roleOf } from "./decision-words.ts";
import { DEFAULT_STATE_DIRECTORY } from "./state-directory.ts";
import { printable, timeText, wrapped } from "./printable.ts";
import { widthOf } from "./table.ts";

/** A decision and who is champion now, which may be somebody since. */
export interface ToExplain extends StoredDecision {
  championNow: string | null;
}

/** The `explain` command. */
export function explainCommand(): Command {
  return new Command("explain")
    .description(
      "explain a decision: what was compared, what came of it and why, what would change it, what to do next",
    )
    .argument("<decision>", "such as games-12, or the name of a pipeline for its newest")
    .option("--state <directory>", "of the local stack to use when no bucket is named", DEFAULT_STATE_DIRECTORY)
    .option("--json", "print one JSON object")
    .action((reference: string, { state, json }: { state: string; json?: boolean }) => {
      const wanted = checkReference(reference);
      return withBucket(state, async (store) => {
        const decision = await findDecision(store, wanted);
        const explained = { ...decision, championNow: await championOf(store, decision.record.pipeline) };
        process.stdout.write(json ? asJson(explained) : describeExplanation(explained, widthOf(process.stdout)));
      });
    });
}

async function championOf(store: ObjectStore, pipeline: string): Promise<string | null> {
  const registry = await readDocument(store, objectKeys.registry(pipeline), registrySchema);
  return registry?.value.champion ?? null;
}

function asJson(explained: ToExplain): string {
  const { record, approval } = explained;
  const { outcome, reasons, wouldChange } = record.decision;
  const said = { id: record.cycle, outcome, compared: comparedText(record), result: resultText(explained) };
  return `${JSON.stringify({ ...said, reasons, wouldChange, approval, next: nextSteps(explained) })}\n`;
}

/** A decision in words, in `width` columns. */
export function describeExplanation(explained: ToExplain, width: number): string {
  const { record, approval } = explained;
  const { policy, comparisons, decision } = record;
  const decisive = comparisons.filter((comparison) => roleOf(comparison, policy) !== "reported");
  const paragraph = (text: string): string =>
    wrapped(printable(text), width)
      .map((line) => `${line}\n`)
      .join("");
  const answer = approval === null ? [] : [answerSentence(approval)];
  const numbers = comparisonTable(decisive, policy, width).split("\n").map(printable).join("\n");
  const next = nextSteps(explained).map(({ what, command }) => `  ${printable(what)}:\n    ${printable(command)}\n`);
  return [
    paragraph(resultText(explained)),
    `\nWhat was compared\n${paragraph(comparedText(record))}`,
    ...(numbers === "" ? [] : [`\nWhat the numbers say\n${numbers}`]),
    `\nWhy\n${bullets([...decision.reasons, ...answer], width)}`,
    ...(decision.wouldChange.length === 0 ? [] : [`\nWhat would change it\n${bullets(decision.wouldChange, width)}`]),
    `\nWhat you can do\n${next.join("")}`,
  ].join("");
}

/** What came of a decision, in two sentences. */
function resultText({ record, approval, championNow }: ToExplain): string {
  const { cycle, decision, arms, policy } = record;
  const champion = armOf(arms, "champion")?.model ?? null;
  const stays = champion === null ? "there was no champion, and there is none by this" : `${champion} stays champion`;
  const now = `Champion now: ${championNow ?? "none"}.`;
  switch (decision.outcome) {
    case "keep":
      return `${cycle} is not good enough: ${stays}. ${now}`;
    case "inconclusive":
      return `Whether ${cycle} is good enough cannot be told, and what cannot be told changes nothing: ${stays}. ${now}`;
    case "promote": {
      const won = champion === null ? `${cycle} is good enough to be the first champion` : `${cycle} beats ${champion}`;
      if (policy.approval === "none") return `${won}, and was to be rolled out. ${now}`;
      if (approval === null) return `${won}, and waits for somebody to agree or for the deadline. ${now}`;
      return `${won}. ${approval.outcome === "promote" ? "It was to be rolled out" : `It was not rolled out: ${stays}`}. ${now}`;
    }
  }
}

/** Who was asked what, and what the answers were held against. */
function comparedText(record: DecisionRecord): string {
  const { arms, testSet, packs, policy, decidedAt } = record;
  const asked = arms.map(({ name, model, answers, failure }) => {
    const failed = answers.failed === 0 ? "" : `, ${countText(answers.failed)} of them without an answer`;
    return `the ${name} ${model} (${failure === null ? `${countText(answers.asked)} questions${failed}` : "could not be asked"})`;
  });
  const guards = policy.guards.map(({ metric, on }) => (on === "test" ? metric : `${metric} on ${on}`));
  const worse = guards.length === 0 ? "" : ` Not to get worse: ${guards.join(", ")}.`;
  return (
    `On ${timeText(decidedAt)} UTC ${listText(asked)} answered the frozen test set ${testSet.sha256.slice(0, 12)} of ` +
    `${countText(testSet.records)} questions, measured by ${listText(packs.map(({ pack }) => pack))}. ` +
    `${[...chosenTexts(record), wantedText(record)].join(" ")}${worse}`
  );
}

/** What the primary metric had to show, in its own unit. */
function wantedText({ arms, comparisons, policy }: DecisionRecord): string {
  const { primary, minGain, floor, alpha } = policy;
  const measured = comparisons.find((comparison) => roleOf(comparison, policy) === "primary");
  const { unit, better } = measured ?? { unit: "ratio", better: "higher" };
  const surely = `with ${shareText(1 - alpha)} confidence`;
  if (armOf(arms, "champion") !== null) {
    return `${primary} must be better ${surely}, and by at least ${amountText(minGain, unit)}.`;
  }
  const side = better === "lower" ? "below" : "above";
  return `Without a champion, ${primary} must be ${side} ${valueText(floor, unit)} ${surely}.`;
}

function listText(items: readonly string[]): string {
  return items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
}

/** Commands that a person may want to give next. */
function nextSteps({ record, approval }: ToExplain): { what: string; command: string }[] {
  const { cycle, pipeline, decision, policy } = record;
  const isWanted = decision.outcome === "promote" && policy.approval !== "none" && approval === null;
  const answer = (name: string): string => `tuneloop ${name} ${pipeline} --cycle ${cycle} --reason "..."`;
  const again = `temporal workflow update execute --workflow-id ${shellWord(workflowIds.pipeline(pipeline))} --name runNow`;
  return [
    ...(isWanted ? [{ what: "Roll it out", command: answer("approve") }] : []),
    ...(isWanted ? [{ what: "Keep the champion", command: answer("reject") }] : []),
    // There is one when the cycle has ended, and it has not while it waits.
    ...(isWanted
      ? []
      : [{ what: "Read the report, with both models' answers", command: `tuneloop report ${cycle} --open` }]),
    { what: "See all numbers", command: `tuneloop decision show ${cycle}` },
    { what: "Make the decision again from the stored answers", command: `tuneloop decision verify ${cycle}` },
    ...(decision.outcome === "promote" ? [] : [{ what: "Train and compare once more", command: again }]),
    { what: "See what the pipeline does", command: `tuneloop state ${pipeline}` },
  ];
}
