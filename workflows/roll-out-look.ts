/** One watch of a rollout's step, by looks that leave nothing in history until there is news. */
import { CancellationScope, condition, isCancellation, proxyActivities, workflowInfo } from "@temporalio/workflow";
import type { LookResult, RolloutActivities } from "../activities/rollout-interfaces.ts";
import { worstOf } from "../src/domain/gates.ts";
import { looking } from "./activity-options.ts";
import { requestOf, show, type Rollout } from "./roll-out-state.ts";
import { label } from "./search-attributes.ts";

/**
 * Looks until the verdict is another, or `newsMs` are over. Null when `isInterrupted` came first.
 *
 * @param percent that the rollout left the model at; null where the provider moves it
 */
export async function look(
  rollout: Rollout,
  newsMs: number,
  isInterrupted: () => boolean,
  percent: number | null = rollout.state.percent,
): Promise<LookResult | null> {
  const { state, policy, model } = rollout;
  const { runId, startTime } = workflowInfo();
  const until = new Date(Date.now() + newsMs).toISOString();
  const known = state.gates.length === 0 ? null : worstOf(state.gates).verdict;
  show(rollout, { nextCheckAt: until });
  label({ trafficPercent: state.percent, nextCheck: until, ...(known === null ? {} : { gate: known }) });
  const request = {
    ...requestOf(rollout),
    percent,
    runId,
    startedAt: startTime.toISOString(),
    known,
    until,
  };
  const activities = proxyActivities<RolloutActivities>(looking(policy.probeSeconds, newsMs));
  const watch = new CancellationScope();
  const looks = watch.run(() =>
    activities.look.executeWithOptions({ summary: `${model} at ${state.percent} %` }, [request]),
  );
  const orders = new CancellationScope();
  void orders
    .run(() => condition(isInterrupted))
    .then(
      () => watch.cancel(),
      () => {},
    );
  try {
    return await looks;
  } catch (error) {
    if (isCancellation(error) && isInterrupted()) return null;
    throw error;
  } finally {
    orders.cancel();
  }
}
