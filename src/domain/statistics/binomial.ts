/** Exact and interval statistics of right/wrong outcomes. */
import { normalQuantile } from "./normal.ts";

/** Natural logarithm of n!, exact to rounding for the sample sizes here (a running sum, no approximation). */
function logFactorials(n: number): Float64Array {
  const table = new Float64Array(n + 1);
  for (let k = 2; k <= n; k++) table[k] = (table[k - 1] ?? 0) + Math.log(k);
  return table;
}

/**
 * Two-sided exact McNemar test: are `gained` (challenger right, champion wrong) and `lost` (the other way round) more
 * uneven than a fair coin makes them? Pairs on which both agree say nothing and do not enter.
 * Source: McNemar, Psychometrika 12 (1947) 153-157, with the exact binomial tail; p = min(1, 2 P(X <= min)), X ~ Bin(gained + lost, 1/2).
 *
 * @returns p-value, 0..1; 1 when there is no disagreement.
 */
export function mcNemarExact(gained: number, lost: number): number {
  const n = gained + lost;
  if (n === 0) return 1;
  const logFactorial = logFactorials(n);
  const term = (k: number): number =>
    Math.exp((logFactorial[n] ?? 0) - (logFactorial[k] ?? 0) - (logFactorial[n - k] ?? 0) - n * Math.LN2);
  let tail = 0;
  for (let k = 0; k <= Math.min(gained, lost); k++) tail += term(k);
  return Math.min(1, 2 * tail);
}

/**
 * Wilson score interval of a proportion.
 * Source: Wilson, JASA 22 (1927) 209-212; Newcombe, Statistics in Medicine 17 (1998) 857-872, method 3.
 *
 * @param confidence two-sided level, default 0.95
 */
export function wilsonInterval(right: number, total: number, confidence = 0.95): { lower: number; upper: number } {
  if (total === 0) return { lower: 0, upper: 1 };
  const z = normalQuantile(0.5 + confidence / 2);
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

/**
 * Interval of the difference of two paired proportions (challenger minus champion), from the discordant pairs.
 * Source: Bonett and Price, Journal of Educational and Behavioral Statistics 37 (2012) 479-488: the Wald interval with one
 * pair added to each discordant cell, which keeps its level in small samples.
 *
 * @param confidence two-sided level, default 0.95
 */
export function pairedDifferenceInterval(
  pairs: { gained: number; lost: number; total: number },
  confidence = 0.95,
): { lower: number; upper: number } {
  const z = normalQuantile(0.5 + confidence / 2);
  const n = pairs.total + 2;
  const gained = (pairs.gained + 1) / n;
  const lost = (pairs.lost + 1) / n;
  const difference = gained - lost;
  const spread = z * Math.sqrt((gained + lost - difference * difference) / n);
  return { lower: Math.max(-1, difference - spread), upper: Math.min(1, difference + spread) };
}

/**
 * Records on which the McNemar test finds a gain, if it is there, as often as `power` says.
 * Source: Connor, Biometrics 43 (1987) 207-211; the exact test needs a few more.
 *
 * @param discordance share of records on which only one of both is right, 0..1; taken to be no less than `gain`
 * @param gain difference of the two proportions, above 0
 * @param alpha two-sided level
 * @param power default 0.8
 */
export function recordsToTell(
  { discordance, gain }: { discordance: number; gain: number },
  alpha: number,
  power = 0.8,
): number {
  const differing = Math.max(discordance, gain);
  const byChance = normalQuantile(1 - alpha / 2) * Math.sqrt(differing);
  const byGain = normalQuantile(power) * Math.sqrt(differing - gain * gain);
  return Math.ceil(((byChance + byGain) / gain) ** 2);
}
