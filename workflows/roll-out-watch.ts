/** How long a rollout stays at a share of the traffic, and what its gates have to do with that. */
import { ApplicationFailure, condition, workflowInfo } from "@temporalio/workflow";
import type { LookResult } from "../activities/rollout-interfaces.ts";
import { duration } from "../src/domain/reading.ts";
import { stepApprovalAlert, stepHeldAlert } from "../src/domain/rollout-alerts.ts";
import { describeOrder, type RolloutState } from "../src/domain/rollout.ts";
import type { RolloutPolicy } from "../src/domain/rollout-schema.ts";
import { look } from "./roll-out-look.ts";
import { show, type Rollout } from "./roll-out-state.ts";
import { moveAutomatically, tell } from "./roll-out-steps.ts";
import { label } from "./search-attributes.ts";

/** News of one wait, beside what is worth some at once, so that history stays small however often is looked. */
const mostNews = 20;
/** News of a pause, which somebody has to end. */
const pauseNewsMs = 600_000;

/**
 * Watches a step by its gates until its time is over and they pass. Held by a pause, and for at most `holdSeconds` by gates
 * that cannot tell. Throws GateFailed when a gate says to go back, GateUndecided when they could not tell in time.
 */
export async function watchStep(rollout: Rollout, phase: "step" | "bake", seconds: number): Promise<void> {
  const { state, policy } = rollout;
  const startedMs = Date.now();
  const note = begin(rollout, phase);
  let pausedMs = 0;
  let isTold = false;
  for (;;) {
    const lookedMs = Date.now();
    const { paused, promoteNow } = state;
    const overdueMs = lookedMs - startedMs - seconds * 1000 - pausedMs;
    const seen = await look(
      rollout,
      newsAfterMs(rollout, seconds, overdueMs),
      () => state.paused !== paused || state.promoteNow !== promoteNow,
    );
    note(seen);
    if (paused !== null) pausedMs += Date.now() - lookedMs;
    if (state.promoteNow) return;
    const lateMs = Date.now() - startedMs - seconds * 1000 - pausedMs;
    if (seen === null || state.paused !== null || lateMs < 0) continue;
    if (seen.verdict === "pass") return;
    if (lateMs >= policy.holdSeconds * 1000) throw gateFailure("GateUndecided", state, "hold");
    if (!isTold) await tell(rollout, stepHeldAlert(state, workflowInfo().workflowId, policy.holdSeconds));
    isTold = true;
  }
}

/** @param overdueMs since the step's time was over; negative before */
function newsAfterMs({ state, policy }: Rollout, seconds: number, overdueMs: number): number {
  if (state.promoteNow) return 0;
  const probeMs = policy.probeSeconds * 1000;
  if (state.paused !== null) return Math.max(probeMs, pauseNewsMs);
  if (overdueMs < 0) return Math.ceil(Math.min(-overdueMs, spread(probeMs, seconds)));
  // Gates that pass end it at once; those that cannot tell are news as soon as they can.
  if (state.gates.every(({ verdict }) => verdict === "pass")) return 0;
  const leftMs = policy.holdSeconds * 1000 - overdueMs;
  return Math.ceil(Math.max(0, Math.min(leftMs, spread(probeMs, policy.holdSeconds))));
}

/** News of a wait of so many seconds, not more often than is looked. */
function spread(probeMs: number, seconds: number): number {
  return Math.max(probeMs, (seconds * 1000) / mostNews);
}

/** Begins to count what is spent at this share. Answers what notes a look, and throws GateFailed where it says to go back. */
function begin(rollout: Rollout, phase: "step" | "bake" | "approval"): (seen: LookResult | null) => void {
  const { state } = rollout;
  const startedMs = Date.now();
  const spent = { percent: state.percent, seconds: 0, looks: 0 };
  const looksBefore = state.done.reduce((sum, { looks }) => sum + looks, 0);
  show(rollout, { phase, done: [...state.done, spent] });
  label({ stage: phase === "step" ? `rollout ${state.percent} %` : phase });
  return (seen) => {
    spent.seconds = Math.round((Date.now() - startedMs) / 100) / 10;
    if (seen === null) return;
    spent.looks = seen.looks - looksBefore;
    show(rollout, { gates: seen.gates });
    label({ gate: seen.verdict });
    if (seen.verdict === "fail") throw gateFailure("GateFailed", state, "fail");
  };
}

function gateFailure(type: "GateFailed" | "GateUndecided", { gates }: RolloutState, verdict: "fail" | "hold"): Error {
  const reasons = gates.filter((gate) => gate.verdict === verdict).map(({ reason }) => reason);
  return ApplicationFailure.nonRetryable(reasons.join("; "), type);
}

/**
 * Stays at the share that the challenger has until `isOver`, watched by its gates where it has any, or until `seconds` are
 * over. Throws GateFailed.
 */
async function stay(
  rollout: Rollout,
  phase: "step" | "approval",
  isOver: () => boolean,
  seconds: number | null,
): Promise<void> {
  const { state, policy } = rollout;
  const untilMs = seconds === null ? Infinity : Date.now() + seconds * 1000;
  if (state.percent === 0) {
    await (seconds === null ? condition(isOver) : condition(isOver, seconds * 1000));
    return;
  }
  const note = begin(rollout, phase);
  const probeMs = policy.probeSeconds * 1000;
  while (!isOver() && Date.now() < untilMs) {
    const newsMs = seconds === null ? pauseNewsMs : Math.min(untilMs - Date.now(), spread(probeMs, seconds));
    note(await look(rollout, Math.ceil(newsMs), isOver));
  }
}

/** Returns when somebody has agreed to a step. Throws RolledBack when they did not, or nobody answered and that means no. */
export async function awaitApproval(
  rollout: Rollout,
  percent: number,
  { deadlineSeconds, onDeadline }: NonNullable<RolloutPolicy["steps"][number]["approval"]>,
): Promise<void> {
  const { state, model } = rollout;
  const approvalUntil = new Date(Date.now() + deadlineSeconds * 1000).toISOString();
  show(rollout, { phase: "approval", approvalUntil, answer: null, nextCheckAt: null });
  label({ stage: "approval" });
  await tell(rollout, stepApprovalAlert(state, workflowInfo().workflowId, percent));
  await stay(rollout, "approval", () => state.answer !== null || state.promoteNow, deadlineSeconds);
  const { answer } = state;
  show(rollout, { approvalUntil: null });
  if (state.promoteNow || answer?.order === "approve" || (answer === null && onDeadline === "proceed")) return;
  const why = answer === null ? `nobody answered by ${approvalUntil}` : describeOrder(answer);
  throw ApplicationFailure.nonRetryable(`${model} at ${percent} %: ${why}`, "RolledBack");
}

/** Takes no step as long as somebody has paused the rollout. */
export async function awaitResume(rollout: Rollout): Promise<void> {
  if (rollout.state.paused !== null) await stay(rollout, "step", () => rollout.state.paused === null, null);
}

/**
 * Watches the provider move the traffic until all of it is the challenger's, or somebody wants that at once. Throws GateFailed
 * when a gate says to go back, ServiceFailed when it takes longer than `readySeconds`.
 */
export async function watchProvider(rollout: Rollout): Promise<void> {
  const { state, policy, model } = rollout;
  await moveAutomatically(rollout);
  const untilMs = Date.now() + policy.readySeconds * 1000;
  let note = begin(rollout, "step");
  while (state.percent < 100 && !state.promoteNow) {
    if (Date.now() >= untilMs) {
      const late = `the provider left ${model} at ${state.percent} % for ${duration(policy.readySeconds)}`;
      throw ApplicationFailure.nonRetryable(late, "ServiceFailed");
    }
    const newsMs = Math.min(untilMs - Date.now(), spread(policy.probeSeconds * 1000, policy.readySeconds));
    const seen = await look(rollout, Math.ceil(newsMs), () => state.promoteNow, null);
    note(seen);
    if (seen === null || seen.percent === state.percent) continue;
    show(rollout, { percent: seen.percent });
    note = begin(rollout, "step");
  }
}
