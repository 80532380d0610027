/**
 * Lives for ever, one per model: hears that its dataset has news, brings the dataset up to date when the news come from
 * outside, and starts a cycle when enough new records are there. One cycle at a time; what arrives meanwhile counts
 * towards the next. Handlers are synchronous and only change the state, which continue-as-new carries over, so that no
 * message is lost; a cycle or update that is under way then is followed from outside.
 *
 * Signal `datasetUpdated`; updates `pause`, `resume`, `runNow`; query `state`. Children are abandoned on close, because
 * continue-as-new is a close too; cancelling a pipeline cancels them.
 */
import {
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  isCancellation,
  log,
  ParentClosePolicy,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setDefaultSignalHandler,
  setHandler,
  sleep,
  startChild,
  workflowInfo,
  WorkflowIdReusePolicy,
  type ChildWorkflowHandle,
} from "@temporalio/workflow";
import { WorkflowExecutionAlreadyStartedError, type Workflow } from "@temporalio/common";
import type { AlertActivities, InputActivities, PipelineActivities } from "../activities/interfaces.ts";
import {
  forgetEmptyOrder,
  hearUpdate,
  initialState,
  nextCycle,
  nextStep,
  reject,
  takeOrder,
  viewOf,
  whyBadOrder,
  type PipelineView,
} from "../src/domain/pipeline.ts";
import { unreadableAlert, updateFailedAlert } from "../src/domain/alert.ts";
import { cycleNumber } from "../src/domain/ids.ts";
import type { PipelineDefinition } from "../src/domain/pipeline-schema.ts";
import type { LastCycle } from "../src/domain/registry-schema.ts";
import type { PipelineInput, PipelineState } from "../src/domain/workflow-input-schema.ts";
import { local, outside, patient, waiting } from "./activity-options.ts";
import { workflowIds } from "./names.ts";
import {
  datasetUpdatedSignal,
  pauseUpdate,
  resumeUpdate,
  runNowUpdate,
  stateQuery,
  type OrderRequest,
} from "./pipeline-messages.ts";
import { retrain } from "./retrain.ts";
import { label } from "./search-attributes.ts";
import { checked, reasonOf, regardless } from "./steps.ts";
import { updateDataset } from "./update-dataset.ts";

const { checkPipeline } = proxyLocalActivities<InputActivities>(local);
const { readPipeline } = proxyLocalActivities<PipelineActivities>(patient);
const { sendAlert } = proxyActivities<AlertActivities>(outside);
const { awaitWorkflow } = proxyActivities<PipelineActivities>(waiting(365 * 86_400));

type Step = ReturnType<typeof nextStep>;
type Owner = Pick<PipelineDefinition, "name" | "alerts">;

export async function pipeline(input: PipelineInput): Promise<never> {
  const state = input?.carried ?? initialState();
  const name = input?.name ?? "";
  let minNewRecords = 0;
  const orders = { validator: (request?: OrderRequest) => refuseBadOrder(request) };
  setHandler(datasetUpdatedSignal, (message) => hearUpdate(state, name, message));
  setHandler(pauseUpdate, (request) => takeOrder(state, "pause", request?.reason ?? null), orders);
  setHandler(resumeUpdate, (request) => takeOrder(state, "resume", request?.reason ?? null), orders);
  setHandler(runNowUpdate, (request) => takeOrder(state, "runNow", request?.reason ?? null), orders);
  setHandler(stateQuery, () => viewOf(state, name, minNewRecords));
  setDefaultSignalHandler((signal) => reject(state, `${signal}: unknown signal`));

  const details = (): string => describe(viewOf(state, name, minNewRecords));

  let definition: PipelineDefinition;
  try {
    followChildren({ name, alerts: input?.alerts ?? [] }, state);
    const { carried, ...checkedDefinition } = await checked(() => checkPipeline(input));
    definition = checkedDefinition;
    minNewRecords = definition.dataset.minNewRecords;
    label({ pipeline: name, dataset: name, stage: "pipeline" });
    if (carried === undefined) state.lastCycle = await readDataset(definition, state);
    for (;;) {
      const shown = details();
      setCurrentDetails(shown);
      await condition(
        () => nextStep(state, minNewRecords) !== null || workflowInfo().continueAsNewSuggested || details() !== shown,
      );
      if (workflowInfo().continueAsNewSuggested) break;
      await take(nextStep(state, minNewRecords), definition, state);
    }
  } catch (error) {
    if (isCancellation(error)) await regardless(() => cancelChildren(state));
    throw error;
  }
  return continueAsNew<typeof pipeline>({ ...definition, carried: state });
}

/**
 * Reads what storage knows: whatever was missed while nobody was running is in it, and a version that was announced but
 * is not there is forgotten. What is announced while this reads is read for next. Storage that cannot be read is no end:
 * people are told, and it is tried again.
 */
async function readDataset({ name, alerts }: PipelineDefinition, state: PipelineState): Promise<LastCycle | null> {
  for (let attempt = 1; ; attempt++) {
    const heard = state.heardVersion;
    try {
      state.isStale = false;
      const { dataset, champion, lastCycle } = await readPipeline({ name });
      state.champion = champion;
      state.dataset = { version: dataset.version === 0 ? null : dataset.version, records: dataset.records };
      if (state.heardVersion === heard) state.heardVersion = dataset.version;
      return lastCycle;
    } catch (error) {
      if (isCancellation(error)) throw error;
      const alert = unreadableAlert(name, workflowInfo().workflowId, reasonOf(error));
      if (attempt === 1) await sendAlert({ sinks: alerts, alert });
      await sleep("1m", { summary: "storage cannot be read" });
    }
  }
}

async function take(step: Step, definition: PipelineDefinition, state: PipelineState): Promise<void> {
  switch (step) {
    case "read-dataset":
      await readDataset(definition, state);
      return;
    case "update-dataset":
      return startUpdate(definition, state);
    case "start-cycle":
      return startCycle(definition, state);
    case null:
      return;
  }
}

async function startUpdate(definition: PipelineDefinition, state: PipelineState): Promise<void> {
  const { name, sources, dataset } = definition;
  const workflowId = workflowIds.pipelineUpdate(name, state.updatesStarted + 1);
  state.updatesStarted++;
  state.updateWanted = false;
  state.update = workflowId;
  const update = await unlessThere(
    startChild(updateDataset, {
      workflowId,
      args: [{ dataset: name, sources, split: dataset.split, quorum: dataset.quorum, notify: [] }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: `update of dataset ${name}`,
    }),
  );
  if (update === null) {
    // Left running by a pipeline of this name that ended; it may have read its sources before the news.
    state.updateWanted = true;
  }
  void watchUpdate(definition, state, async () => {
    if (update === null) return outcomeOf(workflowId);
    await update.result();
    return "completed";
  });
}

async function startCycle(definition: PipelineDefinition, state: PipelineState): Promise<void> {
  const cycle = nextCycle(state);
  const workflowId = workflowIds.retrain(definition.name, cycle.datasetVersion, cycle.repeat);
  state.runNowWanted = false;
  state.lastCycle = { ...cycle, workflowId };
  state.cycle = workflowId;
  const started = await unlessThere(
    startChild(retrain, {
      workflowId,
      args: [{ pipeline: definition, version: cycle.datasetVersion, repeat: cycle.repeat }],
      workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: `cycle ${cycleNumber(cycle.datasetVersion, cycle.repeat)} of ${definition.name}`,
    }),
  );
  // Without one, somebody started this very cycle by hand: it is the one cycle of its intent, so it is waited for.
  void settle(state, "cycle", async () =>
    started === null ? outcomeOf(workflowId) : (await started.result()).outcome,
  );
}

/**
 * Waits until a child is there, so that no run ends before its children began and the next one finds them. Null when a
 * workflow of its id is there already.
 */
async function unlessThere<T extends Workflow>(
  starting: Promise<ChildWorkflowHandle<T>>,
): Promise<ChildWorkflowHandle<T> | null> {
  try {
    return await starting;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return null;
    throw error;
  }
}

/**
 * Waits for a child in the background and notes its end; answers why it failed, or null. A cancelled pipeline keeps the
 * children's ids.
 */
async function settle(
  state: PipelineState,
  slot: "cycle" | "update",
  end: () => Promise<string>,
): Promise<string | null> {
  const workflowId = state[slot];
  let outcome: string;
  let failure: string | null = null;
  try {
    outcome = await end();
  } catch (error) {
    if (CancellationScope.current().consideredCancelled) return null;
    outcome = failure = reasonOf(error);
  }
  if (slot === "cycle") {
    state.lastOutcome = `${workflowId}: ${outcome}`;
    state.isStale = true;
  }
  state[slot] = null;
  return failure;
}

/** A cycle tells people of its failure itself; an update has nobody to tell but us. */
async function watchUpdate({ name, alerts }: Owner, state: PipelineState, end: () => Promise<string>): Promise<void> {
  const workflowId = state.update ?? "";
  const failure = await settle(state, "update", end);
  forgetEmptyOrder(state);
  if (failure === null) return;
  try {
    await sendAlert({ sinks: alerts, alert: updateFailedAlert(name, workflowId, failure) });
  } catch (error) {
    log.error("nobody could be alerted", { workflowId, reason: reasonOf(error) });
  }
}

/** Children of the run before this one are not ours to wait for as children; their ends are seen from outside. */
function followChildren(owner: Owner, state: PipelineState): void {
  const { cycle, update } = state;
  if (cycle !== null) void settle(state, "cycle", () => outcomeOf(cycle));
  if (update !== null) void watchUpdate(owner, state, () => outcomeOf(update));
}

/** How a workflow ended that is not our child; throws when it did not end well. */
async function outcomeOf(workflowId: string): Promise<string> {
  const { result, error } = await awaitWorkflow({ workflowId });
  if (error !== null) throw ApplicationFailure.nonRetryable(error, "Internal");
  return typeof result === "object" && result !== null && "outcome" in result ? String(result.outcome) : "completed";
}

/** Cancels what is under way, of whichever run, and waits for its end. */
async function cancelChildren(state: PipelineState): Promise<void> {
  const children = [state.cycle, state.update].filter((workflowId) => workflowId !== null);
  for (const workflowId of children) {
    try {
      await getExternalWorkflowHandle(workflowId).cancel();
    } catch {
      // It ended by itself.
    }
  }
  await Promise.allSettled(children.map(outcomeOf));
}

function refuseBadOrder(request: OrderRequest | undefined): void {
  const problem = whyBadOrder(request);
  if (problem !== null) throw ApplicationFailure.nonRetryable(problem, "InvalidInput");
}

/** Two lines: where it stands, and what it knows. */
function describe({ status, champion, dataset, lastOutcome, signals }: PipelineView): string {
  const version =
    dataset.version === null
      ? "no dataset version yet"
      : `dataset version ${dataset.version}, ${dataset.records} records`;
  const last = lastOutcome === null ? "" : ` Last cycle: ${lastOutcome}.`;
  const who = champion === null ? "no champion yet" : `champion ${champion}`;
  return `**${status}**\n\n${who}; ${version}; ${signals.applied} updates heard.${last}`;
}
