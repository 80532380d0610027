/** What goes into the comparison of two models by one metric on one subset, and what comes out. */
import type { Comparison, UnusableComparison } from "./comparison-schema.ts";
import type { Metric, MetricPack, MetricValue } from "./metrics/metric.ts";

/** Values of both models on one record. */
export interface PairedValues {
  challenger: MetricValue;
  /** Null without a champion. */
  champion: MetricValue;
  /** The champion alone left the question without an answer, so that its value is what that counts as. */
  isChampionSilent: boolean;
}

/** The values of a metric between which all others are, as far as these are known. */
export interface Ends {
  best: MetricValue;
  worst: MetricValue;
}

/** What is compared by one metric on one subset. */
export interface ValuesToCompare {
  pack: MetricPack;
  metric: Metric;
  values: readonly PairedValues[];
  /** Records with a value of one model only, whose other value is null. */
  oneSided: readonly PairedValues[];
  hasChampion: boolean;
  alpha: number;
  resamples?: number;
}

type Common = "metric" | "subset" | "unit" | "better" | "total";
/** Omits from each member of a union. */
type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
/** The numbers of a comparison, or why there are none. */
export type Compared = Without<Exclude<Comparison, UnusableComparison>, Common> | string;

/**
 * The values in the worst case for the challenger: the champion at its best on what it left without an answer or has no
 * value for, the challenger at its worst on what it has no value for. Null when nothing is missing of one model only.
 */
export function worstCaseOf(
  { metric: { better }, values, oneSided }: ValuesToCompare,
  { best, worst }: Ends,
): { missing: number; values: PairedValues[] } | null {
  const missing = values.filter(({ isChampionSilent }) => isChampionSilent).length + oneSided.length;
  if (better === "neither" || missing === 0) return null;
  const counted = values.map((pair) => (pair.isChampionSilent ? { ...pair, champion: best } : pair));
  const filled = oneSided.map((pair) => ({
    ...pair,
    champion: pair.champion ?? best,
    challenger: pair.challenger ?? worst,
  }));
  return { missing, values: [...counted, ...filled] };
}
