/**
 * A cycle's wait for somebody to agree. The answer comes by the updates `approve` and `reject`, sent to the cycle or to its
 * pipeline, which forwards it by signal; the first one counts. When nobody has answered by the deadline, the policy does.
 */
import {
  ApplicationFailure,
  condition,
  getExternalWorkflowHandle,
  log,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from "@temporalio/workflow";
import type { ApprovalActivities, DecidedCycle } from "../activities/comparison-interfaces.ts";
import { approvalAlert, type AlertDraft } from "../src/domain/alert.ts";
import {
  deadlineAnswer,
  hearAnswer,
  outcomeOf,
  takeAnswer,
  whyBadAnswer,
  type Answerable,
  type ApprovalRequest,
} from "../src/domain/approval.ts";
import type { ApprovalRecord, AwaitedApproval } from "../src/domain/approval-schema.ts";
import type { DecisionPolicy } from "../src/domain/decide-schema.ts";
import type { PipelineDefinition } from "../src/domain/pipeline-schema.ts";
import { quick } from "./activity-options.ts";
import { startAlert } from "./alerts.ts";
import {
  answerSignal,
  approveUpdate,
  cycleProgressSignal,
  rejectUpdate,
  type CycleProgress,
} from "./approval-messages.ts";
import { workflowIds } from "./names.ts";
import { reasonOf, regardless } from "./steps.ts";

const { readApproval, recordApproval } = proxyLocalActivities<ApprovalActivities>(quick);

/** A cycle that has decided. */
export interface DecidedStory {
  pipeline: Pick<PipelineDefinition, "name" | "alerts">;
  /** The challenger. */
  model: string;
  champion: string | null;
  decision: DecidedCycle;
}

/** What its pipeline is told of. */
export type Decided = Pick<DecidedStory, "model"> & {
  pipeline: Pick<PipelineDefinition, "name">;
  decision: Pick<DecidedCycle, "outcome">;
};

/** Hears answers from the beginning of a cycle, so that one that comes too early is told so. */
export function hearAnswers(): Answerable {
  const heard: Answerable = { approval: null, orders: 0 };
  const orders = { validator: (request?: ApprovalRequest) => refuseBadAnswer(heard.approval, request) };
  setHandler(approveUpdate, (request) => takeAnswer(heard, "approved", request, now()), orders);
  setHandler(rejectUpdate, (request) => takeAnswer(heard, "rejected", request, now()), orders);
  setHandler(answerSignal, (message) => {
    const problem = hearAnswer(heard, message);
    if (problem !== null) log.warn("an answer is passed over", { reason: problem });
  });
  return heard;
}

/** Refuses an update that is no answer to what waits. Throws InvalidInput, which only the sender hears. */
export function refuseBadAnswer(awaited: AwaitedApproval | null, request: ApprovalRequest | undefined): void {
  const problem = whyBadAnswer(awaited, request);
  if (problem !== null) throw ApplicationFailure.nonRetryable(problem, "InvalidInput");
}

/** Asks people and waits for their answer, or the deadline; a decision that had its answer before keeps it. */
export async function awaitApproval(
  heard: Answerable,
  story: DecidedStory,
  policy: Exclude<DecisionPolicy["approval"], "none">,
): Promise<ApprovalRecord> {
  const { model, decision } = story;
  const answered = await readApproval({ cycle: model, decision });
  if (answered !== null) return answered;
  const awaited: AwaitedApproval = {
    cycle: model,
    workflowId: workflowInfo().workflowId,
    until: new Date(Date.now() + policy.deadlineSeconds * 1000).toISOString(),
    onDeadline: policy.onDeadline,
    answer: null,
  };
  heard.approval = awaited;
  await tellPipeline(story, awaited);
  setCurrentDetails(describe(story, awaited));
  askPeople(approvalAlert({ ...story, awaited }), story.pipeline.alerts);
  try {
    await condition(() => awaited.answer !== null, policy.deadlineSeconds * 1000, { summary: "for an approval" });
    const answer = (awaited.answer ??= deadlineAnswer(awaited));
    const outcome = outcomeOf(answer.answer, policy.onDeadline);
    return await recordApproval({ pipeline: story.pipeline.name, cycle: model, decision, ...answer, outcome });
  } catch (error) {
    // The cycle ends for another reason: nobody is to answer any more.
    heard.approval = null;
    throw error;
  } finally {
    await regardless(() => tellPipeline(story, null));
  }
}

/**
 * Tells the pipeline of this name what was decided and what is waited for, or by which rollout users meet the challenger; one
 * that does not run, or runs another cycle, does not mind.
 */
export async function tellPipeline(
  { pipeline, model, decision }: Decided,
  approval: AwaitedApproval | null,
  meetsUsersBy: string | null = null,
): Promise<void> {
  const progress: CycleProgress = {
    cycle: workflowInfo().workflowId,
    decision: { id: model, outcome: decision.outcome },
    approval,
    meetsUsersBy,
  };
  try {
    await getExternalWorkflowHandle(workflowIds.pipeline(pipeline.name)).signal(cycleProgressSignal, progress);
  } catch {
    log.info("no pipeline to tell of the decision", { pipeline: pipeline.name, cycle: model });
  }
}

/** In the background: what becomes of it does not keep an answer from being heard. */
function askPeople(alert: AlertDraft, sinks: PipelineDefinition["alerts"]): void {
  startAlert(alert, sinks).catch((error: unknown) =>
    log.error("nobody could be asked for an approval", { title: alert.title, reason: reasonOf(error) }),
  );
}

/** Names only: reasons can hold text from outside, which would be markup here. */
function describe({ pipeline: { name }, model }: DecidedStory, { until, onDeadline }: AwaitedApproval): string {
  const then = onDeadline === "promote" ? "it is rolled out" : "the champion stays";
  return (
    `**${model} has won and waits for an approval**, until ${until}; then ${then}.\n\n` +
    `Updates \`approve\` and \`reject\`, here or of \`${workflowIds.pipeline(name)}\`, or \`tuneloop approve ${name}\`.`
  );
}

function now(): string {
  return new Date().toISOString();
}
