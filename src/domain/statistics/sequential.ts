/**
 * A test that stays valid however often it is looked at: the wealth of somebody who bets, round after round and without
 * knowing the future, that one arm is worse than the other. While it is not, no strategy makes money on average, and the
 * chance that the wealth ever reaches 1 / alpha is at most alpha (Ville's inequality).
 * Sources: Ville, Étude critique de la notion de collectif (1939); Waudby-Smith and Ramdas, Estimating means of bounded
 * random variables by betting, JRSS B 86 (2024) 1-27, section 4; the mixture over stakes is Robbins's, Annals of
 * Mathematical Statistics 41 (1970) 1397-1409.
 */

/** What has been seen of one comparison so far; plain JSON. */
export interface Evidence {
  observations: number;
  /** Of the differences, challenger minus champion. */
  sum: number;
  /** Natural logarithm of the wealth that each stake has come to. */
  logWealth: number[];
}

/**
 * Shares of the wealth that are staked in each round, as fractions of the largest that can never go bankrupt. Each has an
 * equal part of the money at the start: small ones find small losses, large ones find large losses soon.
 */
const stakes = [0.02, 0.04, 0.07, 0.11, 0.17, 0.25, 0.36, 0.5, 0.68, 0.88];

/** Before the first observation. */
export function noEvidence(): Evidence {
  return { observations: 0, sum: 0, logWealth: stakes.map(() => 0) };
}

/**
 * One observation more.
 *
 * @param difference challenger minus champion, higher being better, from -1 to 1: of one answer of each to the same question, or
 *   of one answer of the challenger and the mean of those that the champion gave at the same time
 * @param margin loss that is allowed, from 0 to below 1: the bet is that the mean difference is below -margin
 * @throws RangeError for a difference outside of -1 to 1, which no bet could be limited on
 */
export function withObservation(evidence: Evidence, difference: number, margin = 0): Evidence {
  if (!(difference >= -1 && difference <= 1))
    throw new RangeError(`a difference must be from -1 to 1, not ${difference}`);
  // The worst round is a difference of 1: a stake of 1 / (1 + margin) would then lose everything.
  const largest = 1 / (1 + margin);
  const gain = -(difference + margin);
  return {
    observations: evidence.observations + 1,
    sum: evidence.sum + difference,
    logWealth: stakes.map((stake, index) => (evidence.logWealth[index] ?? 0) + Math.log1p(stake * largest * gain)),
  };
}

/**
 * How often the money at the start is the wealth by now: the e-value against "the challenger is not worse by more than the
 * margin". 1 without observations; 20 and more is an alarm at alpha 0.05.
 */
export function evidenceAgainst({ logWealth }: Evidence): number {
  const highest = Math.max(...logWealth);
  const others = logWealth.reduce((sum, log) => sum + Math.exp(log - highest), 0);
  return (Math.exp(highest) * others) / logWealth.length;
}

/** Whether the challenger is worse by more than the margin; wrong in at most `alpha` of all rollouts, however often asked. */
export function isAlarm(evidence: Evidence, alpha: number): boolean {
  return evidenceAgainst(evidence) >= 1 / alpha;
}
