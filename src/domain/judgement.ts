/** What one metric says of a challenger, and the words that all judgements share. */
import type { Comparison } from "./comparison-schema.ts";
import { isNumeric, type Contrast, type Difference } from "./contrast.ts";
import type { Outcome } from "./decision-schema.ts";
import { countText, differenceIntervalText, shareText, valueText } from "./report-numbers.ts";

/** Fewer records than this say nothing about a model. */
export const fewestRecords = 20;

/** More records than this are not worth naming: nobody collects them for a test set. */
const mostRecords = 10_000_000;

/** What one metric says: for the challenger, against it, or neither. */
export interface Judgement {
  verdict: Outcome;
  /** A sentence. */
  reason: string;
  /** Sentences: what would lead to another verdict. */
  wouldChange: string[];
}

/** A metric by name, and where it was measured if not on the whole test set. */
export function nameOf({ metric, subset }: Pick<Comparison, "metric" | "subset">): string {
  return subset === "test" ? metric : `${metric} on ${subset}`;
}

/** Says that a metric does not tell. */
export function undecided(reason: string, ...wouldChange: string[]): Judgement {
  return { verdict: "inconclusive", reason, wouldChange };
}

/** Says that a metric tells, but not once what is missing of one model only is counted against the challenger. */
export function butForMissing(said: string, missing: number): Judgement {
  const but = `but for the ${countText(missing)} questions on which one of both has no answer or no value`;
  return undecided(`${said}, ${but}.`, "Answers of both models, with a value, to all questions.");
}

/** Why no judgement can rest on a comparison, as one; null when one can. */
export function whyUnusable(comparison: Comparison): Judgement | null {
  const { total, better } = comparison;
  const name = nameOf(comparison);
  if (comparison.kind === "unusable") {
    return undecided(
      `${name} cannot be used: ${comparison.reason}.`,
      `Values of ${comparison.metric} for all records.`,
    );
  }
  if (!numbersOf(comparison).every((number) => Number.isFinite(number) && number >= 0)) {
    return undecided(`${name} has a count that is no number.`);
  }
  if (better === "neither") {
    return undecided(
      `${name} is neither better when higher nor when lower, so that no decision can rest on it.`,
      `A policy that names another metric than ${comparison.metric}.`,
    );
  }
  if (total < fewestRecords) {
    return undecided(
      `${name} was measured on ${countText(total)} records; ${fewestRecords} is the least that counts.`,
      `At least ${fewestRecords} records with a value of ${name}.`,
    );
  }
  return null;
}

/** What must be a whole or finite number of a comparison, and not below 0. */
function numbersOf(comparison: Exclude<Comparison, { kind: "unusable" }>): number[] {
  const { total } = comparison;
  if (isNumeric(comparison)) {
    const { champion, challenger } = comparison;
    return [total, Math.abs(champion ?? 0), Math.abs(challenger)];
  }
  const { gained, lost } = comparison;
  const right = comparison.kind === "binary" ? [comparison.championRight ?? 0, comparison.challengerRight] : [];
  return [total, gained, lost, ...right].map((count) => (Number.isInteger(count) ? count : Number.NaN));
}

/** The numbers of both models and of their difference: the beginning of a sentence. */
export function measured(
  { comparison, champion, challenger, test }: Contrast,
  difference: Difference,
  alpha: number,
): string {
  const { total, unit } = comparison;
  const said =
    `${test} ${pText(difference.p)}, difference ${differenceIntervalText(difference.twoSided, unit)} ` +
    `with ${shareText(1 - alpha)} confidence`;
  const values = `challenger ${valueOf(challenger, unit)}, champion ${valueOf(champion, unit)}`;
  const records = `${countText(total)} records`;
  if (comparison.kind === "preference") {
    const { gained, lost } = comparison;
    return `${nameOf(comparison)}: the challenger's answer preferred on ${gained}, the champion's on ${lost} of ${records} (${said})`;
  }
  if (isNumeric(comparison)) return `${nameOf(comparison)}: ${values} over ${records} (${said})`;
  const { gained, lost, better } = comparison;
  const [up, down] = better === "lower" ? [lost, gained] : [gained, lost];
  return `${nameOf(comparison)}: ${values} of ${records}; better on ${countText(up)}, worse on ${countText(down)} (${said})`;
}

function valueOf(scored: Contrast["champion"], unit: Comparison["unit"]): string {
  return scored === null ? "not measured" : valueText(scored.value, unit);
}

/** A p-value: `p = 0.0123`, `p < 0.0001`. */
export function pText(p: number): string {
  return p < 0.0001 ? "p < 0.0001" : `p = ${p.toFixed(4)}`;
}

/** Whether so many records are more than there were, and few enough to be named to people. */
export function isWorthNaming(records: number, total: number): boolean {
  return records > total && records <= mostRecords;
}
