/** What a pipeline starts and waits for: one cycle, one update and one rollback at a time, also over continue-as-new. */
import {
  ApplicationFailure,
  CancellationScope,
  getExternalWorkflowHandle,
  log,
  proxyActivities,
  type ChildWorkflowHandle,
} from "@temporalio/workflow";
import { WorkflowExecutionAlreadyStartedError, type Workflow } from "@temporalio/common";
import type { PipelineActivities } from "../activities/interfaces.ts";
import type { AlertDraft } from "../src/domain/alert.ts";
import { sourcesFailedAlert, updateFailedAlert } from "../src/domain/pipeline-alerts.ts";
import { endCycle, endUpdate, failuresIn, forgetEmptyOrder, noteSources } from "../src/domain/pipeline.ts";
import type { PipelineDefinition } from "../src/domain/pipeline-schema.ts";
import type { PipelineState } from "../src/domain/workflow-input-schema.ts";
import { waiting } from "./activity-options.ts";
import { startAlert } from "./alerts.ts";
import { reasonOf } from "./steps.ts";

const { awaitWorkflow } = proxyActivities<PipelineActivities>(waiting(365 * 86_400));

/** Tells people while the pipeline goes on. */
export interface Alerting {
  send(alert: AlertDraft): void;
  /** Alerts that are not under way yet: a run must not end before they are. */
  pending(): number;
}

/** Alerts of a pipeline, to the sinks that it has by then. */
export function alerting(owner: Pick<PipelineDefinition, "alerts">): Alerting {
  let [pending, sent] = [0, 0];
  const send = async (alert: AlertDraft): Promise<void> => {
    pending++;
    sent++;
    try {
      await startAlert(alert, owner.alerts, `${alert.kind}-${sent}`);
    } catch (error) {
      log.error("nobody could be alerted", { title: alert.title, reason: reasonOf(error) });
    } finally {
      pending--;
    }
  };
  return { send: (alert) => void send(alert), pending: () => pending };
}

/**
 * Waits until a child is there, so that no run ends before its children began and the next one finds them. Null when a
 * workflow of its id is there already.
 */
export async function unlessThere<T extends Workflow>(
  starting: Promise<ChildWorkflowHandle<T>>,
): Promise<ChildWorkflowHandle<T> | null> {
  try {
    return await starting;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return null;
    throw error;
  }
}

/** Waits for a cycle's end in the background and notes it. */
export async function watchCycle(state: PipelineState, end: () => Promise<unknown>): Promise<void> {
  const ended = await endOf(end);
  if (ended === null) return;
  endCycle(state, ended.result, ended.failure);
}

/** The same for an update: a cycle tells people of its failure itself, an update has nobody to tell but us. */
export async function watchUpdate(
  name: string,
  state: PipelineState,
  alerts: Alerting,
  end: () => Promise<unknown>,
): Promise<void> {
  const workflowId = state.update ?? "";
  const ended = await endOf(end);
  if (ended === null) return;
  endUpdate(state, ended.result);
  forgetEmptyOrder(state);
  if (ended.failure !== null) return alerts.send(updateFailedAlert(name, workflowId, ended.failure));
  const failing = noteSources(state, failuresIn(ended.result));
  if (Object.keys(failing).length > 0) alerts.send(sourcesFailedAlert(name, workflowId, failing));
}

/** Children of the run before this one are not ours to wait for as children; their ends are seen from outside. */
export function followChildren(name: string, state: PipelineState, alerts: Alerting): void {
  const { cycle, update } = state;
  if (cycle !== null) void watchCycle(state, () => resultOf(cycle));
  if (update !== null) void watchUpdate(name, state, alerts, () => resultOf(update));
}

/** What a workflow answered that is not our child; throws when it did not end well. */
export async function resultOf(workflowId: string): Promise<unknown> {
  const { result, error } = await awaitWorkflow({ workflowId });
  if (error !== null) throw ApplicationFailure.nonRetryable(error, "Internal");
  return result;
}

/** Cancels what is under way, of whichever run, and waits for its end. */
export async function cancelChildren(state: PipelineState): Promise<void> {
  const children = [state.cycle, state.update, state.rollBack].filter((workflowId) => workflowId !== null);
  for (const workflowId of children) {
    try {
      await getExternalWorkflowHandle(workflowId).cancel();
    } catch {
      // It ended by itself.
    }
  }
  await Promise.allSettled(children.map(resultOf));
}

/** What a child came to; null when it is the pipeline that was cancelled, which then keeps the children's ids. */
export async function endOf(end: () => Promise<unknown>): Promise<{ result: unknown; failure: string | null } | null> {
  try {
    return { result: await end(), failure: null };
  } catch (error) {
    return CancellationScope.current().consideredCancelled ? null : { result: null, failure: reasonOf(error) };
  }
}
