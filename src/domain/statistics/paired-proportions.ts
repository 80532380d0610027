/** Intervals of the difference and of the ratio of two paired proportions. Differences are the first minus the second. */
import type { Interval } from "../comparison-schema.ts";
import { wilsonInterval, wilsonOfQuantile } from "./binomial.ts";
import { normalQuantile } from "./normal.ts";

/** Records asked of both models, by who was right. */
export interface Pairs {
  /** Only the challenger. */
  gained: number;
  /** Only the champion. */
  lost: number;
  /** All records, those on which both agree included. */
  total: number;
}

/** Pairs and how often both were right, which is what an interval of the proportions themselves needs. */
export interface PairsWithBoth extends Pairs {
  both: number;
}

/**
 * Asymptotic score interval of the difference of two paired proportions: the differences that the score test does not
 * reject. Needs the discordant pairs only, and is never empty, also without any.
 *
 * Decisions use it, one-sided for guards, because it keeps its level where the others do not: with few pairs that differ, a
 * margin about as large as their share, and the challenger worse by just the margin (bench `decision` measures it).
 * Source: Tango, Statistics in Medicine 17 (1998) 891-908; recommended by Fagerland, Lydersen and Laake, Statistics in
 * Medicine 33 (2014) 2850-2875.
 *
 * @param confidence two-sided level, default 0.95
 */
export function tangoInterval(pairs: Pairs, confidence = 0.95): Interval {
  if (pairs.total === 0) return { lower: -1, upper: 1 };
  const z = normalQuantile(0.5 + confidence / 2);
  const estimate = (pairs.gained - pairs.lost) / pairs.total;
  return {
    lower: whereScore(pairs, z, -1, estimate),
    upper: whereScore(pairs, -z, estimate, 1),
  };
}

/** The difference between `from` and `to` at which the score is `z`; the score falls as the difference rises. */
function whereScore(pairs: Pairs, z: number, from: number, to: number): number {
  let [below, above] = [from, to];
  for (let step = 0; step < 60; step++) {
    const middle = (below + above) / 2;
    if (score(pairs, middle) > z) below = middle;
    else above = middle;
  }
  return (below + above) / 2;
}

/** How many standard errors the observed difference is above the assumed one. */
function score({ gained, lost, total }: Pairs, difference: number): number {
  const b = -gained - lost + (2 * total - gained + lost) * difference;
  const c = -lost * difference * (1 - difference);
  const lostShare = (Math.sqrt(Math.max(0, b * b - 8 * total * c)) - b) / (4 * total);
  const variance = total * (2 * lostShare + difference * (1 - difference));
  const excess = gained - lost - total * difference;
  // At -1 and 1, and where rounding leaves no variance, only the direction counts.
  return variance <= 0 ? Math.sign(excess) * Infinity : excess / Math.sqrt(variance);
}

/**
 * Hybrid score interval of the difference of two paired proportions, which the bench `decision` holds Tango's against.
 * Source: Newcombe, Statistics in Medicine 17 (1998) 2635-2650, method 10.
 *
 * @param confidence two-sided level, default 0.95
 */
export function newcombePairedInterval({ both, gained, lost, total }: PairsWithBoth, confidence = 0.95): Interval {
  const [challenger, champion] = [both + gained, both + lost];
  const neither = total - both - gained - lost;
  const product = challenger * (total - challenger) * champion * (total - champion);
  const cross = both * neither - gained * lost;
  const corrected = cross > total / 2 ? cross - total / 2 : Math.min(cross, 0);
  const correlation = product === 0 ? 0 : corrected / Math.sqrt(product);
  const [p1, p2] = [challenger / total, champion / total];
  const [one, other] = [wilsonInterval(challenger, total, confidence), wilsonInterval(champion, total, confidence)];
  const side = (a: number, b: number): number => Math.sqrt(Math.max(0, a * a - 2 * correlation * a * b + b * b));
  return {
    lower: p1 - p2 - side(p1 - one.lower, other.upper - p2),
    upper: p1 - p2 + side(one.upper - p1, p2 - other.lower),
  };
}

/**
 * Hybrid Wilson interval of the ratio of two paired proportions, challenger's over champion's; the upper end is infinite
 * where the champion's may be 0.
 * Source: Bonett and Price, Statistics in Medicine 25 (2006) 3039-3047.
 *
 * @param confidence two-sided level, default 0.95
 */
export function pairedRatioInterval({ both, gained, lost }: Omit<PairsWithBoth, "total">, confidence = 0.95): Interval {
  const [challenger, champion, either] = [both + gained, both + lost, both + gained + lost];
  if (either === 0) return { lower: 0, upper: Infinity };
  const ofRatio = Math.sqrt((gained + lost + 2) / ((challenger + 1) * (champion + 1)));
  const ofOne = (right: number): number => Math.sqrt((1 - (right + 1) / (either + 2)) / (right + 1));
  const z = (ofRatio / (ofOne(challenger) + ofOne(champion))) * normalQuantile(0.5 + confidence / 2);
  const [one, other] = [wilsonOfQuantile(challenger, either, z), wilsonOfQuantile(champion, either, z)];
  return { lower: one.lower / other.upper, upper: other.lower === 0 ? Infinity : one.upper / other.lower };
}
