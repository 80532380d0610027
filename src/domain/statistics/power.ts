/** How many records it takes. All of them plan for one test at `alpha`, to succeed as often as `power` says. */
import { normalQuantile } from "./normal.ts";

/** How often a difference is to be found where it is said how many records that takes. */
export const usualPower = 0.8;

/**
 * Records on which the exact McNemar test finds a gain, and the gain that is seen is at least `leastGain`.
 * Source: Connor, Biometrics 43 (1987) 207-211, with the continuity correction that an exact test asks for (the derivation of
 * Fleiss, Tytun and Ury, Biometrics 36 (1980) 343-346, for one sample of pairs).
 *
 * @param discordance share of records on which only one of both is right, 0..1; taken to be no less than `gain`
 * @param gain difference of the two proportions, above 0
 * @param leastGain below `gain`, default 0
 * @param alpha two-sided level
 */
export function recordsForPairs(
  { discordance, gain, leastGain = 0 }: { discordance: number; gain: number; leastGain?: number },
  alpha: number,
  power = usualPower,
): number {
  const differing = Math.max(discordance, gain);
  const deviation = Math.sqrt(differing - gain * gain);
  const byChance = normalQuantile(1 - alpha / 2) * Math.sqrt(differing);
  const byGain = normalQuantile(power) * deviation;
  const uncorrected = ((byChance + byGain) / gain) ** 2;
  const corrected = (uncorrected / 4) * (1 + Math.sqrt(1 + 4 / (uncorrected * gain))) ** 2;
  return Math.ceil(Math.max(corrected, (byGain / (gain - leastGain)) ** 2));
}

/**
 * Records on which a test of a mean difference finds a gain, and the gain that is seen is at least `leastGain`.
 * Source: the normal formula with the correction for an estimated variance of Guenther, The American Statistician 35 (1981)
 * 243-244.
 *
 * @param deviation standard deviation of the records' differences, in the unit of `gain`
 * @param gain above 0
 * @param leastGain below `gain`, default 0
 * @param alpha two-sided level
 */
export function recordsForMean(
  { deviation, gain, leastGain = 0 }: { deviation: number; gain: number; leastGain?: number },
  alpha: number,
  power = usualPower,
): number {
  const [z, ofPower] = [normalQuantile(1 - alpha / 2), normalQuantile(power)];
  const toTell = (((z + ofPower) * deviation) / gain) ** 2 + (z * z) / 2;
  return Math.ceil(Math.max(toTell, ((ofPower * deviation) / (gain - leastGain)) ** 2));
}

/**
 * Records on which two models that are equally often right pass a guard with this margin, by the score test that
 * `tangoInterval` inverts.
 * Source: Nam, Biometrics 53 (1997) 1422-1430.
 *
 * @param discordance share of records on which only one of both is right, above 0
 * @param margin above 0
 * @param alpha one-sided level
 */
export function recordsForPairsWithin(
  { discordance, margin }: { discordance: number; margin: number },
  alpha: number,
  power = usualPower,
): number {
  // What the share of lost pairs is estimated to be by who takes the challenger to be worse by the margin.
  const b = discordance + 2 * margin;
  const lost = (b + Math.sqrt(b * b - 4 * discordance * margin * (1 + margin))) / 4;
  const byChance = normalQuantile(1 - alpha) * Math.sqrt(2 * lost - margin * (1 + margin));
  const byPower = normalQuantile(power) * Math.sqrt(discordance);
  return Math.ceil(((byChance + byPower) / margin) ** 2);
}

/**
 * Records on which two models with equal means pass a guard with this margin.
 * Source: Julious, Statistics in Medicine 23 (2004) 1921-1986, non-inferiority of normal outcomes, with Guenther's correction.
 *
 * @param deviation standard deviation of the records' differences, in the unit of `margin`
 * @param margin above 0
 * @param alpha one-sided level
 */
export function recordsForMeanWithin(
  { deviation, margin }: { deviation: number; margin: number },
  alpha: number,
  power = usualPower,
): number {
  const z = normalQuantile(1 - alpha);
  return Math.ceil((((z + normalQuantile(power)) * deviation) / margin) ** 2 + (z * z) / 2);
}
