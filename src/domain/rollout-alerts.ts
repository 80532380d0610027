/**
 * What people are told of a rollout while there is still something to do. Its end is told by the cycle, or here when it has
 * none. Each alert says what users get, and prints only commands that are taken in the state in which it is sent.
 */
import { draft, look, sharesText, type AlertDraft } from "./alert.ts";
import type { Alert } from "./alert-schema.ts";
import { serviceName } from "./ids.ts";
import { duration } from "./reading.ts";
import { rollBackCommand } from "./roll-back.ts";
import { whyNotOrder, type RolloutOrder, type RolloutState } from "./rollout.ts";
import { shellWord } from "./shell.ts";

type Step = Alert["next"][number];

/** A step's gates cannot tell, and the rollout waits for them. */
export function stepHeldAlert(state: RolloutState, workflowId: string, holdSeconds: number): AlertDraft {
  const { model, champion, percent, phase } = state;
  const onward = phase === "bake" ? "Make it champion now" : percent === 100 ? "Go on now" : "Give it all traffic now";
  return ofRollout(state, workflowId, {
    kind: "rollout-held",
    title: `${model} is held at ${percent} %: its gates cannot tell yet`,
    text: [
      ...state.gates.filter(({ verdict }) => verdict === "hold").map(({ reason }) => reason),
      answersOf(state),
      `When they still cannot tell in ${duration(holdSeconds)}, all traffic goes back to ${champion ?? "nobody"}.`,
    ],
    next: [
      watch(state),
      ...orders(state, {
        pause: "Hold it here as long as you like",
        promote: onward,
        rollBack: "Go back now",
      }),
    ],
  });
}

/** A step waits for somebody to agree, to `percent` of the traffic. */
export function stepApprovalAlert(
  state: RolloutState,
  workflowId: string,
  { percent, onDeadline }: { percent: number; onDeadline: "proceed" | "go-back" },
): AlertDraft {
  const { model, approvalUntil } = state;
  const otherwise = onDeadline === "proceed" ? `it gets ${percent} %` : "it goes back";
  return ofRollout(state, workflowId, {
    kind: "step-approval-wanted",
    title: `${model} waits for approval of ${percent} % of the traffic`,
    text: [
      answersOf(state),
      approvalUntil === null ? null : `When nobody has answered by ${approvalUntil}, ${otherwise}.`,
    ],
    next: [watch(state), ...orders(state, { approve: `Give it ${percent} %`, reject: "Go back" })],
  });
}

/** A rollout goes back. */
export function goingBackAlert(state: RolloutState, workflowId: string, reason: string): AlertDraft {
  const { pipeline, model, champion, percent } = state;
  const from = percent > 0 ? `from ${percent} % of the traffic` : "before it was seen to have a share of the traffic";
  return ofRollout(state, workflowId, {
    kind: "rollout-back",
    title: `${model} goes back ${from}`,
    text: [
      reason === "cancelled"
        ? "It was cancelled, or the cycle that it belongs to was cancelled or terminated."
        : reason,
      champion === null
        ? `It is taken down. Nobody else serves ${pipeline}: users get no answers.`
        : `All traffic goes to ${champion}, which has been up all the time. Nothing has to be done but to find out why.`,
    ],
    next: [look(workflowId), seeModels(pipeline)],
  });
}

/** Somebody else has changed the service, so that a rollout cannot go on. `back` is who can come back; null for nobody. */
export function stoppedAlert(
  state: RolloutState,
  workflowId: string,
  { reason, back }: { reason: string; back: string | null },
): AlertDraft {
  const { pipeline, model } = state;
  return ofRollout(state, workflowId, {
    kind: "rollout-back",
    title: `${model} stops: somebody else changed the service`,
    text: [
      reason,
      `${model} is taken down where it is still there. What others have brought up is left as it is, with the share of the traffic that they gave it.`,
      back === null ? "The registry knows no champion." : `${back} can be brought back in their place.`,
    ],
    next: [seeService(pipeline), ...(back === null ? [] : [backInstead(pipeline, back)])],
  });
}

/** The service does not obey: the challenger still has its share of the traffic. */
export function rollbackFailsAlert(state: RolloutState, workflowId: string, reason: string): AlertDraft {
  const { pipeline, model, champion, percent, target } = state;
  const service = shellWord(serviceName(pipeline));
  const byHand: Step =
    champion === null
      ? { what: "End the service by hand", command: `anyscale service terminate --name ${service}` }
      : { what: "Roll the service back by hand", command: `anyscale service rollback --name ${service}` };
  return ofRollout(state, workflowId, {
    kind: "rollback-fails",
    title:
      percent > 0
        ? `${model} cannot be taken back and may still have ${percent} % of the traffic`
        : `${model} cannot be taken down`,
    text: [
      reason,
      percent > 0 ? answersOf(state) : "As far as is known it has no share of the traffic; it costs money.",
      "It is tried again and again for a day. If it must be now, do it at the provider: that is found out here.",
    ],
    // Only one that is to move traffic can be watched by its pipeline's name.
    next: [target === "promoted" ? watch(state) : look(workflowId), seeService(pipeline), byHand],
  });
}

/** The champion has all traffic again and does not answer. */
export function silentChampionAlert(state: RolloutState, workflowId: string, reason: string): AlertDraft {
  const { pipeline, model, champion } = state;
  return ofRollout(state, workflowId, {
    kind: "champion-silent",
    title: `${champion ?? pipeline} has all traffic again and does not answer`,
    text: [reason, `${model} was taken down and nobody else serves ${pipeline}: users get errors, or nothing.`],
    next: [
      seeService(pipeline),
      { what: "Bring the champion before it back, where there was one", command: rollBackCommand(pipeline) },
    ],
  });
}

/** A champion of before has all traffic again, as somebody has ordered. */
export function takenBackAlert(of: { pipeline: string; workflowId: string; model: string; why: string }): AlertDraft {
  const { pipeline, workflowId, model, why } = of;
  return draft({
    kind: "rollout-back",
    pipeline,
    workflowId,
    title: `${pipeline}: ${model} is champion again`,
    text: [`What was ordered: ${why}.`, `Users get all answers from ${model}. The next cycle is measured against it.`],
    facts: [{ name: "champion", value: model }],
    next: [seeModels(pipeline)],
  });
}

/** A champion of before could not be brought back. */
export function notTakenBackAlert(of: {
  pipeline: string;
  workflowId: string;
  /** The model version that was to come back; null where none was found. */
  to: string | null;
  replaceOthers: boolean;
  why: string;
  /** `Type: message` */
  reason: string;
}): AlertDraft {
  const { pipeline, workflowId, to, why, reason } = of;
  return draft({
    kind: "rollback-fails",
    pipeline,
    workflowId,
    title: `${pipeline}: ${to ?? "the champion of before"} could not be brought back`,
    text: [
      `What was ordered: ${why}.`,
      reason,
      reason.startsWith("ServiceChanged:")
        ? "Users go on getting their answers from what the service has now."
        : "The champion has kept its traffic, unless the service itself has failed.",
    ],
    next: [look(workflowId), ...afterFailure(of)],
  });
}

/** What to do about a rollback that failed depends on why it did. */
function afterFailure(of: { pipeline: string; to: string | null; replaceOthers: boolean; reason: string }): Step[] {
  const { pipeline, to, replaceOthers, reason } = of;
  if (/^(NotFound|InvalidInput):/.test(reason)) return [seeModels(pipeline)];
  if (reason.startsWith("RolloutLocked:"))
    return [{ what: "Send that rollout back", command: rollBackCommand(pipeline) }];
  const isChanged = reason.startsWith("ServiceChanged:") && !replaceOthers;
  const command = rollBackCommand(pipeline, { to, replaceOthers: replaceOthers || isChanged });
  if (isChanged) return [seeService(pipeline), { what: "Replace what others have brought up", command }];
  return [{ what: "Try again", command }];
}

type Said = Pick<AlertDraft, "kind" | "title" | "next"> & { text: (string | null)[] };

/** What all alerts of a rollout have in common. */
function ofRollout(state: RolloutState, workflowId: string, said: Said): AlertDraft {
  const { pipeline, model: cycle, champion, percent, done } = state;
  return draft({
    pipeline,
    cycle,
    workflowId,
    facts: [
      { name: "champion", value: champion ?? "none yet" },
      { name: "challenger's traffic", value: `${percent} %` },
      { name: "met users", value: sharesText(done) },
    ],
    ...said,
  });
}

/** From whom users get their answers, as observed last. */
function answersOf({ model, champion, percent }: RolloutState): string {
  if (percent === 0) return `Users get all answers from ${champion ?? "nobody"}.`;
  if (percent === 100) return `Users get all answers from ${model}; ${champion ?? "nobody"} is kept warm.`;
  return `Users get ${percent} % of their answers from ${model}, the others from ${champion ?? "nobody"}.`;
}

function watch({ pipeline }: RolloutState): Step {
  return { what: "Watch it", command: `tuneloop rollout watch ${shellWord(pipeline)}` };
}

/** Orders and what they are good for, but for those that the rollout would refuse now. */
function orders(state: RolloutState, wanted: Partial<Record<RolloutOrder, string>>): Step[] {
  const reason = "why";
  const given: RolloutOrder[] = ["approve", "reject", "pause", "promote", "rollBack"];
  return given.flatMap((order) => {
    const what = wanted[order];
    if (what === undefined || whyNotOrder(state, order, { reason }) !== null) return [];
    return {
      what,
      command: `tuneloop rollout ${order.toLowerCase()} ${shellWord(state.pipeline)} --reason "${reason}"`,
    };
  });
}

function seeService(pipeline: string): Step {
  const command = `anyscale service status --name ${shellWord(serviceName(pipeline))}`;
  return { what: "See what the service has", command };
}

function seeModels(pipeline: string): Step {
  return { what: "See all models and who moved what", command: `tuneloop models ${shellWord(pipeline)}` };
}

function backInstead(pipeline: string, model: string): Step {
  const what = `Bring ${model} back in the place of what others have brought up`;
  return { what, command: rollBackCommand(pipeline, { to: model, replaceOthers: true }) };
}
