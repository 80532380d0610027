/** The metric pack of how long answers take. */
import type { MetricPackKind, MetricValue, Statistic } from "./metric.ts";
import { readOptions } from "./options.ts";

/** Time from a question to the end of its answer, of the try that got it: mean and 95th percentile. */
export const latency: MetricPackKind = {
  name: "latency",
  description: "time to the whole answer: mean and 95th percentile",
  options: {},
  create(options) {
    readOptions("latency", options, []);
    return {
      name: "latency",
      metrics: [
        { name: "latency_ms", title: "Mean latency", unit: "ms", better: "lower", kind: "mean", unanswered: null },
        {
          name: "latency_p95_ms",
          title: "95th percentile of latency",
          unit: "ms",
          better: "lower",
          kind: "statistic",
          unanswered: null,
        },
      ],
      score: (_, { latencyMs }) => ({ latency_ms: latencyMs, latency_p95_ms: latencyMs }),
      statistics: { latency_p95_ms: (values) => quantile(values, 0.95) },
    };
  },
};

/**
 * The smallest value that at least the share `ratio` of all values does not exceed: the inverse of the empirical
 * distribution function, type 1 of Hyndman and Fan, The American Statistician 50 (1996) 361-365.
 */
export function quantile(values: readonly MetricValue[], ratio: number): Statistic {
  const numbers = Float64Array.from(values, (value) => (typeof value === "number" ? value : Number.NaN));
  const order = Uint32Array.from(numbers.keys()).sort((a, b) => (numbers[a] ?? 0) - (numbers[b] ?? 0));
  return (weights) => {
    const total = weights === undefined ? numbers.length : weights.reduce((sum, weight) => sum + weight, 0);
    if (total === 0) return null;
    let below = 0;
    for (const index of order) {
      below += weights === undefined ? 1 : (weights[index] ?? 0);
      // A hair less, so that 0.95 of 20 is 19 in floating point too.
      if (below >= ratio * total * (1 - 1e-12)) return numbers[index] ?? null;
    }
    return null;
  };
}
