/** The looks at one wait of a rollout, which leave nothing in history until there is news. */
import {
  ApplicationFailure,
  CancellationScope,
  condition,
  isCancellation,
  proxyActivities,
  workflowInfo,
} from "@temporalio/workflow";
import type { LookRequest, LookResult, RolloutActivities } from "../activities/rollout-interfaces.ts";
import { worstOf } from "../src/domain/gates.ts";
import type { RolloutState } from "../src/domain/rollout.ts";
import type { News } from "../src/domain/rollout-news.ts";
import { looking } from "./activity-options.ts";
import { requestOf, show, type Rollout } from "./roll-out-state.ts";
import { label } from "./search-attributes.ts";

/**
 * Looks at a wait until there is news, of which the first look is some. Null when `isInterrupted` came first. Throws GateFailed
 * where a gate says to go back.
 *
 * @param percent that the rollout left the model at; null where the provider moves it
 */
export type Watch = (news: News, isInterrupted: () => boolean, percent?: number | null) => Promise<LookResult | null>;

/** Begins a wait at the share that the challenger has: what is spent there is counted apart from what was before. */
export function beginWait(rollout: Rollout, phase: "step" | "bake" | "approval"): Watch {
  const { state, policy } = rollout;
  const startedMs = Date.now();
  const spent = { percent: state.percent, seconds: 0, looks: 0 };
  const wait = state.done.length;
  let isLooked = false;
  show(rollout, { phase, done: [...state.done, spent] });
  label({ stage: phase === "step" ? `rollout ${state.percent} %` : phase });
  return async (news, isInterrupted, percent = state.percent) => {
    const newsMs = isLooked ? news.newsMs : 0;
    const restMs = Math.min(newsMs, policy.probeSeconds * 1000);
    let seen: LookResult | null;
    try {
      seen = await look(rollout, { percent, wait, restMs, newsMs, atOnce: news.atOnce }, isInterrupted);
    } finally {
      spent.seconds = Math.round((Date.now() - startedMs) / 100) / 10;
    }
    if (seen === null) return null;
    isLooked = true;
    spent.looks = seen.looks;
    show(rollout, { gates: seen.gates });
    if (seen.verdict === "fail") throw gateFailure("GateFailed", state, "fail");
    return seen;
  };
}

/** The reasons of the gates that say so, as the failure that ends a rollout. */
export function gateFailure(
  type: "GateFailed" | "GateUndecided",
  { gates }: RolloutState,
  verdict: "fail" | "hold",
): ApplicationFailure {
  const reasons = gates.filter((gate) => gate.verdict === verdict).map(({ reason }) => reason);
  return ApplicationFailure.nonRetryable(reasons.join("; "), type);
}

async function look(
  rollout: Rollout,
  asked: Pick<LookRequest, "percent" | "wait" | "restMs" | "newsMs" | "atOnce">,
  isInterrupted: () => boolean,
): Promise<LookResult | null> {
  const { state, policy, model } = rollout;
  const { runId, startTime } = workflowInfo();
  const nextCheckAt = new Date(Date.now() + asked.newsMs).toISOString();
  show(rollout, { nextCheckAt });
  label({
    trafficPercent: state.percent,
    nextCheck: nextCheckAt,
    ...(state.gates.length === 0 ? {} : { gate: worstOf(state.gates).verdict }),
  });
  const request = { ...requestOf(rollout), ...asked, runId, startedAt: startTime.toISOString() };
  const activities = proxyActivities<RolloutActivities>(looking(policy.probeSeconds, asked.newsMs));
  const looks = new CancellationScope();
  const seen = looks.run(() =>
    activities.look.executeWithOptions({ summary: `${model} at ${state.percent} %` }, [request]),
  );
  const orders = new CancellationScope();
  void orders
    .run(() => condition(isInterrupted))
    .then(
      () => looks.cancel(),
      () => {},
    );
  try {
    return await seen;
  } catch (error) {
    if (isCancellation(error) && isInterrupted()) return null;
    throw error;
  } finally {
    orders.cancel();
    show(rollout, { nextCheckAt: null, waitUntil: null });
  }
}
