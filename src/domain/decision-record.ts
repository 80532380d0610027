import type { Comparison } from "./comparison-schema.ts";
import type { DecidedArm, DecisionRecord } from "./decision-record-schema.ts";
import type { Decision } from "./decision-schema.ts";
import { decide } from "./decision.ts";

/**
 * Decides between the arms of a cycle. A model that could not be asked has answered none of its questions, which the
 * policy has an outcome for; why it could not, or why a judge could not, is said first.
 */
export function decideArms(
  { arms, judgeFailure, policy }: Pick<DecisionRecord, "arms" | "judgeFailure" | "policy">,
  comparisons: readonly Comparison[],
): Decision {
  const [champion, challenger] = [armOf(arms, "champion"), armOf(arms, "challenger")];
  const answers = { champion: champion?.answers ?? null, challenger: challenger?.answers ?? null };
  const decision = decide(comparisons, answers, policy);
  const unasked = [champion, challenger].flatMap((arm) => whyUnasked(arm));
  const unjudged = judgeFailure === null ? [] : [`The judge could not be asked: ${sentence(judgeFailure)}`];
  return { ...decision, reasons: [...unasked, ...unjudged, ...decision.reasons] };
}

/** The arm of that name; null when the cycle had none. */
export function armOf(arms: readonly DecidedArm[], name: DecidedArm["name"]): DecidedArm | null {
  return arms.find((arm) => arm.name === name) ?? null;
}

function whyUnasked(arm: DecidedArm | null): string[] {
  if (arm === null || arm.failure === null) return [];
  return [`The ${arm.name} ${arm.model} could not be asked: ${sentence(arm.failure)}`];
}

function sentence(text: string): string {
  return text.endsWith(".") ? text : `${text}.`;
}
