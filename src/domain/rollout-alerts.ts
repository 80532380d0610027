/** What people are told of a rollout while there is still something to do. Its end is told by the cycle, or here when it has none. */
import { draft, type AlertDraft } from "./alert.ts";
import type { Alert } from "./alert-schema.ts";
import { duration } from "./reading.ts";
import { rollBackCommand } from "./roll-back.ts";
import type { RolloutView } from "./rollout.ts";
import { serviceName } from "./ids.ts";
import { shellWord } from "./shell.ts";

/** A step's gates cannot tell, and the rollout waits for them. */
export function stepHeldAlert(view: RolloutView, workflowId: string, holdSeconds: number): AlertDraft {
  const { pipeline, model, champion, percent } = view;
  return draft({
    kind: "rollout-held",
    pipeline,
    cycle: model,
    workflowId,
    title: `${model} is held at ${percent} %: its gates cannot tell yet`,
    text: [
      ...saidBy(view, "hold"),
      `When they cannot tell for ${duration(holdSeconds)}, all traffic goes back to ${champion ?? "nobody"}.`,
    ],
    facts: factsOf(view),
    next: [
      watch(view),
      order(view, "pause", "Hold it here as long as you like"),
      order(view, "promote", "Give it all traffic now"),
      order(view, "rollback", "Go back now"),
    ],
  });
}

/** A step waits for somebody to agree. */
export function stepApprovalAlert(view: RolloutView, workflowId: string, percent: number): AlertDraft {
  const { pipeline, model } = view;
  return draft({
    kind: "step-approval-wanted",
    pipeline,
    cycle: model,
    workflowId,
    title: `${model} waits for approval of ${percent} % of the traffic`,
    text: [
      `It has ${view.percent} % now. An answer is waited for until ${view.approvalUntil ?? "somebody gives one"}.`,
    ],
    facts: factsOf(view),
    next: [watch(view), order(view, "approve", "Go on"), order(view, "reject", "Go back")],
  });
}

/** A rollout that users had met goes back. */
export function goingBackAlert(view: RolloutView, workflowId: string, reason: string): AlertDraft {
  const { pipeline, model, champion, percent } = view;
  return draft({
    kind: "rollout-back",
    pipeline,
    cycle: model,
    workflowId,
    title: `${model} goes back from ${percent} % of the traffic`,
    text: [reason, `All of it goes to ${champion ?? "nobody"}, which has been up all the time.`],
    facts: factsOf(view),
    next: [watch(view), seeModels(pipeline)],
  });
}

/** Somebody else has changed the service, so that a rollout that users had met cannot go on. */
export function stoppedAlert(view: RolloutView, workflowId: string, reason: string): AlertDraft {
  const { pipeline, model, champion } = view;
  return draft({
    kind: "rollout-back",
    pipeline,
    cycle: model,
    workflowId,
    title: `${model} stops: somebody else changed the service`,
    text: [
      reason,
      `${model} is taken down where it is still there; what others have brought up is left as it is. The registry's champion is ${champion ?? "nobody"}.`,
    ],
    facts: factsOf(view),
    next: [
      {
        what: "See what the service has",
        command: `anyscale service status --name ${shellWord(serviceName(pipeline))}`,
      },
      ...(champion === null
        ? []
        : [
            {
              what: `Bring ${champion} back in the place of what others have brought up`,
              command: rollBackCommand(pipeline, { to: champion, replaceOthers: true }),
            },
          ]),
    ],
  });
}

/** The service does not obey: the challenger still has its share of the traffic. */
export function rollbackFailsAlert(view: RolloutView, workflowId: string, reason: string): AlertDraft {
  const { pipeline, model, percent } = view;
  return draft({
    kind: "rollback-fails",
    pipeline,
    cycle: model,
    workflowId,
    title: `${model} cannot be taken back and may still have ${percent} % of the traffic`,
    text: [
      reason,
      "It is tried again and again until the service obeys. If it must be now, roll it back at the provider.",
    ],
    facts: factsOf(view),
    next: [
      watch(view),
      {
        what: "Roll the service back by hand",
        command: `anyscale service rollback --name ${shellWord(serviceName(pipeline))}`,
      },
    ],
  });
}

/** The champion has all traffic again and does not answer. */
export function silentChampionAlert(view: RolloutView, workflowId: string, reason: string): AlertDraft {
  const { pipeline, model, champion } = view;
  return draft({
    kind: "champion-silent",
    pipeline,
    cycle: model,
    workflowId,
    title: `${champion ?? pipeline} has all traffic again and does not answer`,
    text: [reason, `${model} was taken down. Nobody else serves ${pipeline}.`],
    facts: factsOf(view),
    next: [
      {
        what: "See what the service says",
        command: `anyscale service status --name ${shellWord(serviceName(pipeline))}`,
      },
    ],
  });
}

function saidBy({ gates }: RolloutView, verdict: "hold" | "fail"): string[] {
  return gates.filter((gate) => gate.verdict === verdict).map(({ reason }) => reason);
}

function factsOf({ champion, percent, done }: RolloutView): Alert["facts"] {
  const seconds = done.reduce((sum, step) => sum + step.seconds, 0);
  return [
    { name: "champion", value: champion ?? "none yet" },
    { name: "challenger's traffic", value: `${percent} %` },
    { name: "met users for", value: duration(seconds) },
  ];
}

function watch({ pipeline }: RolloutView): Alert["next"][number] {
  return { what: "Watch it", command: `tuneloop rollout watch ${shellWord(pipeline)}` };
}

function order({ pipeline }: RolloutView, name: string, what: string): Alert["next"][number] {
  return { what, command: `tuneloop rollout ${name} ${shellWord(pipeline)} --reason "why"` };
}

function seeModels(pipeline: string): Alert["next"][number] {
  return { what: "See all models and who moved what", command: `tuneloop models ${shellWord(pipeline)}` };
}

/** A champion of before has all traffic again, as somebody has ordered. */
export function takenBackAlert(of: { pipeline: string; workflowId: string; model: string; why: string }): AlertDraft {
  const { pipeline, workflowId, model, why } = of;
  return draft({
    kind: "rollout-back",
    pipeline,
    workflowId,
    title: `${pipeline}: ${model} is champion again`,
    text: [`The champion after it was ${why}.`, "The next cycle is measured against it."],
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
  const { pipeline, workflowId, why, reason } = of;
  return draft({
    kind: "rollback-fails",
    pipeline,
    workflowId,
    title: `${pipeline}: the champion of before could not be brought back`,
    text: [`It was to be ${why}.`, reason, "The champion has kept its traffic, unless the service itself has failed."],
    next: [
      { what: "See what happened", command: `temporal workflow show --workflow-id ${shellWord(workflowId)}` },
      ...afterFailure(of),
    ],
  });
}

/** What to do about a rollback that failed depends on why it did. */
function afterFailure(of: {
  pipeline: string;
  to: string | null;
  replaceOthers: boolean;
  reason: string;
}): Alert["next"] {
  const { pipeline, to, replaceOthers, reason } = of;
  if (reason.startsWith("RolloutLocked:"))
    return [{ what: "Send that rollout back", command: rollBackCommand(pipeline) }];
  const isChanged = reason.startsWith("ServiceChanged:") && !replaceOthers;
  const command = rollBackCommand(pipeline, { to, replaceOthers: replaceOthers || isChanged });
  return [{ what: isChanged ? "Replace what others have brought up" : "Try again", command }];
}
