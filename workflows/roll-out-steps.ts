/** What a rollout is made of: a weight that is read back, a watch that its gates can end, and the way back. */
import { ApplicationFailure, condition, log, proxyActivities, workflowInfo } from "@temporalio/workflow";
import type { RolloutActivities } from "../activities/rollout-interfaces.ts";
import type { AlertDraft } from "../src/domain/alert.ts";
import {
  goingBackAlert,
  rollbackFailsAlert,
  silentChampionAlert,
  stepApprovalAlert,
  stepHeldAlert,
} from "../src/domain/rollout-alerts.ts";
import { describeOrder, type RolloutState } from "../src/domain/rollout.ts";
import type { RolloutPolicy } from "../src/domain/rollout-schema.ts";
import { fewTries, outside, waiting } from "./activity-options.ts";
import { startAlert } from "./alerts.ts";
import { look } from "./roll-out-look.ts";
import { requestOf, show, type Rollout } from "./roll-out-state.ts";
import { label } from "./search-attributes.ts";
import { reasonOf, regardless } from "./steps.ts";

const { setWeight, takeDown, probe } = proxyActivities<RolloutActivities>(outside);
const { takeDown: tryToTakeDown } = proxyActivities<RolloutActivities>(fewTries);
const { awaitWeight, awaitDown } = proxyActivities<RolloutActivities>(waiting(2 * 3600));

/** Gives the challenger a share of the traffic and returns when it is observed to have it. */
export async function moveTo(rollout: Rollout, percent: number, complete: boolean): Promise<void> {
  const step = { ...requestOf(rollout), percent, complete };
  const summary = complete ? `${rollout.model} alone` : `${rollout.model} to ${percent} %`;
  const { reached } = await setWeight.executeWithOptions({ summary }, [step]);
  if (!reached) await awaitWeight.executeWithOptions({ summary }, [step]);
  show(rollout, { percent });
}

/** Asks a model some questions once; fails when too few are answered. */
export async function probeOnce({ pipeline, champion, testSet, policy }: Rollout, model: string): Promise<void> {
  await probe({ pipeline, model, champion, testSet, maxErrorRate: policy.maxErrorRate });
}

/**
 * Watches a step by its gates until its time is over and they pass. Held by a pause, and for at most `holdSeconds` by gates
 * that cannot tell. Throws GateFailed when a gate says to go back, GateUndecided when they could not tell in time.
 */
export async function watchStep(rollout: Rollout, phase: "step" | "bake", seconds: number): Promise<void> {
  const { state, policy } = rollout;
  const startedMs = Date.now();
  const spent = { percent: state.percent, seconds: 0, looks: 0 };
  const looksBefore = state.done.reduce((sum, { looks }) => sum + looks, 0);
  show(rollout, { phase, done: [...state.done, spent] });
  label({ stage: phase === "bake" ? "bake" : `rollout ${state.percent} %` });
  let pausedMs = 0;
  let isTold = false;
  for (;;) {
    const lookedMs = Date.now();
    const wasPaused = state.paused !== null;
    const leftMs = startedMs + seconds * 1000 + pausedMs - lookedMs;
    const seen = await look(rollout, newsAfterMs(rollout, seconds, leftMs));
    spent.seconds = Math.round((Date.now() - startedMs) / 100) / 10;
    if (wasPaused) pausedMs += Date.now() - lookedMs;
    if (seen !== null) {
      spent.looks = seen.looks - looksBefore;
      show(rollout, { gates: seen.gates });
      label({ gate: seen.verdict });
      if (seen.verdict === "fail") throw gateFailure("GateFailed", state, "fail");
    }
    if (state.promoteNow) return;
    const overdueMs = Date.now() - startedMs - seconds * 1000 - pausedMs;
    if (seen === null || state.paused !== null || overdueMs < 0) continue;
    if (seen.verdict === "pass") return;
    if (overdueMs >= policy.holdSeconds * 1000) throw gateFailure("GateUndecided", state, "hold");
    if (!isTold) await tell(rollout, stepHeldAlert(state, workflowInfo().workflowId, policy.holdSeconds));
    isTold = true;
  }
}

/** News of one step, beside what is worth some at once, so that history stays small however often is looked. */
const mostNews = 20;

function newsAfterMs({ state, policy }: Rollout, seconds: number, leftMs: number): number {
  if (state.promoteNow || seconds === 0) return 0;
  const probeMs = policy.probeSeconds * 1000;
  return Math.ceil(leftMs > 0 ? Math.min(leftMs, Math.max(probeMs, (seconds * 1000) / mostNews)) : probeMs);
}

function gateFailure(type: "GateFailed" | "GateUndecided", { gates }: RolloutState, verdict: "fail" | "hold"): Error {
  const reasons = gates.filter((gate) => gate.verdict === verdict).map(({ reason }) => reason);
  return ApplicationFailure.nonRetryable(reasons.join("; "), type);
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
  const isOver = (): boolean => state.answer !== null || state.promoteNow;
  await condition(isOver, deadlineSeconds * 1000);
  const { answer } = state;
  show(rollout, { approvalUntil: null });
  if (state.promoteNow || answer?.order === "approve" || (answer === null && onDeadline === "proceed")) return;
  const why = answer === null ? `nobody answered by ${approvalUntil}` : describeOrder(answer);
  throw ApplicationFailure.nonRetryable(`${model} at ${percent} %: ${why}`, "RolledBack");
}

/**
 * Takes the challenger's traffic and ends it, however long that takes; people hear when it does not work at once. Where users
 * had met it, the champion is asked whether it answers.
 */
export async function goBack(rollout: Rollout, reason: string): Promise<void> {
  const { state, model, champion } = rollout;
  const { workflowId } = workflowInfo();
  const metUsers = state.done.length > 0;
  show(rollout, { phase: "going back", nextCheckAt: null });
  if (metUsers) {
    label({ stage: "going back" });
    await tell(rollout, goingBackAlert(state, workflowId, reason));
  }
  try {
    await tryToTakeDown(requestOf(rollout));
  } catch (error) {
    await tell(rollout, rollbackFailsAlert(state, workflowId, `${reason}; ${reasonOf(error)}`));
    await takeDown(requestOf(rollout));
  }
  await awaitDown({ pipeline: rollout.pipeline, model, champion });
  if (!metUsers || champion === null) return;
  show(rollout, { percent: 0 });
  try {
    await probeOnce(rollout, champion);
  } catch (error) {
    await tell(rollout, silentChampionAlert(state, workflowId, reasonOf(error)));
  }
}

/** Starts telling people; that it cannot be started holds nothing up. */
async function tell({ alerts, state }: Rollout, draft: AlertDraft): Promise<void> {
  try {
    await regardless(() => startAlert(draft, alerts, `${draft.kind}-${state.done.length}`));
  } catch (error) {
    log.error("nobody could be alerted", { title: draft.title, reason: reasonOf(error) });
  }
}
