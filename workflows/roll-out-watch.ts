/** How long a rollout stays at a share of the traffic, and what its gates have to do with that. */
import { ApplicationFailure, condition, workflowInfo } from "@temporalio/workflow";
import { duration } from "../src/domain/reading.ts";
import { stepApprovalAlert, stepHeldAlert } from "../src/domain/rollout-alerts.ts";
import { describeOrder } from "../src/domain/rollout.ts";
import { newsOfPause, newsOfStep, newsOfWait } from "../src/domain/rollout-news.ts";
import type { RolloutPolicy } from "../src/domain/rollout-schema.ts";
import { beginWait, gateFailure } from "./roll-out-look.ts";
import { show, type Rollout } from "./roll-out-state.ts";
import { moveAutomatically, tell } from "./roll-out-steps.ts";
import { label } from "./search-attributes.ts";

/**
 * Watches a step by its gates until its time is over and they pass. Held by a pause, and for at most `holdSeconds` by gates
 * that cannot tell. Throws GateFailed when a gate says to go back, GateUndecided when they could not tell in time.
 */
export async function watchStep(rollout: Rollout, phase: "step" | "bake", seconds: number): Promise<void> {
  const { state, policy } = rollout;
  const startedMs = Date.now();
  const watch = beginWait(rollout, phase);
  let pausedMs = 0;
  let isTold = false;
  for (;;) {
    const lookedMs = Date.now();
    const { paused, promoteNow } = state;
    const isInterrupted = (): boolean => state.paused !== paused || state.promoteNow !== promoteNow;
    const watchedMs = lookedMs - startedMs - pausedMs;
    const leftMs = paused === null ? seconds * 1000 - watchedMs : 0;
    show(rollout, { waitUntil: leftMs > 0 ? new Date(lookedMs + leftMs).toISOString() : null });
    const news = newsOfStep(policy, { seconds, watchedMs, pausedMs: paused === null ? null : pausedMs });
    const seen = await watch(news, isInterrupted);
    if (paused !== null) pausedMs += Date.now() - lookedMs;
    if (state.promoteNow) return;
    const lateMs = Date.now() - startedMs - pausedMs - seconds * 1000;
    if (seen === null || state.paused !== null || lateMs < 0) continue;
    if (seen.verdict === "pass") return;
    if (lateMs >= policy.holdSeconds * 1000) throw gateFailure("GateUndecided", state, "hold");
    if (!isTold) await tell(rollout, stepHeldAlert(state, workflowInfo().workflowId, policy.holdSeconds));
    isTold = true;
  }
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
  if (state.percent === 0) {
    await (seconds === null ? condition(isOver) : condition(isOver, seconds * 1000));
    return;
  }
  const startedMs = Date.now();
  const watch = beginWait(rollout, phase);
  while (!isOver()) {
    const waitedMs = Date.now() - startedMs;
    const leftMs = seconds === null ? Infinity : seconds * 1000 - waitedMs;
    if (leftMs <= 0) return;
    await watch(seconds === null ? newsOfPause(policy, waitedMs) : newsOfWait(policy, seconds, leftMs), isOver);
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
  show(rollout, { phase: "approval", approvalUntil, answer: null });
  label({ stage: "approval" });
  await tell(rollout, stepApprovalAlert(state, workflowInfo().workflowId, { percent, onDeadline }));
  await stay(rollout, "approval", () => state.answer !== null || state.promoteNow, deadlineSeconds);
  const { answer } = state;
  show(rollout, { phase: "step", approvalUntil: null });
  label({ stage: `rollout ${state.percent} %` });
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
  let watch = beginWait(rollout, "step");
  while (state.percent < 100 && !state.promoteNow) {
    const leftMs = untilMs - Date.now();
    if (leftMs <= 0) {
      const late = `the provider left ${model} at ${state.percent} % for ${duration(policy.readySeconds)}`;
      throw ApplicationFailure.nonRetryable(late, "ServiceFailed");
    }
    const seen = await watch(newsOfWait(policy, policy.readySeconds, leftMs), () => state.promoteNow, null);
    if (seen === null || seen.percent === state.percent) continue;
    show(rollout, { percent: seen.percent });
    watch = beginWait(rollout, "step");
  }
}
