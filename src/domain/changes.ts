/** Which metrics got better or worse beyond chance, for reports: all of them are looked at, so all of them count. */
import type { Comparison } from "./comparison-schema.ts";
import { contrastOf, gainOf } from "./contrast.ts";
import { holm } from "./statistics/holm.ts";

/** A metric that got better or worse. */
interface Change {
  comparison: Comparison;
  /** In the unit of the metric, above 0 where that is better. */
  gain: number;
  /** Adjusted for the number of metrics and subsets that were looked at. */
  p: number;
}

/** What got better and what got worse. */
interface ListedChanges {
  /** Metrics and subsets that were looked at. */
  looked: number;
  better: Change[];
  worse: Change[];
}

/**
 * The metrics whose difference is beyond chance, the surest first: the chance that any of them is listed without being
 * different is at most `alpha`. Metrics of which neither direction is better are left out, and do not count.
 */
export function listChanges(comparisons: readonly Comparison[], alpha: number): ListedChanges {
  const looked = comparisons.flatMap((comparison) => {
    const difference = comparison.better === "neither" ? null : contrastOf(comparison, alpha)?.difference;
    return difference ? [{ comparison, gain: gainOf(difference, comparison.better).value, p: difference.p }] : [];
  });
  const adjusted = holm(looked.map(({ p }) => p));
  const changed = looked
    .map((one, index) => ({ ...one, p: adjusted[index] ?? 1 }))
    .filter(({ p }) => p <= alpha)
    .toSorted((a, b) => a.p - b.p);
  return {
    looked: looked.length,
    better: changed.filter(({ gain }) => gain > 0),
    worse: changed.filter(({ gain }) => gain < 0),
  };
}
