import type { Interval } from "../comparison-schema.ts";

/**
 * Whether a loss of more than `margin` is ruled out (`within`), shown (`worse`), or neither. Each is a one-sided test at
 * alpha when the interval is two-sided at 1 - 2 alpha: the margin is outside of it on one side or on the other.
 * Source: ICH E9, Statistical Principles for Clinical Trials (1998), 3.3.2; Wellek, Testing Statistical Hypotheses of
 * Equivalence and Noninferiority (2010), 1.5, on tests by confidence intervals.
 *
 * @param gain interval of the gain, negative where it is a loss
 * @param margin at least 0, in the unit of the gain
 */
export function judgeMargin({ lower, upper }: Interval, margin: number): "within" | "worse" | "undecided" {
  if (lower >= -margin) return "within";
  return upper < -margin ? "worse" : "undecided";
}
