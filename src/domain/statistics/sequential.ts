/**
 * A test that stays valid however often it is looked at: the wealth of somebody who bets, round after round and without
 * knowing the future, that one arm is worse than the other. While it is not, no strategy makes money on average, and the
 * chance that the wealth ever reaches 1 / alpha is at most alpha (Ville's inequality).
 *
 * Half of the money is bet from the first round on; the other half is given out over all later rounds, so that there is
 * always fresh money for an arm that gets worse after it was good for long: money spent on the good time would be gone.
 *
 * Sources: Ville, Étude critique de la notion de collectif (1939); Waudby-Smith and Ramdas, Estimating means of bounded
 * random variables by betting, JRSS B 86 (2024) 1-27, section 4; the mixture over stakes is Robbins's, Annals of
 * Mathematical Statistics 41 (1970) 1397-1409, and the one over starting times as in Shin, Ramdas and Rinaldo, E-detectors,
 * New England Journal of Statistics in Data Science 2 (2024) 229-260.
 */
import type { Evidence } from "../looks-schema.ts";

/** What may be lost, and how good a round can be. */
export interface Bounds {
  /** Loss that is allowed, from 0 to below 1: the bet is that the mean difference is below -margin. Default 0. */
  margin?: number;
  /** The largest difference that can come, from 0 to 1; where it is 0, more can be staked. Default 1. */
  highest?: number;
}

/**
 * Shares of the wealth that are staked in each round, as fractions of the largest that can never go bankrupt. Each has an
 * equal part of the money at the start: small ones find small losses, large ones find large losses soon.
 */
const stakes = [0.02, 0.04, 0.07, 0.11, 0.17, 0.25, 0.36, 0.5, 0.68, 0.88];
/** Nothing may be lost and nothing can be won back: one such round is not proof enough to stake all on it. */
const leastRoom = 0.01;
/** More than any alarm needs, and less than a number holds. */
const mostWealth = 1e300;

/** Before the first observation. */
export function noEvidence(): Evidence {
  return { observations: 0, sum: 0, wealth: stakes.map(() => 0) };
}

/**
 * One observation more.
 *
 * @param difference challenger minus champion, higher being better, from -1 to `highest`: of one answer of each to the same
 *   question, or of means of answers that count nowhere else
 * @throws RangeError for a difference outside of that, which no bet could be limited on
 */
export function withObservation(
  { observations, sum, wealth }: Evidence,
  difference: number,
  { margin = 0, highest = 1 }: Bounds = {},
): Evidence {
  if (!(difference >= -1 && difference <= highest))
    throw new RangeError(`a difference must be from -1 to ${highest}, not ${difference}`);
  // The worst round is the highest difference: a stake of 1 / (highest + margin) would then lose everything.
  const largest = 1 / Math.max(highest + margin, leastRoom);
  const gain = -(difference + margin);
  const fresh = observations === 0 ? 1 / 2 : leftAfter(observations - 1) - leftAfter(observations);
  return {
    observations: observations + 1,
    sum: sum + difference,
    wealth: stakes.map((stake, index) =>
      Math.min(((wealth[index] ?? 0) + fresh) * (1 + stake * largest * gain), mostWealth),
    ),
  };
}

/**
 * How often the money at the start is the wealth by now: the e-value against "the challenger is not worse by more than the
 * margin". 1 without observations; 20 and more is an alarm at alpha 0.05.
 */
export function evidenceAgainst({ observations, wealth }: Evidence): number {
  const won = wealth.reduce((total, of) => total + of, 0) / wealth.length;
  return observations === 0 ? 1 : won + leftAfter(observations - 1);
}

/** Whether the challenger is worse by more than the margin; wrong in at most `alpha` of all rollouts, however often asked. */
export function isAlarm(evidence: Evidence, alpha: number): boolean {
  return evidenceAgainst(evidence) >= 1 / alpha;
}

/** Money that is still to be given out so many rounds after the first. */
function leftAfter(rounds: number): number {
  return 1 / (2 * (rounds + 1));
}
