/**
 * The gates of a rollout: pure functions over everything that was observed since it began, look after look, so that a look
 * costs the same however many came before. Each is one test by betting (see statistics/sequential.ts), so that looking at it
 * after every answer is allowed: a challenger that is not worse is sent back in at most `alpha` of all rollouts, all gates
 * and all looks together, because each gate gets an equal part of it.
 */
import type { Evidence, GateEvidence } from "./looks-schema.ts";
import { grouped } from "./reading.ts";
import type { GatePolicy, GateVerdict, Observation, RolloutPolicy } from "./rollout-schema.ts";
import { evidenceAgainst, noEvidence, withObservation, type Bounds } from "./statistics/sequential.ts";

/** Latencies of the champion that its p95 is taken from, the newest. */
const latencyWindow = 400;
/** Opinions of one version that wait for some of the other, the newest. */
const mostPending = 1000;

/** What gates go by. */
export type GateRules = Pick<RolloutPolicy, "gates" | "maxErrorRate">;

/** Before the first look. */
export function noGateEvidence(): GateEvidence {
  return {
    errors: { failed: 0, evidence: noEvidence() },
    latency: { windowMs: [], slow: { challenger: 0, champion: 0 }, evidence: noEvidence() },
    quality: noEvidence(),
    feedback: {
      pending: { challenger: [], champion: [] },
      atShare: { percent: 0, heard: 0 },
      evidence: noEvidence(),
    },
  };
}

/** One look more. */
export function withLook(
  { errors, latency, quality, feedback }: GateEvidence,
  observation: Observation,
  { gates, maxErrorRate }: GateRules,
): GateEvidence {
  return {
    errors: withErrors(errors, observation, maxErrorRate),
    latency: gates.latency === null ? latency : withLatencies(latency, observation, gates.latency),
    quality: gates.quality === null ? quality : withQuality(quality, observation, gates.quality),
    feedback: gates.feedback === null ? feedback : withFeedback(feedback, observation, gates.feedback),
  };
}

/** Judges all gates of the policy. */
export function judgeGates(
  { errors, latency, quality, feedback }: GateEvidence,
  { gates, maxErrorRate }: GateRules,
): GateVerdict[] {
  const builtIn = 1 + [gates.latency, gates.quality, gates.feedback].filter((gate) => gate !== null).length;
  const alpha = gates.alpha / builtIn;
  return [
    errorGate(errors, maxErrorRate, alpha),
    ...(gates.latency === null ? [] : [latencyGate(latency, gates.latency, alpha)]),
    ...(gates.quality === null ? [] : [qualityGate(quality, gates.quality, alpha)]),
    ...(gates.feedback === null ? [] : [feedbackGate(feedback, gates.feedback, alpha)]),
  ];
}

/** One verdict of many: the worst, with the reasons for it. */
export function worstOf(verdicts: readonly GateVerdict[]): Pick<GateVerdict, "verdict"> & { reasons: string[] } {
  const worst = (["fail", "hold"] as const).find((kind) => verdicts.some(({ verdict }) => verdict === kind)) ?? "pass";
  return { verdict: worst, reasons: verdicts.filter(({ verdict }) => verdict === worst).map(({ reason }) => reason) };
}

function withErrors(
  { failed, evidence }: GateEvidence["errors"],
  { probes }: Observation,
  maxErrorRate: number,
): GateEvidence["errors"] {
  const losses = probes.map(({ challenger }) => (challenger.latencyMs === null ? -1 : 0));
  return {
    failed: failed + losses.filter((loss) => loss < 0).length,
    // No answer can make up for one that failed: the test may stake more on each, and sees an outage in one look.
    evidence: withAll(evidence, losses, { margin: maxErrorRate, highest: 0 }),
  };
}

function errorGate({ failed, evidence }: GateEvidence["errors"], maxErrorRate: number, alpha: number): GateVerdict {
  const said = `${failed} of ${evidence.observations} probe questions got no answer`;
  return judged("error rate", evidence, alpha, `${said}, ${ratio(maxErrorRate)} may`);
}

/**
 * Slow is what takes longer than the champion's p95 before this look, for the challenger with the allowance. Both are counted
 * by one limit that was known before either answered, so that the test is exact however uncertain the p95 is.
 */
function withLatencies(
  { windowMs, slow, evidence }: GateEvidence["latency"],
  { probes }: Observation,
  { maxRatio, slackMs }: NonNullable<GatePolicy["latency"]>,
): GateEvidence["latency"] {
  const p95Ms = quantile(windowMs, 0.95);
  const answered = probes.flatMap(({ challenger, champion }) =>
    challenger.latencyMs === null || champion === null || champion.latencyMs === null
      ? []
      : [{ challengerMs: challenger.latencyMs, championMs: champion.latencyMs }],
  );
  const slower =
    p95Ms === null
      ? []
      : answered.map(({ challengerMs, championMs }) => ({
          challenger: Number(challengerMs > p95Ms * maxRatio + slackMs),
          champion: Number(championMs > p95Ms),
        }));
  const differences = slower.map(({ challenger, champion }) => champion - challenger);
  return {
    windowMs: [...windowMs, ...answered.map(({ championMs }) => championMs)].slice(-latencyWindow),
    slow: {
      challenger: slower.reduce((total, { challenger }) => total + challenger, slow.challenger),
      champion: slower.reduce((total, { champion }) => total + champion, slow.champion),
    },
    evidence: withAll(evidence, differences),
  };
}

function latencyGate(
  { slow, evidence }: GateEvidence["latency"],
  { maxRatio, slackMs }: NonNullable<GatePolicy["latency"]>,
  alpha: number,
): GateVerdict {
  const allowed = `${maxRatio} times the champion's p95 and ${slackMs} ms`;
  const said = `${slow.challenger} of ${evidence.observations} answers took longer than ${allowed}, ${slow.champion} of the champion's longer than its p95`;
  return judged("p95 latency", evidence, alpha, evidence.observations === 0 ? "nothing to compare yet" : said);
}

function withQuality(
  evidence: Evidence,
  { probes }: Observation,
  { margin }: NonNullable<GatePolicy["quality"]>,
): Evidence {
  const differences = probes.flatMap(({ challenger, champion }) =>
    challenger.score === null || champion === null || champion.score === null ? [] : challenger.score - champion.score,
  );
  return withAll(evidence, differences, { margin });
}

function qualityGate(evidence: Evidence, { margin }: NonNullable<GatePolicy["quality"]>, alpha: number): GateVerdict {
  return judged("quality on probes", evidence, alpha, `${difference(evidence)}, a loss of ${ratio(margin)} is allowed`);
}

/**
 * What users said of both in the same look is compared, for what they are like at night says nothing about a model. The looks
 * of one that nobody spoke of are taken together with the next. So that no opinion counts twice, which would make one
 * lucky opinion of the champion look like many losses of the challenger, each side is cut into as many parts as the smaller
 * one has opinions, and the means of the parts are compared.
 */
function withFeedback(
  { pending, atShare, evidence }: GateEvidence["feedback"],
  { challengerPercent, feedback }: Observation,
  { margin }: NonNullable<GatePolicy["feedback"]>,
): GateEvidence["feedback"] {
  const before = atShare.percent === challengerPercent ? atShare.heard : 0;
  const heard = {
    challenger: [...pending.challenger, ...feedback.challenger],
    champion: [...pending.champion, ...feedback.champion],
  };
  const pairs = Math.min(heard.challenger.length, heard.champion.length);
  const [challenger, champion] = [meansOf(heard.challenger, pairs), meansOf(heard.champion, pairs)];
  const differences = challenger.map((value, index) => value - (champion[index] ?? value));
  return {
    // One side of it is empty at least.
    pending:
      pairs > 0
        ? { challenger: [], champion: [] }
        : { challenger: heard.challenger.slice(-mostPending), champion: heard.champion.slice(-mostPending) },
    atShare: { percent: challengerPercent, heard: before + feedback.challenger.length },
    evidence: withAll(evidence, differences, { margin }),
  };
}

function feedbackGate(
  { atShare, evidence }: GateEvidence["feedback"],
  { margin, minExposure }: NonNullable<GatePolicy["feedback"]>,
  alpha: number,
): GateVerdict {
  const said = `${difference(evidence)}, a loss of ${ratio(margin)} is allowed`;
  const verdict = judged("users' feedback", evidence, alpha, said);
  if (verdict.verdict === "fail" || atShare.heard >= minExposure) return verdict;
  const missing = `${atShare.heard} of the ${minExposure} opinions that are needed at ${atShare.percent} %`;
  return { ...verdict, verdict: "hold", reason: `users' feedback: ${missing}` };
}

/** Means of so many parts of equal size, but for one more value in the first ones. */
function meansOf(values: readonly number[], parts: number): number[] {
  const start = (part: number): number => Math.ceil((part * values.length) / parts);
  return Array.from({ length: parts }, (_, part) => mean(values.slice(start(part), start(part + 1))));
}

/** Evidence that is written out; more of it says nothing more to people. */
const mostShown = 10_000;

function judged(gate: string, evidence: Evidence, alpha: number, said: string): GateVerdict {
  const against = evidenceAgainst(evidence);
  const isWorse = against >= 1 / alpha;
  const shown = against < mostShown ? against.toFixed(1) : `over ${grouped(mostShown)}`;
  const odds = `evidence ${shown}, ${(1 / alpha).toFixed(0)} sends back`;
  return { gate, verdict: isWorse ? "fail" : "pass", reason: `${gate}: ${said} (${odds})` };
}

function withAll(evidence: Evidence, differences: readonly number[], bounds: Bounds = {}): Evidence {
  return differences.reduce((seen, value) => withObservation(seen, value, bounds), evidence);
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
