import type { BinaryComparison, Comparison } from "./comparison-schema.ts";
import type { DecisionPolicy } from "./decide-schema.ts";
import type { AnswerCounts, ArmAnswers, Decision } from "./decision-schema.ts";
import { mcNemarExact, pairedDifferenceInterval, recordsToTell, wilsonInterval } from "./statistics/binomial.ts";

/** Fewer questions than this say nothing about a model. */
export const fewestRecords = 20;
/** Share of its questions that a model may leave without an answer; one that leaves more is out of order, not worse. */
export const mostFailedRatio = 0.05;
/** How often a gain is to be found where it is said how many records that takes. */
const power = 0.8;

/**
 * Decides between champion and challenger from how both answered the same questions. Pure: the same numbers and policy
 * give the same decision. `comparisons` holds one entry per metric; `championRight` is null when there is no champion.
 * `answers` counts what each model left without an answer.
 *
 * - promote: better on the primary metric (exact McNemar at `alpha`, at least `minGain`) and no guard fails; without a
 *   champion, above `floor` by the lower end of its interval
 * - keep: worse, not better by enough, or a guard fails; without a champion, below `floor` by the upper end
 * - inconclusive: the data do not tell, or a model left too much without an answer, so the champion stays
 */
export function decide(comparisons: readonly Comparison[], answers: ArmAnswers, policy: DecisionPolicy): Decision {
  const silent = [whySilent("champion", answers.champion), whySilent("challenger", answers.challenger)].flat();
  if (silent.length > 0) return { outcome: "inconclusive", reasons: silent };
  const measured = binary(comparisons);
  const primary = measured.find(({ metric }) => metric === policy.primary);
  if (!primary) return inconclusive(`The primary metric ${policy.primary} was not measured.`);
  const problem = whyUnusable(primary);
  if (problem) return inconclusive(problem);
  if (primary.championRight === null) return decideFirst(primary, policy);

  const guards = policy.guards.map((guard) =>
    judgeGuard({ ...guard, margin: guard.margin ?? 0 }, measured, policy.alpha),
  );
  const { championRight } = primary;
  const [verdict, ...reasons] = judgePrimary({ ...primary, championRight }, answers.champion?.failed ?? 0, policy);
  const failed = guards.filter(({ verdict }) => verdict === "keep");
  const undecided = guards.filter(({ verdict }) => verdict === "inconclusive");
  const say = (found: typeof guards): string[] => found.map(({ reason }) => reason);
  if (verdict === "keep" || failed.length > 0) return { outcome: "keep", reasons: [...reasons, ...say(failed)] };
  if (verdict === "inconclusive" || undecided.length > 0) {
    return { outcome: "inconclusive", reasons: [...reasons, ...say(undecided)] };
  }
  return { outcome: "promote", reasons: [...reasons, ...say(guards)] };
}

function binary(comparisons: readonly Comparison[]): BinaryComparison[] {
  return comparisons.filter((comparison) => comparison.kind === "binary");
}

function decideFirst(primary: BinaryComparison, policy: DecisionPolicy): Decision {
  const confidence = 1 - policy.alpha;
  const { lower, upper } = wilsonInterval(primary.challengerRight, primary.total, confidence);
  const floor = percent(policy.floor);
  const measured =
    `There is no champion yet. ${primary.metric} is ${percent(primary.challengerRight / primary.total)} of ` +
    `${primary.total} records, ${(lower * 100).toFixed(1)} to ${percent(upper)} with ${percent(confidence)} confidence`;
  if (lower > policy.floor) return { outcome: "promote", reasons: [`${measured}: above the floor of ${floor}.`] };
  if (upper < policy.floor) return { outcome: "keep", reasons: [`${measured}: below the floor of ${floor}.`] };
  return inconclusive(`${measured}: whether that is above the floor of ${floor} cannot be told.`);
}

type Verdict = Decision["outcome"];

/** `silent`: questions that the champion gave no answer to, and might have got right. */
function judgePrimary(
  primary: BinaryComparison & { championRight: number },
  silent: number,
  policy: DecisionPolicy,
): [Verdict, string] {
  const { metric, total, championRight, challengerRight, gained, lost } = primary;
  const gain = (challengerRight - championRight) / total;
  const p = mcNemarExact(gained, lost);
  const confidence = 1 - policy.alpha;
  const { lower, upper } = pairedDifferenceInterval(primary, confidence);
  const numbers =
    `${metric}: challenger ${percent(challengerRight / total)}, champion ${percent(championRight / total)} of ` +
    `${total} records; ${gained} answers got right, ${lost} got wrong (exact McNemar p ${pValue(p)}, difference ${range(lower, upper, confidence)})`;
  if (p <= policy.alpha && gain >= policy.minGain) {
    const sureGain = (challengerRight - championRight - silent) / total;
    const isSure = mcNemarExact(Math.max(0, gained - silent), lost) <= policy.alpha && sureGain >= policy.minGain;
    if (isSure) return ["promote", `${numbers}: the challenger is better.`];
    const but = `but for the ${silent} questions that the champion gave no answer to`;
    return ["inconclusive", `${numbers}: the challenger is better, ${but}.`];
  }
  if (p <= policy.alpha && gain < 0) return ["keep", `${numbers}: the challenger is worse.`];
  if (upper < policy.minGain || (p <= policy.alpha && gain < policy.minGain)) {
    return ["keep", `${numbers}: not better by the ${points(policy.minGain)} that a change must bring.`];
  }
  return ["inconclusive", `${numbers}: the difference is within noise.${whatItTakes(primary, policy)}`];
}

/** How many records would tell the gain that is wanted from none, if that is more than there were. */
function whatItTakes({ total, gained, lost }: BinaryComparison, { minGain, alpha }: DecisionPolicy): string {
  if (minGain === 0) return "";
  // One pair more on each side, as in the interval: few records on which both agree do not show that they always do.
  const records = recordsToTell({ discordance: (gained + lost + 2) / (total + 2), gain: minGain }, alpha, power);
  if (records <= total) return "";
  return ` To tell a gain of ${points(minGain)} from none takes about ${records} records (${percent(power)} power).`;
}

/** Non-inferiority: the challenger may be worse by the margin, and must be shown not to be worse by more. */
function judgeGuard(
  guard: { metric: string; margin: number },
  comparisons: readonly BinaryComparison[],
  alpha: number,
): { verdict: Verdict; reason: string } {
  const measured = comparisons.find(({ metric }) => metric === guard.metric);
  const problem = measured ? whyUnusable(measured) : `The guard metric ${guard.metric} was not measured.`;
  if (!measured || problem) return { verdict: "inconclusive", reason: problem ?? "" };
  // The one-sided test at alpha is the lower end of the two-sided interval at 1 - 2 alpha.
  const confidence = 1 - 2 * alpha;
  const { lower, upper } = pairedDifferenceInterval(measured, confidence);
  const measuredRange = `${guard.metric}: difference ${range(lower, upper, confidence)}`;
  if (upper < -guard.margin) {
    return { verdict: "keep", reason: `${measuredRange}: worse by more than the ${points(guard.margin)} allowed.` };
  }
  if (lower < -guard.margin) {
    return {
      verdict: "inconclusive",
      reason: `${measuredRange}: a loss over ${points(guard.margin)} is not ruled out.`,
    };
  }
  return { verdict: "promote", reason: `${measuredRange}: within the ${points(guard.margin)} allowed.` };
}

function whyUnusable({ metric, total, championRight, challengerRight, gained, lost }: BinaryComparison): string | null {
  const counts = [total, championRight ?? 0, challengerRight, gained, lost];
  if (!counts.every((count) => Number.isInteger(count) && count >= 0))
    return `${metric} has a count that is no number.`;
  if (total < fewestRecords)
    return `${metric} was measured on ${total} records; ${fewestRecords} is the least that counts.`;
  return null;
}

function whySilent(who: string, counts: AnswerCounts | null): string[] {
  // A count that is no number is no answer either.
  if (counts === null || counts.failed <= mostFailedRatio * counts.asked) return [];
  const needed = `a decision needs answers to at least ${percent(1 - mostFailedRatio)}`;
  return [`The ${who} gave no answer to ${counts.failed} of ${counts.asked} questions; ${needed}.`];
}

function inconclusive(reason: string): Decision {
  return { outcome: "inconclusive", reasons: [reason] };
}

function percent(ratio: number): string {
  return `${(ratio * 100).toFixed(1)} %`;
}

function points(difference: number): string {
  return `${(difference * 100).toFixed(1)} points`;
}

function range(lower: number, upper: number, confidence: number): string {
  return `${(lower * 100).toFixed(1)} to ${points(upper)} with ${percent(confidence)} confidence`;
}

function pValue(p: number): string {
  return p < 0.0001 ? "< 0.0001" : `= ${p.toFixed(4)}`;
}
