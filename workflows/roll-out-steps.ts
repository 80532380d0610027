/** What a rollout does to the service: a weight that is read back, and the way back. */
import { ApplicationFailure, log, proxyActivities, workflowInfo } from "@temporalio/workflow";
import type { RolloutActivities } from "../activities/rollout-interfaces.ts";
import type { AlertDraft } from "../src/domain/alert.ts";
import { worstOf } from "../src/domain/gates.ts";
import { goingBackAlert, rollbackFailsAlert, silentChampionAlert, stoppedAlert } from "../src/domain/rollout-alerts.ts";
import { duration } from "../src/domain/reading.ts";
import { fewTries, outside, waiting } from "./activity-options.ts";
import { startAlert } from "./alerts.ts";
import { requestOf, show, type Rollout } from "./roll-out-state.ts";
import { label } from "./search-attributes.ts";
import { isDeadline, reasonOf, regardless } from "./steps.ts";

const { setWeight, takeDown, probe } = proxyActivities<RolloutActivities>(outside);
const { takeDown: tryToTakeDown } = proxyActivities<RolloutActivities>(fewTries);
/** What takes longer to be down is worth an alert. */
const downSeconds = 300;
const { awaitDown } = proxyActivities<RolloutActivities>(waiting(86_400));

/**
 * Gives the challenger a share of the traffic and returns when it is observed to have it. Throws ServiceFailed when that takes
 * longer than `readySeconds`.
 */
export async function moveTo(rollout: Rollout, percent: number, complete: boolean): Promise<void> {
  const step = { ...requestOf(rollout), percent, complete };
  const summary = complete ? `${rollout.model} alone` : `${rollout.model} to ${percent} %`;
  if (percent > 0) show(rollout, { metUsers: true });
  const { reached } = await setWeight.executeWithOptions({ summary }, [step]);
  if (!reached) {
    const { readySeconds } = rollout.policy;
    const { awaitWeight } = proxyActivities<RolloutActivities>(waiting(readySeconds));
    try {
      await awaitWeight.executeWithOptions({ summary }, [step]);
    } catch (error) {
      if (!isDeadline(error)) throw error;
      const late = `${summary} took longer than ${duration(readySeconds)}: ${reasonOf(error)}`;
      throw ApplicationFailure.nonRetryable(late, "ServiceFailed");
    }
  }
  show(rollout, { percent });
}

/** Leaves it to the provider to give the challenger all traffic by steps of its own; returns at once. */
export async function moveAutomatically(rollout: Rollout): Promise<void> {
  const summary = `${rollout.model} to 100 % by the provider's steps`;
  show(rollout, { metUsers: true });
  await setWeight.executeWithOptions({ summary }, [{ ...requestOf(rollout), percent: null, complete: false }]);
}

/** Asks a model some questions once; fails when too few are answered. */
export async function probeOnce({ pipeline, champion, testSet, policy }: Rollout, model: string): Promise<void> {
  await probe({ pipeline, model, champion, testSet, maxErrorRate: policy.maxErrorRate });
}

/**
 * Takes the challenger's traffic and ends it, however long that takes; people hear when it does not work at once. Where users
 * had met it, the champion is asked whether it answers. What somebody else has brought up is left as it is.
 */
export async function goBack(rollout: Rollout, reason: string, isChanged: boolean): Promise<void> {
  const { state, champion, model, comeback } = rollout;
  const { workflowId } = workflowInfo();
  const { metUsers } = state;
  // Where users met nobody, the cycle tells how it ended; a rollout by itself has none.
  const isTold = metUsers || (state.target !== "withdrawn" && workflowInfo().parent === undefined);
  show(rollout, { phase: "going back" });
  if (isTold) {
    const gate = state.gates.length === 0 ? {} : { gate: worstOf(state.gates).verdict };
    label({ stage: "going back", nextCheck: null, ...gate });
    const draft = isChanged
      ? stoppedAlert(state, workflowId, { reason, back: comeback ? model : champion })
      : goingBackAlert(state, workflowId, reason);
    await tell(rollout, draft);
  }
  try {
    await tryToTakeDown(requestOf(rollout));
  } catch (error) {
    await tell(rollout, rollbackFailsAlert(state, workflowId, `${reason}; ${reasonOf(error)}`));
    await takeDown(requestOf(rollout));
  }
  const serves = await down(rollout, reason);
  show(rollout, { percent: 0 });
  if (isTold) label({ trafficPercent: 0 });
  if (!metUsers || champion === null || serves !== champion) return;
  try {
    await probeOnce(rollout, champion);
  } catch (error) {
    await tell(rollout, silentChampionAlert(state, workflowId, reasonOf(error)));
  }
}

/** Returns who serves when the challenger does not any more; people hear when that takes long. */
async function down(rollout: Rollout, reason: string): Promise<string | null> {
  const { pipeline, model, champion, policy, state } = rollout;
  const request = { pipeline, model, champion };
  const soon = Math.min(downSeconds, policy.readySeconds);
  try {
    return (await proxyActivities<RolloutActivities>(waiting(soon)).awaitDown(request)).serves;
  } catch (error) {
    const late = `not done after ${duration(soon)}: ${reasonOf(error)}`;
    await tell(rollout, rollbackFailsAlert(state, workflowInfo().workflowId, `${reason}; ${late}`));
    return (await awaitDown(request)).serves;
  }
}

/** Starts telling people, each time anew; that it cannot be started holds nothing up. */
export async function tell({ alerts, told }: Rollout, draft: AlertDraft): Promise<void> {
  told.alerts++;
  try {
    await regardless(() => startAlert(draft, alerts, `${draft.kind}-${told.alerts}`));
  } catch (error) {
    log.error("nobody could be alerted", { title: draft.title, reason: reasonOf(error) });
  }
}
