import type {
  BinaryComparison,
  Comparison,
  Interval,
  NumericComparison,
  PreferenceComparison,
} from "./comparison-schema.ts";
import { mcNemarExact, wilsonInterval } from "./statistics/binomial.ts";
import { normalQuantile } from "./statistics/normal.ts";
import { pairedRatioInterval, tangoInterval, type Pairs } from "./statistics/paired-proportions.ts";

/** What one model scored. */
export interface Scored {
  value: number;
  /** At 1 - alpha; null where none can be given. */
  interval: Interval | null;
}

/** Challenger minus champion, in the unit of the metric. */
export interface Difference {
  value: number;
  /** At 1 - alpha. */
  twoSided: Interval;
  /** At 1 - 2 alpha: one end of it is a one-sided bound at alpha. */
  oneSided: Interval;
  /** Two-sided. */
  p: number;
  /** Challenger over champion, at 1 - 2 alpha; null where that says nothing. */
  ratio: Interval | null;
}

/** What is known where a model would have to be given values and no number can be: nothing. */
const nothingKnown: Difference = {
  value: 0,
  twoSided: { lower: -Infinity, upper: Infinity },
  oneSided: { lower: -Infinity, upper: Infinity },
  p: 1,
  ratio: null,
};

/** A comparison in the numbers that decisions and reports are made of, the same ones for metrics of every kind. */
export interface Contrast {
  comparison: BinaryComparison | NumericComparison | PreferenceComparison;
  /** Null without a champion, and for a preference, which is of two models. */
  champion: Scored | null;
  /** Null for a preference. */
  challenger: Scored | null;
  /** Null without a champion, or without numbers to compare. */
  difference: Difference | null;
  /** The same at worst for the challenger, were nothing missing of one model only; null when nothing is. */
  worstCase: { missing: number; difference: Difference } | null;
  /** By name, for people. */
  test: "exact McNemar" | "paired bootstrap" | "sign test";
}

/** Whether a comparison is of a number over all records, and not of pairs of answers. */
export function isNumeric(comparison: Comparison): comparison is NumericComparison {
  return comparison.kind === "mean" || comparison.kind === "statistic";
}

/** Takes a comparison apart at the policy's alpha, which is also that of its bootstrap; null for one that is not usable. */
export function contrastOf(comparison: Comparison, alpha: number): Contrast | null {
  switch (comparison.kind) {
    case "binary":
      return ofPairs(comparison, alpha);
    case "mean":
    case "statistic":
      return ofNumbers(comparison);
    case "preference":
      return ofPreferences(comparison, alpha);
    case "unusable":
      return null;
  }
}

/** A difference as a gain: turned round where lower is better, so that more is better. Its ratio is left as it is. */
export function gainOf(difference: Difference, better: Comparison["better"]): Difference {
  if (better !== "lower") return difference;
  const turn = ({ lower, upper }: Interval): Interval => ({ lower: 0 - upper, upper: 0 - lower });
  return {
    ...difference,
    value: 0 - difference.value,
    twoSided: turn(difference.twoSided),
    oneSided: turn(difference.oneSided),
  };
}

/**
 * Standard deviation of one record's difference, which with the number of records would give the width of the interval that
 * there is: what it takes to say how many records would tell.
 */
export function deviationOf({ oneSided }: Pick<Difference, "oneSided">, records: number, alpha: number): number {
  return ((oneSided.upper - oneSided.lower) / (2 * normalQuantile(1 - alpha))) * Math.sqrt(records);
}

function ofPairs(comparison: BinaryComparison, alpha: number): Contrast {
  const { total, championRight, challengerRight, gained, worstCase } = comparison;
  const scored = (right: number): Scored => ({
    value: total === 0 ? Number.NaN : right / total,
    interval: wilsonInterval(right, total, 1 - alpha),
  });
  const both = challengerRight - gained;
  return {
    comparison,
    champion: championRight === null ? null : scored(championRight),
    challenger: scored(challengerRight),
    difference: championRight === null ? null : differenceOfPairs(comparison, alpha, both),
    worstCase: worstCase && worstOfPairs(worstCase, alpha, worstCase.challengerRight - worstCase.gained),
    test: "exact McNemar",
  };
}

/** @param both records for which it holds of both models; null where there is nothing that could */
function differenceOfPairs({ gained, lost, total }: Pairs, alpha: number, both: number | null): Difference | null {
  if (total === 0) return null;
  const ratio = both === null ? null : pairedRatioInterval({ both, gained, lost }, 1 - 2 * alpha);
  return {
    value: (gained - lost) / total,
    twoSided: tangoInterval({ gained, lost, total }, 1 - alpha),
    oneSided: tangoInterval({ gained, lost, total }, 1 - 2 * alpha),
    p: mcNemarExact(gained, lost),
    ratio: ratio !== null && Number.isFinite(ratio.upper) ? ratio : null,
  };
}

function worstOfPairs(pairs: Pairs & { missing: number }, alpha: number, both: number | null): Contrast["worstCase"] {
  return { missing: pairs.missing, difference: differenceOfPairs(pairs, alpha, both) ?? nothingKnown };
}

function ofPreferences(comparison: PreferenceComparison, alpha: number): Contrast {
  const { worstCase } = comparison;
  return {
    comparison,
    champion: null,
    challenger: null,
    difference: differenceOfPairs(comparison, alpha, null),
    worstCase: worstCase && worstOfPairs(worstCase, alpha, null),
    test: "sign test",
  };
}

function ofNumbers(comparison: NumericComparison): Contrast {
  const { champion, championInterval, challenger, challengerInterval, difference, worstCase } = comparison;
  return {
    comparison,
    champion: champion === null ? null : { value: champion, interval: championInterval },
    challenger: { value: challenger, interval: challengerInterval },
    difference,
    worstCase: worstCase && { missing: worstCase.missing, difference: worstCase.difference ?? nothingKnown },
    test: "paired bootstrap",
  };
}
