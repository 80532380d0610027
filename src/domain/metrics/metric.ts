/** What a metric pack is: pure functions from a question, the answer expected and the answer given to values. */
import type { Prediction, TestRecord } from "../evaluation-schema.ts";
import type { Vocabulary } from "../functional-representation.ts";

/** JSON as the options of a pack hold it. */
export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

/**
 * What one metric says of one record: right or wrong, a number, or, for a statistic of all records, whatever that is made
 * of. Null where the record does not count for the metric.
 */
export type MetricValue = Json;

/** One metric of a pack. */
export interface Metric {
  /** Unique among all packs of a definition, such as `accuracy_output_fn`. */
  name: string;
  /** A few words for people. */
  title: string;
  unit: "ratio" | "ms" | "usd" | "tokens" | "characters" | "points";
  /** `neither` is only reported: no decision can rest on it. */
  better: "higher" | "lower" | "neither";
  /**
   * binary: true or false for each record, compared by the exact McNemar test; mean: a number for each record, statistic:
   * one number of all records together; both compared by the paired bootstrap.
   */
  kind: "binary" | "mean" | "statistic";
  /** What a question without an answer counts as when models are compared; null leaves it out of this metric. */
  unanswered: MetricValue;
}

/** A metric pack with its options set. */
export interface MetricPack {
  name: string;
  /** In the order in which reports show them. */
  metrics: readonly Metric[];
  /** Values of one answered record by metric name. Never called for a question without an answer. */
  score(record: TestRecord, prediction: Prediction & { answer: string }): Record<string, MetricValue>;
  /**
   * Value of a statistic over records, each as many times as `weights` says (all once without). Null where it has none.
   * There for every metric of kind `statistic`.
   */
  statistics?: Record<string, (values: readonly MetricValue[], weights?: Uint32Array) => number | null>;
  /** Tables of one model's answers for reports, such as a confusion matrix. */
  tables?(values: readonly Record<string, MetricValue>[]): MetricTable[];
}

/** A table of a report: cells as text or numbers, the first row being the head. */
export interface MetricTable {
  title: string;
  head: string[];
  rows: (string | number)[][];
}

/** What is known of the training data when a pack is made. */
export interface MetricContext {
  vocabulary: Vocabulary;
  /** Prices of the models' tokens; null when the definition has none. */
  prices: { promptUsdPerMillion: number; completionUsdPerMillion: number } | null;
}

/** How a pack is made. */
export interface MetricPackKind {
  name: string;
  /** Throws InvalidInput whose message names the option that is wrong. */
  create(options: Record<string, Json>, context: MetricContext): MetricPack;
  /** Whether the pack is made for answers such as these; the first kind that says so is taken where none is named. */
  fits?(expected: readonly string[]): boolean;
  /** The policy that goes with it where none is named. */
  policy?: { primary: string; guards: { metric: string; margin: number }[] };
}
