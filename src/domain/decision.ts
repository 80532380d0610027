import type { Comparison } from "./comparison-schema.ts";
import { contrastOf, type Contrast } from "./contrast.ts";
import type { DecisionPolicy } from "./decide-schema.ts";
import type { AnswerCounts, ArmAnswers, Decision, Outcome } from "./decision-schema.ts";
import { judgeGuard } from "./guard-judgement.ts";
import { nameOf, undecided, whyUnusable, type Judgement } from "./judgement.ts";
import { judgeFirst, judgePrimary } from "./primary-judgement.ts";
import { countText, shareText } from "./report-numbers.ts";

/**
 * Decides between champion and challenger from how both answered the same questions. Pure: the same numbers and policy
 * give the same decision. `comparisons` are those of `compareArms` at the policy's alpha.
 *
 * - promote: better on the primary metric (at `alpha`, two-sided, and by at least `minGain`), and every guard is shown not to
 *   be worse by more than its margin (at `alpha`, one-sided); without a champion, above `floor` by the lower end of its
 *   interval
 * - keep: worse, or not better by enough, or a guard is shown to be worse by more; without a champion, below `floor` by the
 *   upper end; without a challenger
 * - inconclusive: the data do not tell, so the champion stays
 *
 * A model that left too much without an answer has the outcome that the policy names. Gain and guards must also hold at worst,
 * with everything that is missing of one model only counted against the challenger: nobody wins by silence.
 */
export function decide(comparisons: readonly Comparison[], answers: ArmAnswers, policy: DecisionPolicy): Decision {
  if (answers.challenger === null) {
    return { outcome: "keep", reasons: ["There is no challenger to decide on."], wouldChange: [] };
  }
  const reasons = [
    ...whySilent("champion", answers.champion, policy),
    ...whySilent("challenger", answers.challenger, policy),
  ];
  if (reasons.length > 0) {
    const wouldChange = ["A service that answers: the cycle can be run again once it does."];
    return { outcome: policy.unanswered.outcome, reasons, wouldChange };
  }
  const { champion } = answers;
  const primary = judge(comparisons, { metric: policy.primary, on: "test" }, policy.alpha, (contrast) =>
    champion === null ? judgeFirst(contrast, policy) : judgePrimary(contrast, policy),
  );
  if (champion === null) return combine([primary]);
  const guards = policy.guards.map((guard) =>
    judge(comparisons, guard, policy.alpha, (contrast) => judgeGuard(contrast, guard, policy.alpha)),
  );
  return combine([primary, ...guards]);
}

/** Judges what is to be judged if it was measured. */
function judge(
  comparisons: readonly Comparison[],
  { metric, on }: { metric: string; on: string },
  alpha: number,
  by: (contrast: Contrast) => Judgement,
): Judgement {
  const name = nameOf({ metric, subset: on });
  const found = comparisons.find((comparison) => comparison.metric === metric && comparison.subset === on);
  if (found === undefined) {
    return undecided(
      `${name} was not measured.`,
      `An evaluation that measures ${name}, or a policy that does not name it.`,
    );
  }
  const contrast = contrastOf(found, alpha);
  return whyUnusable(found) ?? (contrast === null ? undecided(`${name} cannot be used.`) : by(contrast));
}

/** One outcome of all judgements, the primary metric's first. Guards are spoken of as far as they led to it. */
function combine([primary, ...guards]: readonly [Judgement, ...Judgement[]]): Decision {
  const all = [primary, ...guards];
  const worst = (["keep", "inconclusive"] as const).find((verdict) => all.some((one) => one.verdict === verdict));
  const outcome: Outcome = worst ?? "promote";
  const deciding = all.filter(({ verdict }) => verdict === outcome);
  const told = deciding.includes(primary) ? deciding : [primary, ...deciding];
  return {
    outcome,
    reasons: told.map(({ reason }) => reason),
    wouldChange: [...new Set(deciding.flatMap(({ wouldChange }) => wouldChange))],
  };
}

function whySilent(who: string, counts: AnswerCounts | null, { unanswered }: DecisionPolicy): string[] {
  if (counts === null) return [];
  const { asked, failed } = counts;
  if (asked === 0) return [`The ${who} answered nothing.`];
  // A count that is no number is no answer either.
  if (failed <= unanswered.maxRatio * asked) return [];
  const needed = `a decision needs answers to at least ${shareText(1 - unanswered.maxRatio)}`;
  return [`The ${who} gave no answer to ${countText(failed)} of ${countText(asked)} questions; ${needed}.`];
}
