/** From stored answers to values of each record, and from these to metrics. */
import type { AnswerCounts } from "./decision-schema.ts";
import type { Prediction, TestRecord } from "./evaluation-schema.ts";
import type {
  AnsweredPrediction,
  Metric,
  MetricPack,
  MetricTable,
  MetricValue,
  MetricValues,
} from "./metrics/metric.ts";
import { packFailure } from "./metrics/pack-failure.ts";
import { givenSubsets, subsetsOf } from "./subsets.ts";

/** What the answers of one model are worth, record by record, without the answers. */
export interface ScoredAnswers {
  /** Of the records, in the order in which they were scored; every other list here is in this order. */
  ids: string[];
  answered: boolean[];
  /** Places of the records of each subset that is given. */
  subsets: Record<string, number[]>;
  /** By slice field, how many of its values have too few records, or are too many, to be given. */
  leftOut: Record<string, number>;
  /**
   * By metric name, what each record counts as in a comparison: a question without an answer as the metric says. Null
   * where the record does not count.
   */
  columns: Record<string, MetricValue[]>;
  /** Metrics that have no values at all because something is wrong with them, and what. */
  unusable: Record<string, string>;
}

/** How answers are scored. */
export interface Scoring {
  packs: readonly MetricPack[];
  /** Fields by whose values metrics are also given. */
  slices?: readonly string[];
  /** Subsets that are given however few records they have. */
  wanted?: readonly string[];
}

/** Takes answers one by one and keeps their values only, so that memory does not grow with what was said. */
export interface Scorer {
  /** @param judged values that a judge gave, by metric name */
  add(record: TestRecord, prediction: Prediction, judged?: MetricValues): void;
  /** Makes a metric unusable, if there is one of this name. @param why in words for people */
  refuse(metric: string, why: string): void;
  scored(): ScoredAnswers;
}

/** Starts to score the answers of one model. A pack that throws or answers nonsense makes its metrics unusable, not the rest. */
export function startScoring({ packs, slices = [], wanted = [] }: Scoring): Scorer {
  const metrics = packs.flatMap((pack) => pack.metrics);
  const ids: string[] = [];
  const answered: boolean[] = [];
  const subsets = new Map<string, number[]>();
  const columns = new Map<string, MetricValue[]>(metrics.map(({ name }) => [name, []]));
  const unusable: Record<string, string> = {};

  const valuesOf = (pack: MetricPack, record: TestRecord, prediction: Prediction): MetricValues => {
    try {
      if (!isAnswered(prediction)) return { ...defaults(pack), ...pack.unanswered?.(record) };
      return pack.score(record, prediction);
    } catch (error) {
      const why = packFailure(pack.name, error);
      for (const { name } of pack.metrics) unusable[name] ??= why;
      return {};
    }
  };

  return {
    add(record, prediction, judged = {}) {
      const place = ids.push(record.id) - 1;
      answered.push(isAnswered(prediction));
      for (const subset of subsetsOf(record, slices)) {
        const places = subsets.get(subset);
        if (places === undefined) subsets.set(subset, [place]);
        else places.push(place);
      }
      for (const pack of packs) {
        const values = { ...valuesOf(pack, record, prediction), ...judged };
        for (const metric of pack.metrics) {
          const value = Object.hasOwn(values, metric.name) ? (values[metric.name] ?? null) : null;
          const wrong = whyWrong(metric, value);
          if (wrong !== null) unusable[metric.name] ??= `metric pack ${pack.name} gave ${metric.name} ${wrong}`;
          columns.get(metric.name)?.push(value);
        }
      }
    },

    refuse(metric, why) {
      if (columns.has(metric)) unusable[metric] ??= why;
    },

    scored() {
      const counts = new Map([...subsets].map(([subset, places]) => [subset, places.length]));
      const given = givenSubsets(counts, slices, wanted);
      return {
        ids,
        answered,
        subsets: Object.fromEntries(given.subsets.map((subset) => [subset, subsets.get(subset) ?? []])),
        leftOut: given.leftOut,
        columns: Object.fromEntries(
          [...columns].map(([name, values]) => [name, name in unusable ? ids.map(() => null) : values]),
        ),
        unusable,
      };
    },
  };
}

/** Scores answers that are all there. Predictions and records are matched by id; a record without a prediction is left out. */
export function scoreAnswers(
  records: readonly TestRecord[],
  predictions: readonly Prediction[],
  scoring: Scoring,
): ScoredAnswers {
  const scorer = startScoring(scoring);
  const byId = new Map(predictions.map((prediction) => [prediction.id, prediction]));
  for (const record of records) {
    const prediction = byId.get(record.id);
    if (prediction !== undefined) scorer.add(record, prediction);
  }
  return scorer.scored();
}

/**
 * Metrics of one model by subset, each in its own unit: over the answered records, or over all that were asked where the
 * metric says so; `asked` takes all of them for every metric, as a comparison does. Null where no record counts. A
 * preference is of two models: it is not among them.
 */
export function summarise(
  scored: ScoredAnswers,
  packs: readonly MetricPack[],
  over: NonNullable<Metric["over"]> = "answered",
): Record<string, Record<string, number | null>> {
  const metricsOf = (places: readonly number[]): Record<string, number | null> =>
    Object.fromEntries(
      packs.flatMap((pack) =>
        pack.metrics
          .filter(({ kind }) => kind !== "preference")
          .map((metric) => [metric.name, valueOf(pack, metric, shownValues(scored, metric, places, over))]),
      ),
    );
  return Object.fromEntries(Object.entries(scored.subsets).map(([subset, places]) => [subset, metricsOf(places)]));
}

/** Tables of all packs, over the answered records of the test set; none of a pack that fails to make them. */
export function tablesOf(scored: ScoredAnswers, packs: readonly MetricPack[]): MetricTable[] {
  const places = scored.subsets["test"] ?? [];
  return packs.flatMap((pack) => {
    const columns = pack.metrics.map((metric) => [metric.name, shownValues(scored, metric, places)] as const);
    return unlessItFails(() => pack.tables?.(Object.fromEntries(columns))) ?? [];
  });
}

/** How many questions were asked and how many of them got no answer, after all tries. */
export function countAnswers(predictions: readonly Pick<Prediction, "answer">[]): AnswerCounts {
  return { asked: predictions.length, failed: predictions.filter(({ answer }) => answer === null).length };
}

/**
 * One number of the values of a metric, none of them null: the share that is true, the mean, or the statistic. Null where
 * there is none, of which a comparison says why.
 */
function valueOf(pack: MetricPack, metric: Metric, values: readonly MetricValue[]): number | null {
  if (values.length === 0) return null;
  switch (metric.kind) {
    case "binary":
      return values.filter((value) => value === true).length / values.length;
    case "mean":
      return values.reduce<number>((sum, value) => sum + Number(value), 0) / values.length;
    case "statistic":
      const value = unlessItFails(() => pack.statistics?.[metric.name]?.(values)());
      return Number.isFinite(value) ? (value ?? null) : null;
    case "preference":
      return null;
  }
}

/** Values that count for what reports show of one model. */
function shownValues(
  scored: ScoredAnswers,
  metric: Metric,
  places: readonly number[],
  over: Metric["over"] = "answered",
): MetricValue[] {
  const column = scored.columns[metric.name] ?? [];
  const counted =
    over === "asked" || metric.over === "asked" ? places : places.filter((place) => scored.answered[place]);
  return counted.map((place) => column[place] ?? null).filter((value) => value !== null);
}

/** What a pack answers, whose code may be anybody's; null when it throws. */
function unlessItFails<T>(ask: () => T): T | null {
  try {
    return ask();
  } catch {
    return null;
  }
}

function isAnswered(prediction: Prediction): prediction is AnsweredPrediction {
  return prediction.answer !== null;
}

function defaults({ metrics }: MetricPack): MetricValues {
  return Object.fromEntries(metrics.map(({ name, unanswered }) => [name, unanswered]));
}

/** What is wrong with a value, in words for people; null when it is one that the metric can have. */
function whyWrong({ kind }: Metric, value: MetricValue): string | null {
  if (value === null || kind === "statistic") return null;
  if (kind === "binary" && typeof value !== "boolean") return `${shown(value)}, which is neither true nor false`;
  if (kind === "mean" && !Number.isFinite(value)) return `${shown(value)}, which is no finite number`;
  return null;
}

function shown(value: MetricValue): string {
  return typeof value === "number" ? String(value) : `a value of type ${typeof value}`;
}
