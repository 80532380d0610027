/** Two made-up models on made-up records, and the decision between them by the same code as in a cycle. */
import { compareAll } from "../../src/domain/comparison.ts";
import type { Comparison } from "../../src/domain/comparison-schema.ts";
import { decisionPolicySchema, type DecisionPolicy } from "../../src/domain/decide-schema.ts";
import type { Decision } from "../../src/domain/decision-schema.ts";
import { decide } from "../../src/domain/decision.ts";
import type { ScoredAnswers } from "../../src/domain/evaluation.ts";
import { classification } from "../../src/domain/metrics/classification.ts";
import { latency } from "../../src/domain/metrics/latency.ts";
import type { MetricContext, MetricPack, MetricValue } from "../../src/domain/metrics/metric.ts";
import { textOverlap } from "../../src/domain/metrics/text-overlap.ts";
import { randomWords } from "../../src/domain/statistics/random.ts";

/** What both models score on one record. */
export type Pair = [champion: MetricValue, challenger: MetricValue];

/** A metric, and how two models score by it on one record. */
export interface Task {
  metric: string;
  pack: MetricPack;
  draw(random: () => number): Pair;
}

const context: MetricContext = { vocabulary: { functions: [], attributeTypes: [] }, prices: null };
const labels = classification.create({}, context);
const labelNames = [
  "refund",
  "refund",
  "refund",
  "refund",
  "refund",
  "shipping",
  "shipping",
  "login",
  "login",
  "fraud",
];

/** Right or wrong, a mean of many equal scores, a statistic, and a tail of what has a long one. */
export const tasks = {
  binary: { metric: "accuracy", pack: labels, draw: (random) => [random() < 0.8, random() < 0.8] },
  mean: {
    metric: "token_f1",
    pack: textOverlap.create({}, context),
    draw(random) {
      const hardness = random();
      const score = (): number => (random() < 0.6 ? 1 : Math.round((1 - hardness * random()) * 20) / 20);
      return [score(), score()];
    },
  },
  macroF1: {
    metric: "macro_f1",
    pack: labels,
    draw(random) {
      const pick = (): string => labelNames[Math.floor(random() * labelNames.length)] ?? "";
      const wanted = pick();
      const answer = (): MetricValue => [wanted, random() < 0.75 ? wanted : pick()];
      return [answer(), answer()];
    },
  },
  p95: {
    metric: "latency_p95_ms",
    pack: latency.create({}, context),
    draw(random) {
      const length = 200 + 600 * random();
      const time = (): number => Math.round(length * Math.exp(1.2 * (random() + random() + random() - 1.5)));
      return [time(), time()];
    },
  },
} satisfies Record<string, Task>;

/** Numbers from 0 to below 1, from a seed. */
export function seeded(seed: number): () => number {
  const fill = randomWords(seed);
  const words = new Uint32Array(4096);
  let used = words.length;
  return () => {
    if (used === words.length) {
      fill(words);
      used = 0;
    }
    return (words[used++] ?? 0) / 2 ** 32;
  };
}

/** How both models answered, compared as a cycle compares them. */
export function compare(
  { metric, pack }: Task,
  pairs: readonly Pair[],
  policy: DecisionPolicy,
  resamples?: number,
): Comparison {
  const ids = pairs.map((_, index) => String(index));
  const column = (side: 0 | 1): ScoredAnswers => ({
    ids,
    answered: ids.map(() => true),
    subsets: { test: [...ids.keys()] },
    leftOut: {},
    columns: { [metric]: pairs.map((pair) => pair[side]) },
    unusable: {},
  });
  const only = { ...pack, metrics: pack.metrics.filter(({ name }) => name === metric) };
  const how = resamples === undefined ? {} : { resamples };
  const arms = { champion: column(0), challenger: column(1), packs: [only], alpha: policy.alpha, ...how };
  const [comparison] = compareAll(arms);
  if (comparison === undefined) throw new Error(`${metric} was not compared`);
  return comparison;
}

/** The decision when every question was answered. */
export function decideOn(comparisons: readonly Comparison[], policy: DecisionPolicy): Decision {
  const answers = { asked: 1, failed: 0 };
  return decide(comparisons, { champion: answers, challenger: answers }, policy);
}

/** A policy on a metric at alpha 0.05, by which any gain counts, but for what is given. */
export function policyOn(primary: string, overrides: Partial<DecisionPolicy> = {}): DecisionPolicy {
  return decisionPolicySchema.parse({ primary, minGain: 0, guards: [], ...overrides });
}
