/**
 * The gates of a rollout: pure functions over everything that was observed since it began. Each is one test by betting
 * (see statistics/sequential.ts), so that looking at it after every answer is allowed: a challenger that is not worse is sent
 * back in at most `alpha` of all rollouts, all gates and all looks together, because each gate gets an equal part of it.
 */
import type { GatePolicy, GateVerdict, Observation, RolloutPolicy } from "./rollout-schema.ts";
import { evidenceAgainst, noEvidence, withObservation, type Bounds, type Evidence } from "./statistics/sequential.ts";

/** Latencies of the champion that its p95 is taken from, the newest. */
const latencyWindow = 400;

/** Judges all gates of the policy over the observations of a rollout, oldest first. */
export function judgeGates(
  observations: readonly Observation[],
  { gates, maxErrorRate }: Pick<RolloutPolicy, "gates" | "maxErrorRate">,
): GateVerdict[] {
  const { latency, quality, feedback } = gates;
  const builtIn = 1 + [latency, quality, feedback].filter((gate) => gate !== null).length;
  const alpha = gates.alpha / builtIn;
  return [
    errorGate(observations, maxErrorRate, alpha),
    ...(latency === null ? [] : [latencyGate(observations, latency, alpha)]),
    ...(quality === null ? [] : [qualityGate(observations, quality, alpha)]),
    ...(feedback === null ? [] : [feedbackGate(observations, feedback, alpha)]),
  ];
}

/** One verdict of many: the worst, with the reasons for it. */
export function worstOf(verdicts: readonly GateVerdict[]): Pick<GateVerdict, "verdict"> & { reasons: string[] } {
  const worst = (["fail", "hold"] as const).find((kind) => verdicts.some(({ verdict }) => verdict === kind)) ?? "pass";
  return { verdict: worst, reasons: verdicts.filter(({ verdict }) => verdict === worst).map(({ reason }) => reason) };
}

function errorGate(observations: readonly Observation[], maxErrorRate: number, alpha: number): GateVerdict {
  const answers = observations.flatMap(({ probes }) => probes.map(({ challenger }) => challenger.latencyMs));
  const failed = answers.filter((latencyMs) => latencyMs === null).length;
  // No answer can make up for one that failed: the test may stake more on each, and sees an outage in one look.
  const evidence = sum(
    answers.map((latencyMs) => (latencyMs === null ? -1 : 0)),
    { margin: maxErrorRate, highest: 0 },
  );
  const said = `${failed} of ${answers.length} probe questions got no answer`;
  return judged("error rate", evidence, alpha, `${said}, ${ratio(maxErrorRate)} may`);
}

/**
 * Slow is what takes longer than the champion's p95 before this look, for the challenger with the allowance. Both are counted
 * by one limit that was known before either answered, so that the test is exact however uncertain the p95 is.
 */
function latencyGate(
  observations: readonly Observation[],
  { maxRatio, slackMs }: NonNullable<GatePolicy["latency"]>,
  alpha: number,
): GateVerdict {
  let window: number[] = [];
  let evidence = noEvidence();
  const slow = { challenger: 0, champion: 0 };
  for (const { probes } of observations) {
    const p95Ms = quantile(window, 0.95);
    const answered = probes.flatMap(({ challenger, champion }) =>
      challenger.latencyMs === null || champion === null || champion.latencyMs === null
        ? []
        : [{ challengerMs: challenger.latencyMs, championMs: champion.latencyMs }],
    );
    for (const { challengerMs, championMs } of answered) {
      if (p95Ms === null) break;
      const isSlow = { challenger: challengerMs > p95Ms * maxRatio + slackMs, champion: championMs > p95Ms };
      slow.challenger += Number(isSlow.challenger);
      slow.champion += Number(isSlow.champion);
      evidence = withObservation(evidence, Number(isSlow.champion) - Number(isSlow.challenger));
    }
    window = [...window, ...answered.map(({ championMs }) => championMs)].slice(-latencyWindow);
  }
  const allowed = `${maxRatio} times the champion's p95 and ${slackMs} ms`;
  const said = `${slow.challenger} of ${evidence.observations} answers took longer than ${allowed}, ${slow.champion} of the champion's longer than its p95`;
  return judged("p95 latency", evidence, alpha, evidence.observations === 0 ? "nothing to compare yet" : said);
}

function qualityGate(
  observations: readonly Observation[],
  { margin }: NonNullable<GatePolicy["quality"]>,
  alpha: number,
): GateVerdict {
  const differences = observations.flatMap(({ probes }) =>
    probes.flatMap(({ challenger, champion }) =>
      challenger.score === null || champion === null || champion.score === null
        ? []
        : challenger.score - champion.score,
    ),
  );
  const evidence = sum(differences, { margin });
  return judged("quality on probes", evidence, alpha, `${difference(evidence)}, a loss of ${ratio(margin)} is allowed`);
}

/**
 * What users said of both in the same look is compared, for what they are like at night says nothing about a model. The looks
 * of one that nobody spoke of are taken together with the next. So that no opinion counts twice, which would make one
 * lucky opinion of the champion look like many losses of the challenger, each side is cut into as many parts as the smaller
 * one has opinions, and the means of the parts are compared.
 */
function feedbackGate(
  observations: readonly Observation[],
  { margin, minExposure }: NonNullable<GatePolicy["feedback"]>,
  alpha: number,
): GateVerdict {
  let evidence = noEvidence();
  let pending: Observation["feedback"] = { challenger: [], champion: [] };
  for (const { feedback } of observations) {
    pending = {
      challenger: [...pending.challenger, ...feedback.challenger],
      champion: [...pending.champion, ...feedback.champion],
    };
    const pairs = Math.min(pending.challenger.length, pending.champion.length);
    if (pairs === 0) continue;
    const [challenger, champion] = [meansOf(pending.challenger, pairs), meansOf(pending.champion, pairs)];
    for (const [index, value] of challenger.entries()) {
      evidence = withObservation(evidence, value - (champion[index] ?? value), { margin });
    }
    pending = { challenger: [], champion: [] };
  }
  const heard = observations.reduce((total, { feedback }) => total + feedback.challenger.length, 0);
  const said = `${difference(evidence)}, a loss of ${ratio(margin)} is allowed`;
  const verdict = judged("users' feedback", evidence, alpha, said);
  if (verdict.verdict === "fail" || heard >= minExposure) return verdict;
  const missing = `${heard} of the ${minExposure} pieces of feedback that a step needs`;
  return { ...verdict, verdict: "hold", reason: `users' feedback: ${missing}` };
}

/** Means of so many parts of equal size, but for one more value in the first ones. */
function meansOf(values: readonly number[], parts: number): number[] {
  const start = (part: number): number => Math.ceil((part * values.length) / parts);
  return Array.from({ length: parts }, (_, part) => mean(values.slice(start(part), start(part + 1))));
}

function judged(gate: string, evidence: Evidence, alpha: number, said: string): GateVerdict {
  const against = evidenceAgainst(evidence);
  const isWorse = against >= 1 / alpha;
  const odds = `evidence ${against.toFixed(1)}, ${(1 / alpha).toFixed(0)} sends back`;
  return { gate, verdict: isWorse ? "fail" : "pass", reason: `${gate}: ${said} (${odds})` };
}

function sum(differences: readonly number[], bounds: Bounds): Evidence {
  return differences.reduce((evidence, value) => withObservation(evidence, value, bounds), noEvidence());
}

function difference({ observations, sum: total }: Evidence): string {
  if (observations === 0) return "nothing to compare yet";
  const points = (total / observations) * 100;
  return `${points >= 0 ? "+" : ""}${points.toFixed(1)} points over ${observations}`;
}

function mean(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}

/** The value that a share of all values does not exceed; null of none. */
function quantile(values: readonly number[], share: number): number | null {
  return values.toSorted((a, b) => a - b)[Math.ceil(share * values.length) - 1] ?? null;
}

function ratio(value: number): string {
  return `${(value * 100).toFixed(1)} %`;
}
