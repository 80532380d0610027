/**
 * Moves a model version's traffic: up silently at 0 %, by steps to 100 % and to champion, or down again. Every weight is
 * read back before it is believed, and every step is probed before and after its soak. It holds the registry's rollout
 * lock meanwhile, and is the only place that moves aliases. No messages. When anything fails, or when it is cancelled,
 * the version goes back to 0 % and is ended; the old champion can answer until the end of the bake time.
 */
import {
  ApplicationFailure,
  log,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  sleep,
  workflowInfo,
} from "@temporalio/workflow";
import type { InputActivities, RolloutActivities } from "../activities/interfaces.ts";
import type { Alias } from "../src/domain/registry-schema.ts";
import type { RollOutInput } from "../src/domain/workflow-input-schema.ts";
import { local, outside, patient, quick, waiting } from "./activity-options.ts";
import { labelUnlessGiven } from "./search-attributes.ts";
import { checked, reasonOf, regardless } from "./steps.ts";

const { checkRollOut } = proxyLocalActivities<InputActivities>(local);
const { lockRollout, unlockRollout } = proxyLocalActivities<RolloutActivities>(quick);
const { moveAliases } = proxyLocalActivities<RolloutActivities>(patient);
const { setWeight, takeDown, probe } = proxyActivities<RolloutActivities>(outside);
const { awaitWeight, awaitDown } = proxyActivities<RolloutActivities>(waiting(2 * 3600));

/** A rollout under way: what is asked for, and where the aliases pointed when it began. */
type Plan = RollOutInput & { champion: string | null; challenger: string | null };

export async function rollOut(input: RollOutInput): Promise<{ champion: string | null }> {
  const request = await checked(() => checkRollOut(input));
  const { pipeline, model, target } = request;
  labelUnlessGiven({ pipeline, model, stage: target === "silent" ? "deploy" : "rollout" });
  const { workflowId, runId } = workflowInfo();
  const plan = { ...request, ...(await lockRollout({ pipeline, workflowId, runId })) };
  try {
    switch (target) {
      case "silent":
        await bringUp(plan);
        break;
      case "promoted":
        await promote(plan);
        break;
      case "withdrawn":
        await withdraw(plan, plan.reason);
        break;
    }
  } catch (error) {
    log.warn("rollout goes back", { pipeline, model, target, reason: reasonOf(error) });
    await regardless(() => withdraw(plan, reasonOf(error)));
    throw error;
  } finally {
    await regardless(() => unlock(pipeline, workflowId));
  }
  return { champion: target === "promoted" ? model : plan.champion };
}

/** A lock that cannot be given back is taken over from a workflow that has ended: no reason to fail what went well. */
async function unlock(pipeline: string, workflowId: string): Promise<void> {
  try {
    await unlockRollout({ pipeline, workflowId });
  } catch (error) {
    log.warn("the rollout lock is left to be taken over", { pipeline, reason: reasonOf(error) });
  }
}

async function bringUp(plan: Plan): Promise<void> {
  const { model, champion, challenger } = plan;
  if (champion === model) throw ApplicationFailure.nonRetryable(`model: ${model} is champion already`, "InvalidInput");
  if (challenger !== null && challenger !== model) {
    // Left behind by a cycle that could not clean up after itself.
    await withdraw({ ...plan, model: challenger }, `${model} takes its place`);
  }
  setCurrentDetails(`Bringing **${model}** up without traffic.`);
  await moveTo(plan, 0, false);
  await probeModel(plan);
  await alias(plan, { challenger: model }, plan.reason);
}

async function promote(plan: Plan): Promise<void> {
  const { model, champion, policy } = plan;
  // The first version has no other to share traffic with, and a champion that is gone from its service comes back alone.
  const isAlone = champion === null || champion === model;
  for (const percent of isAlone ? [] : policy.steps) {
    await moveTo(plan, percent, false);
    await watch(plan, `**${model}** has ${percent} % of the traffic, ${champion} the rest.`, policy.soakSeconds);
  }
  if (!isAlone && policy.bakeSeconds > 0) {
    await watch(plan, `**${model}** has all traffic; ${champion} stays warm to go back to.`, policy.bakeSeconds);
  }
  if (isAlone) {
    await moveTo(plan, 100, true);
    await probeModel(plan);
  }
  // Here the old champion ends: from now on there is no way but forward, and the registry must follow.
  await regardless(async () => {
    if (!isAlone) await moveTo(plan, 100, true);
    await alias(plan, { champion: model, ...(plan.challenger === model ? { challenger: null } : {}) }, plan.reason);
  });
  setCurrentDetails(`**${model}** is champion.`);
}

async function withdraw(plan: Plan, reason: string): Promise<void> {
  if (plan.champion === plan.model) return;
  setCurrentDetails(`Taking **${plan.model}** down: ${reason}`);
  await takeDown(plan);
  await awaitDown(plan);
  await alias(plan, { challenger: null }, reason);
}

async function moveTo(plan: Plan, percent: number, complete: boolean): Promise<void> {
  const step = { ...plan, percent, complete };
  const summary = complete ? `${plan.model} alone` : `${plan.model} to ${percent} %`;
  const { reached } = await setWeight.executeWithOptions({ summary }, [step]);
  if (!reached) await awaitWeight.executeWithOptions({ summary }, [step]);
}

/** Probes, lets the time pass if there is any, probes again. */
async function watch(plan: Plan, where: string, seconds: number): Promise<void> {
  await probeModel(plan);
  if (seconds === 0) return;
  setCurrentDetails(`${where}\n\nNext check in ${seconds} s.`);
  await sleep(seconds * 1000, { summary: `watching ${plan.model}` });
  await probeModel(plan);
}

async function probeModel({ pipeline, model, champion, testSet, policy }: Plan): Promise<void> {
  await probe({ pipeline, model, champion, testSet, maxErrorRate: policy.maxErrorRate });
}

async function alias({ pipeline }: Plan, to: Partial<Record<Alias, string | null>>, reason: string): Promise<void> {
  await moveAliases({ pipeline, to, workflowId: workflowInfo().workflowId, reason });
}
