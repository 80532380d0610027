/** One model's metrics by themselves, with intervals, for those who ask how good a model is and compare it with nobody. */
import type { Interval } from "./comparison-schema.ts";
import { compareArms } from "./comparison.ts";
import { contrastOf } from "./contrast.ts";
import { summarise, type ScoredAnswers } from "./evaluation.ts";
import type { Metric, MetricPack } from "./metrics/metric.ts";

/** A metric over all records that count. */
export interface MeasuredMetric extends Pick<Metric, "title" | "unit" | "better"> {
  metric: string;
  /** `test`, `retention` or a slice. */
  subset: string;
  /** As in a comparison: a question without an answer counts as the metric says. Null where there is none. */
  value: number | null;
  /** At 1 - alpha. */
  interval: Interval | null;
  /** Over the answered questions alone, where that is another value; else null. */
  ofAnswered: number | null;
  records: number;
}

/** Every metric of these answers on every subset, and what has no value and why. */
export function measureAlone(
  scored: ScoredAnswers,
  packs: readonly MetricPack[],
  alpha = 0.05,
): { metrics: MeasuredMetric[]; unusable: Record<string, string> } {
  const known = new Map(packs.flatMap((pack) => pack.metrics.map((metric) => [metric.name, metric])));
  const ofAnswered = summarise(scored, packs);
  const metrics: MeasuredMetric[] = [];
  const unusable: Record<string, string> = {};
  for (const comparison of compareArms({ champion: null, challenger: scored, packs, alpha })) {
    const { metric, subset, unit, better, total: records } = comparison;
    const measured = contrastOf(comparison, alpha)?.challenger ?? null;
    if (comparison.kind === "unusable") unusable[metric] ??= comparison.reason;
    const value = measured === null || !Number.isFinite(measured.value) ? null : measured.value;
    const answered = ofAnswered[subset]?.[metric] ?? null;
    metrics.push({
      metric,
      title: known.get(metric)?.title ?? metric,
      subset,
      unit,
      better,
      value,
      interval: value === null ? null : (measured?.interval ?? null),
      ofAnswered: answered === null || value === null || Math.abs(answered - value) < 1e-9 ? null : answered,
      records,
    });
  }
  return { metrics, unusable };
}
