/**
 * Brings a champion of before back to its users, after its successor's rollout is over: deploys it beside whoever serves, or
 * alone where nobody does, asks it some questions, and gives it all traffic and the alias at once. Until it answers, whoever
 * serves keeps the traffic. It takes the place of a silent challenger, whose cycle then ends, and waits for a rollout that is
 * over soon. No messages of its own; the rollout it starts hears the orders of every rollout. People are told how it ended.
 */
import {
  executeChild,
  log,
  ParentClosePolicy,
  proxyLocalActivities,
  setCurrentDetails,
  workflowInfo,
} from "@temporalio/workflow";
import type { InputActivities } from "../activities/interfaces.ts";
import type { RolloutActivities } from "../activities/rollout-interfaces.ts";
import { codeSpan } from "../src/domain/markdown.ts";
import { notTakenBackAlert, takenBackAlert } from "../src/domain/rollout-alerts.ts";
import type { RollBackInput } from "../src/domain/workflow-input-schema.ts";
import { local, quick } from "./activity-options.ts";
import { tellPeople } from "./alerts.ts";
import { workflowIds } from "./names.ts";
import { rollOut } from "./roll-out.ts";
import { label, labelled } from "./search-attributes.ts";
import { checked, reasonOf } from "./steps.ts";

const { checkRollBack } = proxyLocalActivities<InputActivities>(local);
const { findFormerChampion } = proxyLocalActivities<RolloutActivities>(quick);

/** All at once: the model has been champion before, and the one in its place is not wanted. */
const atOnce = { mode: "manual", steps: [{ percent: 100 }], soakSeconds: 0, bakeSeconds: 0 } as const;
/** It must answer; nothing else may hold it, or bring back the model that people want gone. */
const answering = { latency: null, quality: null, feedback: null, own: [] };

/** What a rollback has come to. */
export interface RollBackResult {
  outcome: "rolled-back";
  champion: string;
}

export async function rollBack(input: RollBackInput): Promise<RollBackResult> {
  const { pipeline, to, replaceOthers, reason, by } = await checked(() => checkRollBack(input));
  const { workflowId } = workflowInfo();
  const { name } = pipeline;
  label({ pipeline: name, stage: "roll back" });
  const why = `rolled back${by === null ? "" : ` by ${by}`}: ${reason}`;
  let wanted = to;
  try {
    const { model, champion, testSet } = await findFormerChampion({ pipeline: name, to });
    wanted = model;
    const rollOutId = workflowIds.child(workflowId, "roll-out");
    setCurrentDetails(
      `**${model}** comes back: ${codeSpan(why)}\n\nThe workflow ${codeSpan(rollOutId)} says how far it is.`,
    );
    await executeChild(rollOut, {
      workflowId: rollOutId,
      args: [
        {
          pipeline: name,
          model,
          target: "promoted",
          reason: why.slice(0, 500),
          recipe: pipeline.recipe,
          compute: pipeline.compute,
          policy: {
            ...pipeline.rollout,
            ...atOnce,
            steps: [...atOnce.steps],
            gates: { ...pipeline.rollout.gates, ...answering },
          },
          testSet,
          // Who gave the order meant the champion of now, not one that has come meanwhile.
          against: champion,
          comeback: { replaceOthers },
          quality: null,
          alerts: pipeline.alerts,
        },
      ],
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      staticSummary: `${model} back to 100 %`,
      typedSearchAttributes: labelled({ pipeline: name, model, stage: "roll back" }),
    });
    const told = await tellPeople(takenBackAlert({ pipeline: name, workflowId, model, why }), pipeline.alerts);
    setCurrentDetails(`**${model}** is champion again: ${codeSpan(why)}\n\n${told}`);
    return { outcome: "rolled-back", champion: model };
  } catch (error) {
    log.error("the rollback failed", { pipeline: name, reason: reasonOf(error) });
    const failed = { pipeline: name, workflowId, to: wanted, replaceOthers, why, reason: reasonOf(error) };
    const told = await tellPeople(notTakenBackAlert(failed), pipeline.alerts);
    const what = wanted === null ? "The champion of before" : `**${wanted}**`;
    setCurrentDetails(`${what} could not be brought back: ${codeSpan(failed.reason)}\n\n${told}`);
    throw error;
  }
}
