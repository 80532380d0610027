/**
 * Moves a model version's traffic: up silently at 0 %, by steps to 100 % and to champion, or down again. Every weight is
 * read back before it is believed, and every step is watched by its gates. It holds the registry's rollout lock meanwhile,
 * and is the only place that moves aliases. When anything fails, when a gate says so, or when it is cancelled, the version
 * goes back to 0 % and is ended; the old champion can answer until the end of the bake time.
 *
 * Updates `pause`, `resume`, `promote`, `abort`, `rollBack`, `approve`, `reject`; query `rollout`. A lost worker costs a look.
 */
import {
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  isCancellation,
  log,
  proxyLocalActivities,
  setHandler,
  workflowInfo,
} from "@temporalio/workflow";
import type { InputActivities } from "../activities/interfaces.ts";
import type { RolloutActivities } from "../activities/rollout-interfaces.ts";
import type { Alias } from "../src/domain/registry-schema.ts";
import {
  describeOrder,
  initialRollout,
  rolloutOrders,
  takeRolloutOrder,
  viewOfRollout,
  whyNotOrder,
  type RolloutState,
  type RolloutView,
} from "../src/domain/rollout.ts";
import type { RollOutInput } from "../src/domain/workflow-input-schema.ts";
import { local, patient, quick } from "./activity-options.ts";
import { rolloutQuery, rolloutUpdate } from "./roll-out-messages.ts";
import { requestOf, show, type Rollout } from "./roll-out-state.ts";
import { goBack, moveTo, probeOnce } from "./roll-out-steps.ts";
import { takeTurn } from "./roll-out-lock.ts";
import { failureAfter, tellShares } from "./roll-out-shares.ts";
import { awaitApproval, awaitResume, watchProvider, watchStep } from "./roll-out-watch.ts";
import { label, labelUnlessGiven } from "./search-attributes.ts";
import { tellCycle } from "./taken-down.ts";
import { checked, isFailureOf, reasonOf, regardless } from "./steps.ts";

const { checkRollOut } = proxyLocalActivities<InputActivities>(local);
const { findServing, unlockRollout } = proxyLocalActivities<RolloutActivities>(quick);
const { moveAliases } = proxyLocalActivities<RolloutActivities>(patient);

/** What a rollout has come to: who is champion now, and how long which share of the traffic was the challenger's. */
export type RolloutEnd = Pick<RolloutView, "champion" | "done">;

export async function rollOut(input: RollOutInput): Promise<RolloutEnd> {
  const state = initialRollout();
  const work = new CancellationScope();
  hearOrders(state, work);
  const request = await checked(() => checkRollOut(input));
  const { pipeline, model, target, policy } = request;
  labelUnlessGiven({ pipeline, model, stage: target === "silent" ? "deploy" : "rollout" });
  const { workflowId } = workflowInfo();
  const steps = policy.mode === "automatic" ? [] : policy.steps.map(({ percent }) => percent);
  Object.assign(state, { pipeline, model, target, mode: policy.mode, steps });
  const rollout: Rollout = { ...request, ...(await takeTurn(request, state, work)), state, told: { alerts: 0 } };
  state.champion = rollout.champion;
  try {
    await work.run(() => tell(rollout));
  } catch (error) {
    const { ended } = rollout.state;
    const reason = ended === null ? reasonOf(error) : describeOrder(ended);
    log.warn("rollout goes back", { pipeline, model, target, reason });
    await regardless(() => withdraw(rollout, reason, isFailureOf(error, "ServiceChanged")));
    const { done } = rollout.state;
    if (ended !== null) throw failureAfter(done, `RolledBack: ${model} was ${reason}`, error);
    if (!isCancellation(error)) throw failureAfter(done, reason, error);
    await tellShares(done);
    throw error;
  } finally {
    await regardless(() => unlock(pipeline, workflowId));
  }
  return { champion: target === "promoted" ? model : rollout.champion, done: rollout.state.done };
}

/** Orders change the state at once; one that ends the rollout also stops whatever it is waiting for. */
function hearOrders(state: RolloutState, work: CancellationScope): void {
  setHandler(rolloutQuery, () => viewOfRollout(state));
  for (const order of rolloutOrders) {
    const validator = (request: unknown): void => {
      const problem = whyNotOrder(state, order, request);
      if (problem !== null) throw ApplicationFailure.nonRetryable(problem, "InvalidInput");
    };
    const take = (request: unknown): ReturnType<typeof takeRolloutOrder> => {
      const receipt = takeRolloutOrder(state, order, request);
      if (state.ended !== null) work.cancel();
      return receipt;
    };
    setHandler(rolloutUpdate(order), take, { validator });
  }
}

async function tell(rollout: Rollout): Promise<void> {
  // Ordered before there was anything to cancel.
  if (rollout.state.ended !== null) throw new CancelledFailure("ended before it began");
  const { model, champion, against } = rollout;
  if (against !== undefined && against !== champion) {
    const [was, is] = [against, champion].map((who) => who ?? "no champion");
    const unmeant = rollout.comeback ? "nobody has asked for its end" : "nobody has compared them";
    throw ApplicationFailure.nonRetryable(
      `${model} was decided against ${was}, and there is ${is} now: ${unmeant}`,
      "ServiceChanged",
    );
  }
  switch (rollout.target) {
    case "silent":
      return await bringUp(rollout);
    case "promoted":
      return await promote(rollout);
    case "withdrawn":
      if (model !== champion) await tellCycle(rollout);
      return await withdraw(rollout, rollout.reason);
  }
}

/** A lock that cannot be given back is taken over from a workflow that has ended: no reason to fail what went well. */
async function unlock(pipeline: string, workflowId: string): Promise<void> {
  try {
    await unlockRollout({ pipeline, workflowId });
  } catch (error) {
    log.warn("the rollout lock is left to be taken over", { pipeline, reason: reasonOf(error) });
  }
}

async function bringUp(rollout: Rollout): Promise<void> {
  const { model, champion } = rollout;
  if (champion === model) throw ApplicationFailure.nonRetryable(`model: ${model} is champion already`, "InvalidInput");
  await makeRoom(rollout);
  show(rollout, { phase: "starting" });
  await moveTo(rollout, 0, false);
  await probeOnce(rollout, model);
  rollout.challenger = model;
  await alias(rollout, { challenger: model }, rollout.reason);
  show(rollout, { phase: "silent" });
}

/**
 * Takes down a challenger that is up silently: there is one place beside the champion. A cycle that still has to do with it
 * hears of that before.
 */
async function makeRoom(rollout: Rollout): Promise<void> {
  const { pipeline, model, champion, challenger, state } = rollout;
  if (challenger === null || challenger === model) return;
  const reason = `${model} takes its place: ${rollout.reason}`.slice(0, 500);
  await tellCycle({ pipeline, model: challenger, reason });
  // Where it serves itself, or nobody does, whoever comes takes its place.
  if (champion === challenger || (champion === null && rollout.target === "promoted")) return;
  const seen = { ...state, model: challenger, target: "withdrawn" as const };
  await withdraw({ ...rollout, model: challenger, target: "withdrawn", state: seen }, reason);
  rollout.challenger = null;
}

/** A champion of before comes up beside whoever serves, which keeps its place until it has answered; alone where nobody does. */
async function comeBack(rollout: Rollout): Promise<void> {
  const { champion, model, comeback, state } = rollout;
  if (comeback === undefined) return;
  const { serves } = await findServing(requestOf(rollout));
  rollout.champion = serves ?? (champion === model ? model : null);
  state.champion = rollout.champion;
}

async function promote(rollout: Rollout): Promise<void> {
  await comeBack(rollout);
  await makeRoom(rollout);
  show(rollout, { phase: "starting" });
  const { model, champion } = rollout;
  // The first version has no other to share traffic with, and a champion that is gone from its service comes back alone.
  const isAlone = champion === null || champion === model;
  if (!isAlone && rollout.challenger !== model) {
    // Not up yet, as when a champion of before comes back.
    await moveTo(rollout, 0, false);
    await probeOnce(rollout, model);
  }
  if (isAlone) {
    await moveTo(rollout, 100, true);
    await probeOnce(rollout, model);
  } else {
    await meetUsers(rollout);
  }
  // Ordered, or cancelled, while the last of it went well all the same.
  if (CancellationScope.current().consideredCancelled) throw new CancelledFailure("ended before it was complete");
  // Here the old champion ends: from now on there is no way but forward, and the registry must follow.
  await regardless(async () => {
    show(rollout, { phase: "completing" });
    label({ stage: "completing", nextCheck: null });
    if (!isAlone) await moveTo(rollout, 100, true);
    await alias(rollout, { champion: model, challenger: null }, rollout.reason);
    show(rollout, { phase: "promoted" });
  });
}

/** By steps to all traffic, and the time after that in which the champion stays warm. */
async function meetUsers(rollout: Rollout): Promise<void> {
  const { policy, state } = rollout;
  if (policy.mode === "automatic") await watchProvider(rollout);
  for (const step of policy.steps) {
    const isPassedOver = state.promoteNow || policy.mode === "automatic";
    if (isPassedOver && step.percent < 100) continue;
    if (step.approval !== undefined && !isPassedOver) await awaitApproval(rollout, step.percent, step.approval);
    await awaitResume(rollout);
    await moveTo(rollout, step.percent, false);
    await watchStep(rollout, "step", step.soakSeconds ?? policy.soakSeconds);
  }
  if (policy.bakeSeconds === 0) return;
  state.promoteNow = false;
  await watchStep(rollout, "bake", policy.bakeSeconds);
}

async function withdraw(rollout: Rollout, reason: string, isChanged = false): Promise<void> {
  const { champion, model } = rollout;
  if (champion === model) return;
  await goBack(rollout, reason, isChanged);
  // Another one may have come up since.
  if (rollout.challenger === model) await alias(rollout, { challenger: null }, reason);
  show(rollout, { phase: "withdrawn" });
}

async function alias({ pipeline }: Rollout, to: Partial<Record<Alias, string | null>>, reason: string): Promise<void> {
  await moveAliases({ pipeline, to, workflowId: workflowInfo().workflowId, reason });
}
