/**
 * The gates of a rollout by simulation: how often equal arms are sent back when one looks after every single observation,
 * and after how many requests a real loss is seen. Users' feedback on both arms is drawn with a fixed seed.
 */
import { isAlarm, noEvidence, withObservation } from "../../src/domain/statistics/sequential.ts";
import { judgeGates, noGateEvidence, withLook, worstOf } from "../../src/domain/gates.ts";
import { rolloutPolicySchema, type Observation } from "../../src/domain/rollout-schema.ts";
import { seededRandom, type Random } from "../../src/recipes/embedded/random.ts";

const rollouts = 2000;
const alpha = 0.05;
/** Observations of the challenger in one rollout, each beside one of the champion. */
const longest = 5000;
/** Share of good answers of the champion. */
const goodRatio = 0.8;

export interface GateFigures {
  /** Share of rollouts of an equal challenger that one gate sends back, looked at after each observation. */
  falseAlarmRate: number;
  /** The same of all gates together, looked at after each 8 probe questions, 30 times. */
  falseAlarmRateAllGates: number;
  /** Median number of requests, of both arms, until a loss of 5 points is seen. */
  detectionRequests: number;
}

export async function bench(report: (line: string) => void): Promise<GateFigures> {
  const random = seededRandom(7);
  const equal = Array.from({ length: rollouts }, () => firstAlarm(random, goodRatio, longest));
  const falseAlarmRate = share(equal, (at) => at !== null);
  report(`equal arms: ${percent(falseAlarmRate)} of ${rollouts} rollouts alarm within ${longest} observations`);

  const falseAlarmRateAllGates = share(
    Array.from({ length: rollouts }, () => isSentBack(random)),
    (sentBack) => sentBack,
  );
  report(`equal arms: ${percent(falseAlarmRateAllGates)} of ${rollouts} rollouts are sent back by any gate`);

  const worse = Array.from({ length: rollouts }, () => firstAlarm(random, goodRatio - 0.05, 100_000) ?? Infinity);
  const median = worse.toSorted((a, b) => a - b)[rollouts / 2] ?? Infinity;
  const slow = worse.toSorted((a, b) => a - b)[Math.floor(rollouts * 0.95)];
  report(`5 points worse: seen after ${2 * median} requests, in 95 % of rollouts after ${2 * (slow ?? Infinity)}`);
  return { falseAlarmRate, falseAlarmRateAllGates, detectionRequests: 2 * median };
}

/** The observation after which the gate says that the challenger is worse; null when it never does. */
function firstAlarm(random: Random, challengerRatio: number, most: number): number | null {
  let evidence = noEvidence();
  for (let count = 1; count <= most; count++) {
    const difference = Number(random() < challengerRatio) - Number(random() < goodRatio);
    evidence = withObservation(evidence, difference);
    if (isAlarm(evidence, alpha)) return count;
  }
  return null;
}

/** Whether the gates of the default policy, without the margins that make them lenient, send back an equal challenger. */
function isSentBack(random: Random): boolean {
  const policy = rolloutPolicySchema.parse({
    gates: { alpha, latency: { maxRatio: 1, slackMs: 0 }, quality: { margin: 0 }, feedback: { margin: 0 } },
  });
  let evidence = noGateEvidence();
  for (let look = 0; look < 30; look++) {
    evidence = withLook(evidence, equalObservation(random, policy.maxErrorRate), policy);
    if (worstOf(judgeGates(evidence, policy)).verdict === "fail") return true;
  }
  return false;
}

function equalObservation(random: Random, errorRate: number): Observation {
  const answer = (): Observation["probes"][number]["challenger"] => ({
    latencyMs: random() < errorRate ? null : 50 - 200 * Math.log(1 - random()),
    score: Number(random() < goodRatio),
  });
  const users = (): number[] => Array.from({ length: 8 }, () => Number(random() < goodRatio));
  return {
    at: "2026-01-01T00:00:00Z",
    challengerPercent: 50,
    probes: Array.from({ length: 8 }, (_, index) => ({ id: `${index}`, challenger: answer(), champion: answer() })),
    feedback: { challenger: users(), champion: users() },
    feedbackUpTo: null,
  };
}

function share<T>(values: readonly T[], holds: (value: T) => boolean): number {
  return values.filter(holds).length / values.length;
}

function percent(ratio: number): string {
  return `${(ratio * 100).toFixed(1)} %`;
}
