import type { Comparison } from "./comparison-schema.ts";
import type { DecisionPolicy } from "./decide-schema.ts";
import type { DecidedArm } from "./decision-record-schema.ts";
import type { Decision } from "./decision-schema.ts";
import { decide } from "./decision.ts";

/**
 * Decides between the arms of a cycle. A model that could not be asked has answered none of its questions, which the
 * policy has an outcome for; why it could not is the first reason.
 */
export function decideArms(
  arms: readonly DecidedArm[],
  comparisons: readonly Comparison[],
  policy: DecisionPolicy,
): Decision {
  const answersOf = (name: DecidedArm["name"]): DecidedArm["answers"] | null =>
    arms.find((arm) => arm.name === name)?.answers ?? null;
  const answers = { champion: answersOf("champion"), challenger: answersOf("challenger") ?? { asked: 0, failed: 0 } };
  const decision = decide(comparisons, answers, policy);
  return { ...decision, reasons: [...arms.flatMap(whyUnasked), ...decision.reasons] };
}

function whyUnasked({ name, model, failure }: DecidedArm): string[] {
  const decides = name === "champion" || name === "challenger";
  return failure === null || !decides
    ? []
    : [`The ${name} ${model} could not be asked: ${failure.replace(/\.$/, "")}.`];
}
