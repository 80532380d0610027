import type { BinaryComparison, NumericComparison, PreferenceComparison } from "../../src/domain/comparison-schema.ts";
import { decisionPolicySchema, type DecisionPolicy } from "../../src/domain/decide-schema.ts";

/** A policy on `accuracy` without guards, but for what is given. */
export function aPolicy(overrides: Partial<DecisionPolicy> = {}): DecisionPolicy {
  return decisionPolicySchema.parse({ primary: "accuracy", guards: [], ...overrides });
}

/** How two models answered: right together, gained, lost, wrong together. */
export function pairs(
  both: number,
  gained: number,
  lost: number,
  neither: number,
  overrides: Partial<BinaryComparison> = {},
): BinaryComparison {
  return {
    metric: "accuracy",
    subset: "test",
    kind: "binary",
    unit: "ratio",
    better: "higher",
    total: both + gained + lost + neither,
    championRight: both + lost,
    challengerRight: both + gained,
    gained,
    lost,
    worstCase: null,
    ...overrides,
  };
}

/** How a model answered that there is no champion for. */
export function alone(right: number, total: number): BinaryComparison {
  return { ...pairs(0, right, 0, total - right), championRight: null, gained: 0 };
}

/** A mean latency with a difference of this size and spread, as normal as can be. */
export function latencies(
  champion: number,
  challenger: number,
  error: number,
  overrides: Partial<NumericComparison> = {},
): NumericComparison {
  const value = challenger - champion;
  const within = (z: number, middle = value, by = error) => ({ lower: middle - z * by, upper: middle + z * by });
  return {
    metric: "latency_ms",
    subset: "test",
    kind: "mean",
    unit: "ms",
    better: "lower",
    total: 400,
    champion,
    championInterval: within(1.96, champion),
    challenger,
    challengerInterval: within(1.96, challenger),
    difference: {
      value,
      twoSided: within(1.96),
      oneSided: within(1.645),
      p: Math.min(1, Math.exp(-0.717 * (value / error) - 0.416 * (value / error) ** 2)),
      ratio: within(1.645, challenger / champion, error / champion),
    },
    worstCase: null,
    ...overrides,
  };
}

/** What a judge preferred: the challenger's answer, the champion's, neither, and not the same in both orders. */
export function preferences(gained: number, lost: number, tied: number, split: number): PreferenceComparison {
  return {
    metric: "judge_preference",
    subset: "test",
    kind: "preference",
    unit: "ratio",
    better: "higher",
    total: gained + lost + tied + split,
    gained,
    lost,
    agreed: gained + lost + tied,
    worstCase: null,
  };
}
