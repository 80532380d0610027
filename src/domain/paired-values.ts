/** What goes into the comparison of two models by one metric on one subset, and what comes out. */
import type { Comparison, UnusableComparison } from "./comparison-schema.ts";
import type { Metric, MetricPack, MetricValue } from "./metrics/metric.ts";

/** Values of both models on one record. */
export interface PairedValues {
  challenger: MetricValue;
  /** Null without a champion. */
  champion: MetricValue;
  /** The champion left the question without an answer, so that its value is what that counts as. */
  isChampionSilent: boolean;
}

/** What is compared by one metric on one subset. */
export interface ValuesToCompare {
  pack: MetricPack;
  metric: Metric;
  values: readonly PairedValues[];
  hasChampion: boolean;
  alpha: number;
  resamples?: number;
}

type Common = "metric" | "subset" | "unit" | "better" | "total";
/** Omits from each member of a union. */
type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
/** The numbers of a comparison, or why there are none. */
export type Compared = Without<Exclude<Comparison, UnusableComparison>, Common> | string;
