/** What a guard says: whether the challenger is shown not to be worse by more than the guard allows. */
import type { Interval } from "./comparison-schema.ts";
import { deviationOf, gainOf, isNumeric, type Contrast, type Difference } from "./contrast.ts";
import type { Guard } from "./decide-schema.ts";
import { butForMissing, isWorthNaming, nameOf, undecided, whyUnusable, type Judgement } from "./judgement.ts";
import { discordanceOf } from "./primary-judgement.ts";
import { amountText, countText, differenceIntervalText, shareText, valueText } from "./report-numbers.ts";
import { judgeMargin } from "./statistics/non-inferiority.ts";
import { recordsForMeanWithin, recordsForPairsWithin, usualPower } from "./statistics/power.ts";

/**
 * Judges a guard as a test of non-inferiority at `alpha`: for the challenger when a loss over the margin is ruled out,
 * against it when one is shown. A relative margin is tested on the ratio of both, so that it counts that the champion's
 * value is measured too.
 */
export function judgeGuard(contrast: Contrast, guard: Guard, alpha: number): Judgement {
  const { comparison, difference, worstCase } = contrast;
  const problem = whyUnusable(comparison);
  if (problem) return problem;
  const name = nameOf(comparison);
  if (difference === null) return undecided(`${name} has no difference that could be told.`);
  const allowed = { margin: guard.relativeMargin ?? guard.margin ?? 0, isRelative: guard.relativeMargin !== undefined };
  const gain = gainAgainst(difference, contrast, allowed.isRelative);
  if (gain === null) {
    return undecided(
      `${name}: the champion's value may be 0, so that no share of it can be allowed.`,
      `A guard on ${name} with margin in place of relativeMargin.`,
    );
  }
  const said = spoken(contrast, difference, { isRelative: allowed.isRelative, alpha });
  const most = allowed.isRelative ? shareText(allowed.margin) : amountText(allowed.margin, comparison.unit);
  const verdict = judgeMargin(gain, allowed.margin);
  if (verdict === "worse") {
    return {
      verdict: "keep",
      reason: `${said}: worse by more than the ${most} allowed.`,
      wouldChange: [passingMargin(gain, contrast, allowed)],
    };
  }
  if (verdict === "undecided") {
    return undecided(
      `${said}: a loss over ${most} is not ruled out.`,
      ...recordsToTell(gain, contrast, { ...allowed, alpha }),
      passingMargin(gain, contrast, allowed),
    );
  }
  const atWorst = worstCase && gainAgainst(worstCase.difference, contrast, allowed.isRelative);
  if (worstCase !== null && (atWorst === null || judgeMargin(atWorst, allowed.margin) !== "within")) {
    return butForMissing(`${said}: within the ${most} allowed`, worstCase.missing);
  }
  return { verdict: "promote", reason: `${said}: within the ${most} allowed.`, wouldChange: [] };
}

/** The interval that is held against the margin: of the gain, or of the gain as a share of the champion's value. */
function gainAgainst(difference: Difference, { comparison }: Contrast, isRelative: boolean): Interval | null {
  if (!isRelative) return gainOf(difference, comparison.better).oneSided;
  const { ratio } = difference;
  if (ratio === null) return null;
  return comparison.better === "lower"
    ? { lower: 1 - ratio.upper, upper: 1 - ratio.lower }
    : { lower: ratio.lower - 1, upper: ratio.upper - 1 };
}

function spoken(
  { comparison, champion, challenger }: Contrast,
  { oneSided, ratio }: Difference,
  { isRelative, alpha }: { isRelative: boolean; alpha: number },
): string {
  const { unit } = comparison;
  const values =
    champion === null || challenger === null
      ? ""
      : `challenger ${valueText(challenger.value, unit)}, champion ${valueText(champion.value, unit)}, `;
  const difference =
    isRelative && ratio !== null
      ? `${changeText(ratio.lower)} to ${changeText(ratio.upper)} of it`
      : `difference ${differenceIntervalText(oneSided, unit)}`;
  return `${nameOf(comparison)}: ${values}${difference} with ${shareText(1 - 2 * alpha)} confidence`;
}

/** A ratio as a change: `+12.3 %`. */
function changeText(ratio: number): string {
  const percent = ((ratio - 1) * 100).toFixed(1);
  return `${percent.startsWith("-") ? `−${percent.slice(1)}` : `+${percent}`} %`;
}

type Allowed = { margin: number; isRelative: boolean };

function passingMargin(gain: Interval, { comparison }: Contrast, { isRelative }: Allowed): string {
  const needed = Math.max(0, -gain.lower);
  const margin = isRelative ? `${(needed * 100).toFixed(1)} %` : amountText(needed, comparison.unit);
  return `A margin of about ${margin} for ${nameOf(comparison)} would have been kept.`;
}

function recordsToTell(
  gain: Interval,
  { comparison }: Contrast,
  { margin, isRelative, alpha }: Allowed & { alpha: number },
): string[] {
  const { total } = comparison;
  if (margin === 0) return [];
  const records =
    !isNumeric(comparison) && !isRelative
      ? recordsForPairsWithin({ discordance: discordanceOf(comparison), margin }, alpha)
      : recordsForMeanWithin({ deviation: deviationOf({ oneSided: gain }, total, alpha), margin }, alpha);
  if (!isWorthNaming(records, total)) return [];
  const often = `in ${shareText(usualPower)} of all cases`;
  return [`If ${nameOf(comparison)} really is the same, about ${countText(records)} records would show it ${often}.`];
}
