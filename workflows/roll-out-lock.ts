/** How rollouts of one model take turns: one that is over soon is waited for, one that users meet by steps is not. */
import {
  ApplicationFailure,
  type CancellationScope,
  proxyActivities,
  proxyLocalActivities,
  workflowInfo,
} from "@temporalio/workflow";
import type { Aliases, RolloutActivities } from "../activities/rollout-interfaces.ts";
import { duration } from "../src/domain/reading.ts";
import { describeOrder, isBrief, type RolloutState } from "../src/domain/rollout.ts";
import type { RollOutInput } from "../src/domain/workflow-input-schema.ts";
import { quick, waiting } from "./activity-options.ts";
import { isDeadline, reasonOf } from "./steps.ts";

const { lockRollout } = proxyLocalActivities<RolloutActivities>(quick);

/**
 * Takes the rollout lock, once rollouts that are over soon have given it back. Throws RolloutLocked when users meet a rollout
 * step by step, or when it took longer than `readySeconds`, and RolledBack when an order ended the wait, which stops `work`.
 */
export async function takeTurn(
  { pipeline, model, target, policy }: RollOutInput,
  state: RolloutState,
  work: CancellationScope,
): Promise<Aliases> {
  const { workflowId, runId } = workflowInfo();
  const request = { pipeline, workflowId, runId, isBrief: isBrief(target, policy) };
  const free = await lockRollout(request);
  if (free !== null) return free;
  const { readySeconds } = policy;
  const { awaitLock } = proxyActivities<RolloutActivities>(waiting(readySeconds));
  try {
    return await work.run(() => awaitLock.executeWithOptions({ summary: "for another rollout to be over" }, [request]));
  } catch (error) {
    if (state.ended !== null)
      throw ApplicationFailure.nonRetryable(`${model} was ${describeOrder(state.ended)}`, "RolledBack");
    if (!isDeadline(error)) throw error;
    const late = `another rollout of ${pipeline} was not over after ${duration(readySeconds)}: ${reasonOf(error)}`;
    throw ApplicationFailure.nonRetryable(late, "RolloutLocked");
  }
}
