/** Decisions in words and numbers for a terminal. */
import type { ApprovalRecord } from "../domain/approval-schema.ts";
import { describeAnswer } from "../domain/approval.ts";
import { describeChosen } from "../domain/checkpoint.ts";
import type { Comparison } from "../domain/comparison-schema.ts";
import { contrastOf } from "../domain/contrast.ts";
import type { DecidedArm, DecisionRecord } from "../domain/decision-record-schema.ts";
import { armOf } from "../domain/decision-record.ts";
import { countText, differenceText, sureIntervalText, valueText } from "../domain/report-numbers.ts";
import { table, type Column } from "./table.ts";

/** Who was compared: `games-12 against games-11`. */
export function whoText({ arms }: Pick<DecisionRecord, "arms">): string {
  const [champion, challenger] = [armOf(arms, "champion"), armOf(arms, "challenger")];
  const against = champion === null ? "with no champion yet" : `against ${champion.model}`;
  return `${challenger?.model ?? "nobody"} ${against}`;
}

/** What the cycle was to do, with the answer that it got: `promote, rejected by ana`. */
export function outcomeText(
  { decision, policy }: Pick<DecisionRecord, "decision" | "policy">,
  approval: Pick<ApprovalRecord, "answer" | "by"> | null,
): string {
  const { outcome } = decision;
  if (outcome !== "promote" || policy.approval === "none") return outcome;
  if (approval === null) return `${outcome}, approval wanted`;
  return `${outcome}, ${approval.answer === "deadline" ? "nobody answered" : `${approval.answer} by ${approval.by}`}`;
}

/** An answer as a sentence. */
export function answerSentence(approval: ApprovalRecord): string {
  const said = describeAnswer(approval).replace(/\.$/, "");
  return `${said.charAt(0).toUpperCase()}${said.slice(1)}.`;
}

/** What the decision takes a metric for. */
export type Role = "primary" | "guard" | "reported";

/** What a comparison is to the decision. */
export function roleOf({ metric, subset }: Comparison, { primary, guards }: DecisionRecord["policy"]): Role {
  if (metric === primary && subset === "test") return "primary";
  return guards.some((guard) => guard.metric === metric && guard.on === subset) ? "guard" : "reported";
}

const columns: Column[] = [
  { head: "METRIC", align: "left" },
  { head: "CHAMPION", align: "right" },
  { head: "CHALLENGER", align: "right" },
  { head: "DIFFERENCE", align: "right" },
  { head: "INTERVAL", align: "right" },
  { head: "RECORDS", align: "right" },
];

/** Comparisons as a table, in `width` columns; the interval of a guard is the one that the decision takes an end of. */
export function comparisonTable(
  comparisons: readonly Comparison[],
  policy: DecisionRecord["policy"],
  width: number,
): string {
  const rows = comparisons.map((comparison) => {
    const { metric, subset, total, unit } = comparison;
    const name = subset === "test" ? metric : `${metric} on ${subset}`;
    const contrast = contrastOf(comparison, policy.alpha);
    const value = (scored: { value: number } | null | undefined): string =>
      scored && Number.isFinite(scored.value) ? valueText(scored.value, unit) : "-";
    const difference = contrast?.difference ?? null;
    const [side, confidence] =
      roleOf(comparison, policy) === "guard"
        ? (["oneSided", 1 - 2 * policy.alpha] as const)
        : (["twoSided", 1 - policy.alpha] as const);
    return [
      name,
      value(contrast?.champion),
      value(contrast?.challenger),
      difference === null ? "-" : differenceText(difference.value, unit),
      difference === null ? "-" : sureIntervalText(difference[side], unit, confidence),
      countText(total),
    ];
  });
  return rows.length === 0 ? "" : table(columns, rows, width);
}

/** Which checkpoints answer for the models of a decision, a sentence each; none for models that had nothing to choose. */
export function chosenTexts({ arms, comparisons }: Pick<DecisionRecord, "arms" | "comparisons">): string[] {
  return arms.flatMap(({ model, checkpoint }) => {
    if (checkpoint === null) return [];
    const { chosen } = checkpoint;
    const unit = comparisons.find(({ metric }) => metric === chosen.metric)?.unit ?? "ratio";
    return [describeChosen(model, chosen, unit)];
  });
}

/** How many questions a model was asked, and how many stayed without an answer. */
export function answersText({ model, answers, failure }: DecidedArm): string {
  if (failure !== null) return `${model} could not be asked: ${failure}`;
  const { asked, failed } = answers;
  return `${model}: ${countText(asked)} questions, ${failed === 0 ? "all answered" : `${countText(failed)} without an answer`}`;
}
