/** What a report shows of every metric: the numbers of a decision, put beside each other for people. */
import type { Comparison, Interval } from "./comparison-schema.ts";
import { contrastOf, type Contrast, type Difference, type Scored } from "./contrast.ts";
import type { DecisionPolicy, Guard } from "./decide-schema.ts";
import type { Metric } from "./metrics/metric.ts";
import type { ArmName, Measured, ReportMetric } from "./report-schema.ts";

/** Values by arm, subset and metric. */
export type ArmValues = Partial<Record<ArmName, Record<string, Record<string, number | null>>>>;

/** What the rows are made of. */
export interface MeasuredCycle {
  policy: DecisionPolicy;
  /** Champion and challenger. */
  comparisons: readonly Comparison[];
  /** The base model by itself, compared with nobody. */
  base: Partial<Record<"base" | "base-few-shot", readonly Comparison[]>>;
  /** In the order in which they are shown. */
  metrics: readonly Metric[];
  /** What each arm scored on the questions that it answered. */
  ofAnswered: ArmValues;
}

/** A row for each metric and subset: the primary metric, guards, the others, old skills, then slices. */
export function reportMetrics(cycle: MeasuredCycle): ReportMetric[] {
  const { policy, comparisons, metrics } = cycle;
  const order = new Map(metrics.map(({ name }, index) => [name, index]));
  const rows = comparisons.flatMap((comparison) => {
    const contrast = contrastOf(comparison, policy.alpha);
    const metric = metrics.find(({ name }) => name === comparison.metric);
    return contrast === null || metric === undefined ? [] : [rowOf(cycle, contrast, metric)];
  });
  const rank = (row: ReportMetric): number[] => [
    row.subset === "test" ? 0 : row.subset === "retention" ? 1 : 2,
    ["primary", "guard", "reported"].indexOf(row.role),
    order.get(row.metric) ?? 0,
  ];
  return rows.toSorted((a, b) => compareRanks(rank(a), rank(b)));
}

/** Metrics that have no numbers, and why; each once. */
export function unusableMetrics(comparisons: readonly Comparison[]): { what: string; reason: string }[] {
  const reasons = new Map<string, string>();
  for (const comparison of comparisons) {
    if (comparison.kind === "unusable" && !reasons.has(comparison.metric)) {
      reasons.set(comparison.metric, comparison.reason);
    }
  }
  return [...reasons].map(([what, reason]) => ({ what, reason }));
}

function rowOf(cycle: MeasuredCycle, contrast: Contrast, { title }: Metric): ReportMetric {
  const { policy, base, ofAnswered } = cycle;
  const { comparison, champion, challenger, difference } = contrast;
  const { metric, subset, unit, better, kind, total } = comparison;
  const guard = policy.guards.find((candidate) => candidate.metric === metric && candidate.on === subset);
  const role = metric === policy.primary && subset === "test" ? "primary" : guard === undefined ? "reported" : "guard";
  const scored: Partial<Record<ArmName, Scored | null>> = {
    base: scoredAlone(base.base, contrast, policy.alpha),
    "base-few-shot": scoredAlone(base["base-few-shot"], contrast, policy.alpha),
    champion,
    challenger,
  };
  const arms: ReportMetric["arms"] = {};
  for (const name of ["base", "base-few-shot", "champion", "challenger"] as const) {
    const measured = measuredOf(scored[name] ?? null, ofAnswered[name]?.[subset]?.[metric] ?? null);
    if (measured !== null) arms[name] = measured;
  }
  return {
    metric,
    title,
    subset,
    unit,
    better,
    kind,
    role,
    total,
    arms,
    difference: differenceOf(difference, role, policy.alpha),
    threshold: thresholdOf(role, guard, contrast, policy),
    changed: changedOf(contrast),
  };
}

function scoredAlone(
  comparisons: readonly Comparison[] | undefined,
  { comparison }: Contrast,
  alpha: number,
): Scored | null {
  const { metric, subset } = comparison;
  const own = comparisons?.find((candidate) => candidate.metric === metric && candidate.subset === subset);
  return own === undefined ? null : (contrastOf(own, alpha)?.challenger ?? null);
}

function measuredOf(scored: Scored | null, ofAnswered: number | null): Measured | null {
  if (scored === null || !Number.isFinite(scored.value)) return null;
  const isSame = ofAnswered === null || Math.abs(ofAnswered - scored.value) < 1e-9;
  return { value: scored.value, interval: finite(scored.interval), ofAnswered: isSame ? null : ofAnswered };
}

/** A guard is a one-sided test: its interval is the one of which the decision takes an end. */
function differenceOf(
  difference: Difference | null,
  role: ReportMetric["role"],
  alpha: number,
): ReportMetric["difference"] {
  if (difference === null || !Number.isFinite(difference.value)) return null;
  const { value, oneSided, twoSided } = difference;
  return role === "guard"
    ? { value, interval: finite(oneSided), confidence: 1 - 2 * alpha }
    : { value, interval: finite(twoSided), confidence: 1 - alpha };
}

function finite(interval: Interval | null): Interval | null {
  return interval !== null && Number.isFinite(interval.lower) && Number.isFinite(interval.upper) ? interval : null;
}

function thresholdOf(
  role: ReportMetric["role"],
  guard: Guard | undefined,
  { comparison, champion }: Contrast,
  { minGain }: DecisionPolicy,
): number | null {
  const towardsBetter = comparison.better === "lower" ? -1 : 1;
  if (role === "primary") return minGain * towardsBetter;
  if (guard === undefined) return null;
  const { margin, relativeMargin } = guard;
  const allowed = margin ?? (champion === null ? null : (relativeMargin ?? 0) * Math.abs(champion.value));
  return allowed === null || !Number.isFinite(allowed) ? null : 0 - allowed * towardsBetter;
}

function changedOf({ comparison, difference }: Contrast): ReportMetric["changed"] {
  if (difference === null || !("gained" in comparison)) return null;
  return { gained: comparison.gained, lost: comparison.lost };
}

function compareRanks(a: readonly number[], b: readonly number[]): number {
  for (const [index, rank] of a.entries()) {
    const other = b[index] ?? 0;
    if (rank !== other) return rank - other;
  }
  return 0;
}
