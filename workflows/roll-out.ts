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
  ChildWorkflowFailure,
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
import { show, type Rollout } from "./roll-out-state.ts";
import { goBack, moveTo, probeOnce } from "./roll-out-steps.ts";
import { awaitApproval, awaitResume, watchProvider, watchStep } from "./roll-out-watch.ts";
import { labelUnlessGiven } from "./search-attributes.ts";
import { checked, isFailureOf, reasonOf, regardless } from "./steps.ts";

const { checkRollOut } = proxyLocalActivities<InputActivities>(local);
const { lockRollout, unlockRollout } = proxyLocalActivities<RolloutActivities>(quick);
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
  const { workflowId, runId } = workflowInfo();
  const rollout: Rollout = { ...request, ...(await lockRollout({ pipeline, workflowId, runId })), state };
  const { champion } = rollout;
  const steps = policy.mode === "automatic" ? [] : policy.steps.map(({ percent }) => percent);
  Object.assign(state, { pipeline, model, champion, target, mode: policy.mode, steps });
  try {
    await work.run(() => tell(rollout));
  } catch (error) {
    const { ended } = rollout.state;
    const reason = ended === null ? reasonOf(error) : describeOrder(ended);
    log.warn("rollout goes back", { pipeline, model, target, reason });
    await regardless(() => withdraw(rollout, reason, isFailureOf(error, "ServiceChanged")));
    if (ended !== null) throw withDone(`RolledBack: ${model} was ${reason}`, error, rollout.state);
    throw isCancellation(error) ? error : withDone(reason, error, rollout.state);
  } finally {
    await regardless(() => unlock(pipeline, workflowId));
  }
  return { champion: target === "promoted" ? model : rollout.champion, done: rollout.state.done };
}

/**
 * A rollout's failure with its type at the top, where people look for it, and what it has come to before.
 *
 * @param reason `Type: message`
 */
function withDone(reason: string, cause: unknown, { done }: RolloutState): ApplicationFailure {
  const [, type = "Internal", message = reason] = /^(\w+): (.*)$/s.exec(reason) ?? [];
  return ApplicationFailure.create({
    type,
    message,
    nonRetryable: true,
    details: [{ done }],
    ...(cause instanceof Error ? { cause } : {}),
  });
}

/** The shares of traffic that a rollout gave its model before it failed; null where `error` is no such failure, or it gave none. */
export function doneBefore(error: unknown): RolloutView["done"] | null {
  if (!(error instanceof ChildWorkflowFailure && error.cause instanceof ApplicationFailure)) return null;
  const details: unknown = error.cause.details?.[0];
  if (typeof details !== "object" || details === null || !("done" in details) || !Array.isArray(details.done))
    return null;
  const done = details.done.filter(isShare);
  return done.length === 0 ? null : done;
}

function isShare(value: unknown): value is RolloutView["done"][number] {
  if (typeof value !== "object" || value === null) return false;
  return ["percent", "seconds", "looks"].every((field) => typeof Reflect.get(value, field) === "number");
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
    throw ApplicationFailure.nonRetryable(
      `${model} was decided against ${was}, and there is ${is} now: nobody has compared them`,
      "ServiceChanged",
    );
  }
  switch (rollout.target) {
    case "silent":
      return await bringUp(rollout);
    case "promoted":
      return await promote(rollout);
    case "withdrawn":
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
  const { model, champion, challenger } = rollout;
  if (champion === model) throw ApplicationFailure.nonRetryable(`model: ${model} is champion already`, "InvalidInput");
  if (challenger !== null && challenger !== model) {
    // Left behind by a cycle that could not clean up after itself.
    await withdraw({ ...rollout, model: challenger }, `${model} takes its place`);
  }
  show(rollout, { phase: "starting" });
  await moveTo(rollout, 0, false);
  await probeOnce(rollout, model);
  await alias(rollout, { challenger: model }, rollout.reason);
  show(rollout, { phase: "silent" });
}

async function promote(rollout: Rollout): Promise<void> {
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
    if (!isAlone) await moveTo(rollout, 100, true);
    await alias(
      rollout,
      { champion: model, ...(rollout.challenger === model ? { challenger: null } : {}) },
      rollout.reason,
    );
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
  if (rollout.champion === rollout.model) return;
  await goBack(rollout, reason, isChanged);
  await alias(rollout, { challenger: null }, reason);
  show(rollout, { phase: "withdrawn" });
}

async function alias({ pipeline }: Rollout, to: Partial<Record<Alias, string | null>>, reason: string): Promise<void> {
  await moveAliases({ pipeline, to, workflowId: workflowInfo().workflowId, reason });
}
