/**
 * What resampling says of two models' values on the same records: intervals by the paired bootstrap, p-values by it and by
 * swapping. Same input, same numbers, on every machine.
 *
 * Intervals are percentiles, made wider for small samples, and not BCa: its acceleration comes from a jackknife, which says
 * nothing of quantiles such as a p95, and percentiles are right for a ratio whenever they are for its difference.
 * Sources: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13 (percentiles), 16 (tests); Davison and
 * Hinkley, Bootstrap Methods and their Application (1997), 4.2 and 5.2.3 (counts plus one); Hesterberg, The American
 * Statistician 69 (2015) 371-386, 5.2 (wider percentiles, as narrow samples give narrow bootstraps).
 */
import type { Interval } from "../comparison-schema.ts";
import { normalQuantile, normalShareBelow, studentOfNormal } from "./normal.ts";
import { randomWords, type RandomWords } from "./random.ts";

/** A statistic of records; each counts as often as its weight says, once without. Null where there is none. */
export type WeightedStatistic = (weights?: Uint32Array) => number | null;

export interface Resampling {
  /** Records, at least 2. */
  records: number;
  /** Two-sided level of the intervals, and one-sided of `oneSided`. */
  alpha: number;
  /** Default {@link resamplesFor}. */
  resamples?: number;
  /** A whole number; default 42. */
  seed?: number;
  /**
   * Largest and smallest value that a record can have, where there are such: intervals are then no wider than they allow and
   * as wide as if one record that nobody has seen had moved all the way, once to each side. This is what Bonett and Price,
   * Journal of Educational and Behavioral Statistics 37 (2012) 479-488, do for pairs of right and wrong: a sample in which
   * nothing differs does not show that nothing ever will.
   */
  bounds?: Interval;
}

/** The difference of two models, challenger minus champion. */
export interface ResampledDifference {
  value: number;
  /** At 1 - alpha. */
  twoSided: Interval;
  /** At 1 - 2 alpha. */
  oneSided: Interval;
  /** Two-sided. */
  p: number;
  /** Challenger over champion at 1 - 2 alpha; null where the champion's value is not above 0 in all resamples. */
  ratio: Interval | null;
}

export interface ResampledPair {
  championInterval: Interval;
  challengerInterval: Interval;
  difference: ResampledDifference;
}

/** Resamples by which the ends of an interval at `alpha` rest on 50 of them each: 2,000 at 0.05, at most 20,000. */
export function resamplesFor(alpha: number): number {
  return Math.min(20_000, Math.max(2_000, Math.ceil(100 / alpha)));
}

/**
 * Interval of one model's statistic at 1 - alpha.
 *
 * @returns null where the statistic has no value, or none in a resample
 */
export function bootstrapInterval(statistic: WeightedStatistic, resampling: Resampling): Interval | null {
  const value = statistic();
  const { records, alpha, resamples = resamplesFor(alpha), seed = 42, bounds } = resampling;
  const draw = drawing(randomWords(seed), records);
  const replicates = new Float64Array(resamples);
  for (let index = 0; index < resamples; index++) replicates[index] = statistic(draw()) ?? Number.NaN;
  if (value === null || !isUsable(replicates)) return null;
  return widened(percentiles(replicates, records, alpha), value, unseen(resampling, alpha), bounds);
}

/**
 * Compares the statistic of the champion's values with that of the challenger's. `pooled` is the same statistic of the
 * champion's values followed by the challenger's, record by record in the same order.
 *
 * p is the larger of two. That of the bootstrap, which agrees with its interval, is right in large samples whatever the
 * models are. That of swapping answers between the models, record by record at random, is exact in all samples for models
 * that are alike (Noreen, Computer-Intensive Methods for Testing Hypotheses (1989); Yeh, COLING 2000, 947-953).
 *
 * @returns null where a statistic has no value, or none in a resample
 */
export function pairedBootstrap(
  statistics: Record<"champion" | "challenger" | "pooled", WeightedStatistic>,
  resampling: Resampling,
): ResampledPair | null {
  const { records, alpha, resamples = resamplesFor(alpha), seed = 42, bounds } = resampling;
  const [before, after] = [statistics.champion(), statistics.challenger()];
  if (before === null || after === null) return null;
  const value = after - before;
  const fill = randomWords(seed);
  const draw = drawing(fill, records);
  const [champion, challenger] = [new Float64Array(resamples), new Float64Array(resamples)];
  for (let index = 0; index < resamples; index++) {
    const weights = draw();
    champion[index] = statistics.champion(weights) ?? Number.NaN;
    challenger[index] = statistics.challenger(weights) ?? Number.NaN;
  }
  const difference = challenger.map((replicate, index) => replicate - (champion[index] ?? Number.NaN));
  if (!isUsable(difference)) return null;
  const ratios = challenger.map((replicate, index) => replicate / (champion[index] ?? Number.NaN));
  const isPositive = before > 0 && champion.every((replicate) => replicate > 0);
  const swapped = shareOfSwaps(statistics.pooled, value, { records, resamples, fill });
  const ofDifference = bounds && { lower: bounds.lower - bounds.upper, upper: bounds.upper - bounds.lower };
  const interval = (level: number): Interval =>
    widened(percentiles(difference, records, level), value, Math.SQRT2 * unseen(resampling, level), ofDifference);
  const alone = (replicates: Float64Array, of: number): Interval =>
    widened(percentiles(replicates, records, alpha), of, unseen(resampling, alpha), bounds);
  return {
    championInterval: alone(champion, before),
    challengerInterval: alone(challenger, after),
    difference: {
      value,
      twoSided: interval(alpha),
      oneSided: interval(2 * alpha),
      p: Math.max(shareBeyondZero(difference, records), swapped ?? 1),
      ratio: isPositive ? ofRatios(ratios, { before, after }, resampling) : null,
    },
  };
}

/** The ratio has the room that the difference has, as a share of the champion's value: what is unseen is so for both. */
function ofRatios(
  ratios: Float64Array,
  { before, after }: { before: number; after: number },
  resampling: Resampling,
): Interval {
  const level = 2 * resampling.alpha;
  const reach = (Math.SQRT2 * unseen(resampling, level)) / before;
  const bounds = resampling.bounds && { lower: 0, upper: Infinity };
  return widened(percentiles(ratios, resampling.records, level), after / before, reach, bounds);
}

/** Draws as many records as there are, with replacement, and says how often each was drawn. */
function drawing(fill: RandomWords, records: number): () => Uint32Array {
  const [words, weights] = [new Uint32Array(records), new Uint32Array(records)];
  const scale = records / 2 ** 32;
  return () => {
    fill(words);
    weights.fill(0);
    for (let drawn = 0; drawn < words.length; drawn++) {
      const index = Math.floor((words[drawn] ?? 0) * scale);
      weights[index] = (weights[index] ?? 0) + 1;
    }
    return weights;
  };
}

/** Share of the swapped samples, the one at hand among them, with a difference of at least this size; null where one has none. */
function shareOfSwaps(
  pooled: WeightedStatistic,
  value: number,
  { records, resamples, fill }: { records: number; resamples: number; fill: RandomWords },
): number | null {
  const size = Math.abs(value) * (1 - 1e-9);
  const [one, other] = [new Uint32Array(2 * records), new Uint32Array(2 * records)];
  let asLarge = 1;
  const words = new Uint32Array(Math.ceil(records / 32));
  for (let sample = 0; sample < resamples; sample++) {
    fill(words);
    for (let record = 0; record < records; record++) {
      const swap = ((words[record >>> 5] ?? 0) >>> (record & 31)) & 1;
      one[record] = swap;
      one[records + record] = 1 - swap;
      other[record] = 1 - swap;
      other[records + record] = swap;
    }
    const [first, second] = [pooled(one), pooled(other)];
    if (first === null || second === null) return null;
    if (Math.abs(first - second) >= size) asLarge++;
  }
  return asLarge / (resamples + 1);
}

/** How many standard errors a percentile interval must reach to keep the level of `z`, of which a small sample falls short. */
function expanded(z: number, records: number): number {
  return Math.sqrt(records / (records - 1)) * studentOfNormal(z, records - 1);
}

/** Percentiles that leave out `alpha`, half of it on each side. */
function percentiles(replicates: Float64Array, records: number, alpha: number): Interval {
  const tail = normalShareBelow(-expanded(normalQuantile(1 - alpha / 2), records));
  const rank = Math.max(1, Math.floor((replicates.length + 1) * tail));
  const sorted = replicates.toSorted();
  return { lower: sorted[rank - 1] ?? Number.NaN, upper: sorted[replicates.length - rank] ?? Number.NaN };
}

/** The level at which the percentile interval of the replicates ends at 0. */
function shareBeyondZero(replicates: Float64Array, records: number): number {
  const below = replicates.reduce((count, replicate) => count + (replicate <= 0 ? 1 : 0), 1);
  const above = replicates.reduce((count, replicate) => count + (replicate >= 0 ? 1 : 0), 1);
  const share = Math.min(below, above) / (replicates.length + 1);
  if (share >= 0.5) return 1;
  const reached = -normalQuantile(share);
  let [low, high] = [0, reached];
  for (let step = 0; step < 50; step++) {
    const middle = (low + high) / 2;
    if (expanded(middle, records) < reached) low = middle;
    else high = middle;
  }
  return 2 * normalShareBelow(-low);
}

/** How far a record that nobody has seen may move a mean. */
function unseen({ records, bounds }: Resampling, alpha: number): number {
  if (bounds === undefined) return 0;
  return (normalQuantile(1 - alpha / 2) * (bounds.upper - bounds.lower)) / (records + 2);
}

function widened({ lower, upper }: Interval, value: number, reach: number, bounds: Interval | undefined): Interval {
  const add = (side: number): number => Math.sqrt(side * side + reach * reach);
  const ends = { lower: value - add(value - lower), upper: value + add(upper - value) };
  if (bounds === undefined) return { lower, upper };
  return { lower: Math.max(bounds.lower, ends.lower), upper: Math.min(bounds.upper, ends.upper) };
}

function isUsable(replicates: Float64Array): boolean {
  return replicates.every((replicate) => Number.isFinite(replicate));
}
