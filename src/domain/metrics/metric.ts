/** What a metric pack is: pure functions from a question, the answer expected and the answer given to values. */
import type { Prediction, TestRecord } from "../evaluation-schema.ts";

/** JSON as the options of a pack hold it. */
export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

/**
 * What one metric says of one record: right or wrong, a number, or, for a statistic of all records, whatever that is made
 * of. Null where the record does not count for the metric.
 */
export type MetricValue = Json;

/** Values of one record, by metric name; one that is left out or undefined is null. */
export type MetricValues = Record<string, MetricValue | undefined>;

/** One metric of a pack. */
export interface Metric {
  /** Unique among all packs of a definition, such as `accuracy_output_fn`: letters, digits and `_`. */
  name: string;
  /** A few words for people. */
  title: string;
  unit: "ratio" | "ms" | "usd" | "tokens" | "characters" | "points";
  /** `neither` is only reported: no decision can rest on it. */
  better: "higher" | "lower" | "neither";
  /**
   * binary: true or false for each record, compared by the exact McNemar test; mean: a number for each record, statistic:
   * one number of all records together; both compared by the paired bootstrap. preference: which of two models' answers a
   * judge prefers, a {@link Preference} for each record of the challenger.
   */
  kind: "binary" | "mean" | "statistic" | "preference";
  /** What a question without an answer counts as when models are compared; null leaves it out of this metric. */
  unanswered: MetricValue;
  /**
   * What a value of one model alone, as reports show it, is over. Default `answered`: what was not answered is left out,
   * other than in a comparison. `asked`: it counts there as it does in a comparison.
   */
  over?: "answered" | "asked";
}

/**
 * Which answer a judge preferred, asked in both orders: the challenger's (`gained`) or the champion's (`lost`) both times,
 * neither of them both times (`tie`), or not the same both times (`split`). Null where it was not asked or gave no verdict.
 */
export type Preference = "gained" | "lost" | "tie" | "split";

/** Value of a statistic; each record counts as often as `weights` says, once without. Null where there is none. */
export type Statistic = (weights?: Uint32Array) => number | null;

/** A metric pack with its options set. */
export interface MetricPack {
  name: string;
  /** In the order in which reports show them. */
  metrics: readonly Metric[];
  /**
   * Values of one answered record by metric name; a name that is left out is null. Never called for a question without an
   * answer, nor for metrics that a judge gives.
   */
  score(record: TestRecord, prediction: AnsweredPrediction): MetricValues;
  /** What a question without an answer counts as, where that depends on the record; else `Metric.unanswered` says it. */
  unanswered?(record: TestRecord): MetricValues;
  /**
   * There for every metric of kind `statistic`: takes the values apart once, none of them null, so that the statistic of
   * the same records can be asked for many thousand times.
   */
  statistics?: Record<string, (values: readonly MetricValue[]) => Statistic>;
  /** The policy that goes with it where a definition names none. */
  policy?: { primary: string; guards: { metric: string; margin: number }[] };
  /** There for a pack whose values are a judge's. */
  judge?: JudgeSettings;
  /** Tables of one model's answers for reports, such as a confusion matrix: of the values of each metric, none of them null. */
  tables?(columns: Readonly<Record<string, readonly MetricValue[]>>): MetricTable[];
}

/** A prediction that is an answer. */
export type AnsweredPrediction = Prediction & { answer: string };

/** A table of a report: cells as text or numbers. */
export interface MetricTable {
  title: string;
  head: string[];
  rows: (string | number)[][];
}

/** Functions and attribute types that occur in training data; an answer is well formed when it uses no others. */
export interface Vocabulary {
  functions: string[];
  attributeTypes: string[];
}

/** What is known of the training data when a pack is made. */
export interface MetricContext {
  vocabulary: Vocabulary;
  /** Prices of the models' tokens; null when the definition has none. */
  prices: { promptUsdPerMillion: number; completionUsdPerMillion: number } | null;
}

/** Who judges answers, and by what. */
export interface JudgeSettings {
  /** An OpenAI-compatible endpoint; `tokenSecret` names the variable of the worker's environment with its bearer token. */
  endpoint: { url: string; model: string; tokenSecret: string | null };
  /** Scores each answer alone. */
  pointwise: boolean;
  /** Prefers the champion's or the challenger's answer, asked in both orders. */
  pairwise: boolean;
  /** What makes an answer good, in words for the judge. */
  rubric: string;
  /** Whether the judge is shown the expected answer. */
  reference: boolean;
  /** Requests in flight at a time. */
  concurrency: number;
  /** Of one request. */
  timeoutSeconds: number;
}

/** How a pack is made. What a file of one's own exports as `metricPack`. */
export interface MetricPackKind {
  name: string;
  /** One line for people. */
  description: string;
  /** Options as people write them, for `tuneloop metrics`; empty when there are none. */
  options: Record<string, string>;
  /** Options that it can be made with; there where it cannot be made without any. */
  example?: Record<string, Json>;
  /** Throws an error whose message names the option that is wrong. */
  create(options: Record<string, Json>, context: MetricContext): MetricPack;
  /** Whether the pack is made for answers such as these; the first kind that says so is taken where none is named. */
  fits?(expected: readonly string[]): boolean;
}
