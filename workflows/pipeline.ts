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
  ParentClosePolicy,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setDefaultSignalHandler,
  setHandler,
  startChild,
  workflowInfo,
  WorkflowIdReusePolicy,
  type ChildWorkflowHandle,
} from "@temporalio/workflow";
import { WorkflowExecutionAlreadyStartedError, type Workflow } from "@temporalio/common";
import type { AlertActivities, InputActivities, PipelineActivities } from "../activities/interfaces.ts";
import {
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
import type { Alert } from "../src/domain/alert-schema.ts";
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

  const { carried, ...definition } = await checked(() => checkPipeline(input));
  minNewRecords = definition.dataset.minNewRecords;
  label({ pipeline: name, dataset: name, stage: "pipeline" });
  if (carried === undefined) state.lastCycle = (await readDataset(name, state)).lastCycle;
  else followChildren(state);
  const details = (): string => describe(viewOf(state, name, minNewRecords));

  try {
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
 * is not there is forgotten. What is announced while this reads is read for next.
 */
async function readDataset(name: string, state: PipelineState): Promise<{ lastCycle: LastCycle | null }> {
  const heard = state.heardVersion;
  const { dataset, lastCycle } = await readPipeline({ name });
  state.dataset = { version: dataset.version === 0 ? null : dataset.version, records: dataset.records };
  if (state.heardVersion === heard) state.heardVersion = dataset.version;
  return { lastCycle };
}

async function take(step: Step, definition: PipelineDefinition, state: PipelineState): Promise<void> {
  switch (step) {
    case "read-dataset":
      await readDataset(definition.name, state);
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
    void settle(state, "update", () => outcomeOf(workflowId));
  } else void settle(state, "update", () => endOfUpdate(definition, update));
}

async function endOfUpdate({ name, alerts }: PipelineDefinition, update: ChildWorkflowHandle<typeof updateDataset>) {
  try {
    await update.result();
  } catch (error) {
    if (isCancellation(error)) throw error;
    await sendAlert({ sinks: alerts, alert: updateFailed(name, update.workflowId, reasonOf(error)) });
  }
  return null;
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

/** Waits for a child in the background and notes its end, well or not. A cancelled pipeline keeps the children's ids. */
async function settle(
  state: PipelineState,
  slot: "cycle" | "update",
  end: () => Promise<string | null>,
): Promise<void> {
  const workflowId = state[slot];
  let outcome: string | null;
  try {
    outcome = await end();
  } catch (error) {
    if (CancellationScope.current().consideredCancelled) return;
    outcome = reasonOf(error);
  }
  if (slot === "cycle") state.lastOutcome = `${workflowId}: ${outcome}`;
  state[slot] = null;
}

/** Children of the run before this one are not ours to wait for as children; their ends are seen from outside. */
function followChildren(state: PipelineState): void {
  for (const slot of ["cycle", "update"] as const) {
    const workflowId = state[slot];
    if (workflowId !== null) void settle(state, slot, () => outcomeOf(workflowId));
  }
}

async function outcomeOf(workflowId: string): Promise<string> {
  const { result, error } = await awaitWorkflow({ workflowId });
  if (error !== null) return error;
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
  await Promise.all(children.map(outcomeOf));
}

function refuseBadOrder(request: OrderRequest | undefined): void {
  const problem = whyBadOrder(request);
  if (problem !== null) throw ApplicationFailure.nonRetryable(problem, "InvalidInput");
}

function updateFailed(pipeline: string, workflowId: string, reason: string): Alert {
  return {
    severity: "error",
    pipeline,
    workflowId,
    title: `${pipeline}: the dataset could not be updated`,
    text: [reason, "Nothing was lost: every source goes on where it was with the next update."],
  };
}

/** Two lines: where it stands, and what it knows. */
function describe({ status, dataset, lastOutcome, signals }: PipelineView): string {
  const version =
    dataset.version === null
      ? "no dataset version yet"
      : `dataset version ${dataset.version}, ${dataset.records} records`;
  const last = lastOutcome === null ? "" : ` Last cycle: ${lastOutcome}.`;
  return `**${status}**\n\n${version}; ${signals.applied} updates heard.${last}`;
}
