/** Exact statistics of right or wrong, and the interval of one proportion. */
import type { Interval } from "../comparison-schema.ts";
import { normalQuantile } from "./normal.ts";

/** ln(n!) minus Stirling's formula without its series, for n below 16, where the series is not exact enough. */
const stirlingErrors = [
  0, 0.08106146679532726, 0.0413406959554093, 0.02767792568499834, 0.020790672103765093, 0.016644691189821193,
  0.013876128823070748, 0.01189670994589177, 0.010411265261972096, 0.009255462182712733, 0.00833056343336287,
  0.007573675487951841, 0.00694284010720953, 0.006408994188004207, 0.0059513701127588475, 0.005554733551962801,
];

function stirlingError(n: number): number {
  const known = stirlingErrors[n];
  if (known !== undefined) return known;
  const square = n * n;
  return (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - 1 / 1188 / square) / square) / square) / square) / n;
}

/** x ln(x / mean) + mean - x, without the loss of digits where x is close to the mean. */
function deviance(x: number, mean: number): number {
  const ratio = (x - mean) / (x + mean);
  if (Math.abs(ratio) >= 0.1) return x * Math.log(x / mean) + mean - x;
  let sum = (x - mean) * ratio;
  let term = 2 * x * ratio;
  for (let odd = 3; ; odd += 2) {
    term *= ratio * ratio;
    const next = sum + term / odd;
    if (!(Math.abs(next - sum) > 0)) return next;
    sum = next;
  }
}

/**
 * Chance of exactly `k` of `n`, each with the chance `p`, to about 14 digits for any n.
 * Source: Loader, Fast and Accurate Computation of Binomial Probabilities (2000), the saddle-point form.
 */
export function binomialChance(k: number, n: number, p: number): number {
  if (k < 0 || k > n) return 0;
  if (p <= 0) return k === 0 ? 1 : 0;
  if (p >= 1) return k === n ? 1 : 0;
  if (k === 0) return Math.exp(n * Math.log1p(-p));
  if (k === n) return Math.exp(n * Math.log(p));
  const exponent =
    stirlingError(n) - stirlingError(k) - stirlingError(n - k) - deviance(k, n * p) - deviance(n - k, n * (1 - p));
  return Math.exp(exponent) * Math.sqrt(n / (2 * Math.PI * k * (n - k)));
}

/** Chance of `k` or fewer of `n`, each with the chance `p`: the lower tail of the binomial distribution. */
export function binomialTail(k: number, n: number, p: number): number {
  if (k < 0) return 0;
  if (k >= n) return 1;
  // From the end of the tail that is nearer to the mean, downward: terms fall, and what is too small to count is left out.
  if (k > n * p) return 1 - binomialTail(n - k - 1, n, 1 - p);
  let term = binomialChance(k, n, p);
  let sum = 0;
  for (let count = k; count >= 0 && term > sum * 1e-17; count--) {
    sum += term;
    term *= (count * (1 - p)) / ((n - count + 1) * p);
  }
  return Math.min(1, sum);
}

/**
 * Two-sided exact McNemar test: are `gained` (challenger right, champion wrong) and `lost` (the other way round) more
 * uneven than a fair coin makes them? Pairs on which both agree say nothing and do not enter. The same as the sign test, by
 * which preferences are compared.
 * Source: McNemar, Psychometrika 12 (1947) 153-157, with the exact binomial tail; p = min(1, 2 P(X <= min)), X ~ Bin(gained + lost, 1/2).
 *
 * @returns p-value, 0..1; 1 when there is no disagreement; NaN for what are no counts
 */
export function mcNemarExact(gained: number, lost: number): number {
  if (!(gained >= 0 && lost >= 0)) return Number.NaN;
  return Math.min(1, 2 * binomialTail(Math.min(gained, lost), gained + lost, 0.5));
}

/**
 * Wilson score interval of a proportion.
 * Source: Wilson, JASA 22 (1927) 209-212; Newcombe, Statistics in Medicine 17 (1998) 857-872, method 3.
 *
 * @param confidence two-sided level, default 0.95
 */
export function wilsonInterval(right: number, total: number, confidence = 0.95): Interval {
  return total === 0 ? { lower: 0, upper: 1 } : wilsonOfQuantile(right, total, normalQuantile(0.5 + confidence / 2));
}

/** The Wilson interval at the level of a normal quantile. */
export function wilsonOfQuantile(right: number, total: number, z: number): Interval {
  const p = right / total;
  const centre = p + (z * z) / (2 * total);
  const spread = z * Math.sqrt((p * (1 - p)) / total + (z * z) / (4 * total * total));
  const scale = 1 + (z * z) / total;
  return {
    // Centre and spread are equal at the ends but for rounding, which would be a proportion that nobody measured.
    lower: right === 0 ? 0 : (centre - spread) / scale,
    upper: right === total ? 1 : (centre + spread) / scale,
  };
}
