/** What the primary metric says: of a challenger and a champion, or of a first model alone. */
import { deviationOf, gainOf, isNumeric, type Contrast, type Difference } from "./contrast.ts";
import type { DecisionPolicy } from "./decide-schema.ts";
import { butForMissing, isWorthNaming, measured, nameOf, undecided, whyUnusable, type Judgement } from "./judgement.ts";
import { amountText, countText, intervalText, shareText, valueText } from "./report-numbers.ts";
import { normalQuantile } from "./statistics/normal.ts";
import { recordsForMean, recordsForPairs, usualPower } from "./statistics/power.ts";

type Rule = Pick<DecisionPolicy, "minGain" | "alpha">;

/**
 * Judges a challenger against a champion: for it when better at `alpha` and by `minGain`, against it when worse at `alpha` or
 * when the interval rules out a gain of `minGain`.
 */
export function judgePrimary(contrast: Contrast, rule: Rule): Judgement {
  const { comparison, difference, worstCase } = contrast;
  const problem = whyUnusable(comparison);
  if (problem) return problem;
  if (difference === null) return undecided(`${nameOf(comparison)} has no difference that could be told.`);
  const { unit, better } = comparison;
  const gain = gainOf(difference, better);
  const said = measured(contrast, difference, rule.alpha);
  if (isBetter(gain, rule)) {
    if (worstCase !== null && !isBetter(gainOf(worstCase.difference, better), rule)) {
      return butForMissing(`${said}: the challenger is better`, worstCase.missing);
    }
    return {
      verdict: "promote",
      reason: `${said}: the challenger is better.`,
      wouldChange: [whatWouldKeep(gain, contrast)],
    };
  }
  const bar = whatItTakesHere(gain, contrast, rule);
  if (gain.p <= rule.alpha && gain.value < 0) {
    return { verdict: "keep", reason: `${said}: the challenger is worse.`, wouldChange: [bar] };
  }
  const least = amountText(rule.minGain, unit);
  if (gain.twoSided.upper < rule.minGain) {
    const reason = `${said}: not better by the ${least} that a change must bring.`;
    return { verdict: "keep", reason, wouldChange: [bar] };
  }
  const why =
    gain.p <= rule.alpha && gain.value > 0
      ? `better, but whether by the ${least} that a change must bring cannot be told`
      : "the difference is within noise";
  return undecided(`${said}: ${why}.`, ...recordsToTell(gain, contrast, rule));
}

function isBetter({ p, value }: Difference, { minGain, alpha }: Rule): boolean {
  return p <= alpha && value > 0 && value >= minGain;
}

function whatWouldKeep({ value, p }: Difference, { comparison }: Contrast): string {
  const alpha = p < 0.0001 ? "0.0001" : p.toFixed(4);
  return `A minimum gain above about ${amountText(value, comparison.unit)}, or an alpha below ${alpha}, would have kept the champion.`;
}

function whatItTakesHere(gain: Difference, { comparison }: Contrast, { minGain, alpha }: Rule): string {
  const { total, unit } = comparison;
  const chance = (normalQuantile(1 - alpha / 2) * deviationOf(gain, total, alpha)) / Math.sqrt(total);
  const least = amountText(Math.max(minGain, chance), unit);
  return `On ${countText(total)} records it takes a challenger that is better by about ${least}.`;
}

/**
 * How many records would tell. Planned for the gain that was seen, or for twice the least that counts where that is more: of
 * models that are better by just the least that counts half fall short of it, on however many records.
 */
function recordsToTell(gain: Difference, { comparison }: Contrast, { minGain, alpha }: Rule): string[] {
  const { total, unit } = comparison;
  const planned = Math.max(gain.value, 2 * minGain);
  if (planned <= 0) return [];
  const plan = { gain: planned, leastGain: minGain };
  const records = isNumeric(comparison)
    ? recordsForMean({ ...plan, deviation: deviationOf(gain, total, alpha) }, alpha)
    : recordsForPairs({ ...plan, discordance: discordanceOf(comparison) }, alpha);
  const amount = amountText(planned, unit);
  if (records <= total)
    return [`A gain of ${amount} would most likely have been found; smaller ones take more records.`];
  if (!isWorthNaming(records, total)) return [];
  const often = `in ${shareText(usualPower)} of all cases`;
  return [
    `If the challenger really is better by ${amount}, about ${countText(records)} records would show it ${often}.`,
  ];
}

/** One pair more on each side: few records on which both agree do not show that they always do. */
export function discordanceOf({ gained, lost, total }: { gained: number; lost: number; total: number }): number {
  return (gained + lost + 2) / (total + 2);
}

/** Judges a first model against the policy's floor, which is a ceiling where lower is better. */
export function judgeFirst({ comparison, challenger }: Contrast, { floor, alpha }: DecisionPolicy): Judgement {
  const problem = whyUnusable(comparison);
  if (problem) return problem;
  const { total, unit, better } = comparison;
  const name = nameOf(comparison);
  if (challenger === null) {
    return undecided(
      `${name} compares two models, and there is no champion yet.`,
      "A primary metric of one model alone.",
    );
  }
  const { value, interval } = challenger;
  if (interval === null) return undecided(`${name} has no interval that could be told.`);
  const limit = valueText(floor, unit);
  const said =
    `There is no champion yet. ${name} is ${valueText(value, unit)} over ${countText(total)} records, ` +
    `${intervalText(interval, unit)} with ${shareText(1 - alpha)} confidence`;
  const isLower = better === "lower";
  const [good, bad] = isLower ? ["below", "above"] : ["above", "below"];
  const [passes, fails] = isLower
    ? [interval.upper < floor, interval.lower > floor]
    : [interval.lower > floor, interval.upper < floor];
  const limitName = isLower ? "ceiling" : "floor";
  const nearest = valueText(isLower ? interval.upper : interval.lower, unit);
  if (passes) {
    const wouldChange = [`A ${limitName} of about ${nearest} would not have been passed.`];
    return { verdict: "promote", reason: `${said}: ${good} the ${limitName} of ${limit}.`, wouldChange };
  }
  if (fails) {
    const wouldChange = [`A model that is surely ${good} ${limit}.`];
    return { verdict: "keep", reason: `${said}: ${bad} the ${limitName} of ${limit}.`, wouldChange };
  }
  const deviation = deviationOf({ oneSided: interval }, total, alpha / 2);
  const distance = isLower ? floor - value : value - floor;
  const records = distance > 0 ? recordsForMean({ deviation, gain: distance }, alpha) : 0;
  const enough = `If it really is ${valueText(value, unit)}, about ${countText(records)} records would show it.`;
  return undecided(
    `${said}: whether that is ${good} the ${limitName} of ${limit} cannot be told.`,
    ...(isWorthNaming(records, total) ? [enough] : [`A model that is surely ${good} ${limit}.`]),
  );
}
