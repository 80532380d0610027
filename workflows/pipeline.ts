/**
 * Lives for ever, one per model: hears that its dataset has news, brings the dataset up to date when the news come from
 * outside, and starts a cycle when enough new records are there. One cycle at a time; what arrives meanwhile counts
 * towards the next. Handlers are synchronous and only change the state, which continue-as-new carries over, so that no
 * message is lost; a cycle or update that is under way then is followed from outside.
 *
 * Signals `datasetUpdated`, and `cycleProgress` from its cycle; updates `pause`, `resume`, `runNow`, and `approve` and
 * `reject`, which it hands on to the cycle that waits for them, and `rollBack`, which runs beside a cycle; query `state`. Children are abandoned on close, because
 * continue-as-new is a close too; cancelling a pipeline cancels them.
 */
import {
  condition,
  continueAsNew,
  isCancellation,
  ParentClosePolicy,
  proxyLocalActivities,
  setCurrentDetails,
  setDefaultSignalHandler,
  setHandler,
  sleep,
  startChild,
  workflowInfo,
  WorkflowIdReusePolicy,
} from "@temporalio/workflow";
import type { InputActivities, PipelineActivities } from "../activities/interfaces.ts";
import {
  hearReading,
  hearUpdate,
  initialState,
  nextCycle,
  nextStep,
  noteSources,
  reject,
  takeOrder,
  viewOf,
  whyBadOrder,
  type PipelineView,
} from "../src/domain/pipeline.ts";
import { sourcesFailedAlert, unreadableAlert } from "../src/domain/pipeline-alerts.ts";
import { cycleNumber } from "../src/domain/ids.ts";
import type { PipelineDefinition } from "../src/domain/pipeline-schema.ts";
import type { LastCycle } from "../src/domain/registry-schema.ts";
import type { PipelineInput, PipelineState } from "../src/domain/workflow-input-schema.ts";
import { local, patient } from "./activity-options.ts";
import { workflowIds } from "./names.ts";
import {
  alerting,
  cancelChildren,
  followChildren,
  resultOf,
  unlessThere,
  watchCycle,
  watchUpdate,
  type Alerting,
} from "./pipeline-children.ts";
import {
  datasetUpdatedSignal,
  pauseUpdate,
  resumeUpdate,
  runNowUpdate,
  stateQuery,
  type OrderRequest,
} from "./pipeline-messages.ts";
import { updateProgressSignal } from "./reading-messages.ts";
import { handleApprovals } from "./pipeline-approvals.ts";
import { handleRollBacks } from "./pipeline-roll-backs.ts";
import { retrain } from "./retrain.ts";
import { label } from "./search-attributes.ts";
import { checked, reasonOf, refuse, regardless } from "./steps.ts";
import { updateDataset } from "./update-dataset.ts";

const { checkPipeline } = proxyLocalActivities<InputActivities>(local);
const { readPipeline } = proxyLocalActivities<PipelineActivities>(patient);

/** A pipeline in the middle of its work. */
interface Running {
  definition: PipelineDefinition;
  state: PipelineState;
  alerts: Alerting;
}

export async function pipeline(input: PipelineInput): Promise<never> {
  const state = input?.carried ?? initialState();
  const name = input?.name ?? "";
  const owner = { alerts: input?.alerts ?? [] };
  const alerts = alerting(owner);
  let minNewRecords = 0;
  const orders = { validator: (request?: OrderRequest) => refuse(whyBadOrder(request)) };
  setHandler(datasetUpdatedSignal, (message) => hearUpdate(state, name, message));
  setHandler(updateProgressSignal, (message) => hearReading(state, message));
  setHandler(pauseUpdate, (request) => takeOrder(state, "pause", request), orders);
  setHandler(resumeUpdate, (request) => takeOrder(state, "resume", request), orders);
  setHandler(runNowUpdate, (request) => takeOrder(state, "runNow", request), orders);
  const answers = handleApprovals(state);
  const rollBacks = handleRollBacks(state, name);
  setHandler(stateQuery, () => viewOf(state, name, minNewRecords));
  setDefaultSignalHandler((signal) => reject(state, `${signal}: unknown signal`));

  const details = (): string => describe(viewOf(state, name, minNewRecords));
  const pending = (): number => alerts.pending() + answers.pending() + rollBacks.pending();
  const isOver = (): boolean => workflowInfo().continueAsNewSuggested && pending() === 0;

  let definition: PipelineDefinition;
  try {
    followChildren(name, state, alerts);
    const { carried, ...checkedDefinition } = await checked(() => checkPipeline(input));
    definition = { ...checkedDefinition, sources: input.sources };
    const running = { definition, state, alerts };
    owner.alerts = definition.alerts;
    minNewRecords = definition.dataset.minNewRecords;
    label({ pipeline: name, dataset: name, stage: "pipeline" });
    rollBacks.begin(definition);
    if (carried === undefined) state.lastCycle = await readDataset(running);
    for (;;) {
      const shown = details();
      setCurrentDetails(shown);
      await condition(() => nextStep(state, minNewRecords) !== null || isOver() || details() !== shown);
      if (isOver()) break;
      await take(nextStep(state, minNewRecords), running);
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
async function readDataset({ definition, state, alerts }: Running): Promise<LastCycle | null> {
  const { name } = definition;
  for (let attempt = 1; ; attempt++) {
    const heard = state.heardVersion;
    try {
      state.isStale = false;
      const { dataset, champion, lastCycle } = await readPipeline({ name });
      state.champion = champion;
      const known = state.dataset.version;
      state.dataset = { version: dataset.version === 0 ? null : dataset.version, records: dataset.records };
      if (state.heardVersion === heard) state.heardVersion = dataset.version;
      if (dataset.version > (known ?? 0)) noteFailures({ definition, state, alerts }, dataset.failedSources);
      return lastCycle;
    } catch (error) {
      if (isCancellation(error)) throw error;
      if (attempt === 1) alerts.send(unreadableAlert(name, workflowInfo().workflowId, reasonOf(error)));
      await sleep("1m", { summary: "storage cannot be read" });
    }
  }
}

/** A version that somebody else made says which sources failed. */
function noteFailures({ definition, state, alerts }: Running, failedSources: Record<string, string>): void {
  const failing = noteSources(state, failedSources);
  if (Object.keys(failing).length === 0) return;
  alerts.send(sourcesFailedAlert(definition.name, workflowInfo().workflowId, failing));
}

async function take(step: ReturnType<typeof nextStep>, running: Running): Promise<void> {
  switch (step) {
    case "read-dataset":
      await readDataset(running);
      return;
    case "update-dataset":
      return startUpdate(running);
    case "start-cycle":
      return startCycle(running);
    case null:
      return;
  }
}

async function startUpdate({ definition, state, alerts }: Running): Promise<void> {
  const { name, sources, dataset } = definition;
  const { split, quorum, deadlines, countsTable } = dataset;
  const workflowId = workflowIds.pipelineUpdate(name, state.updatesStarted + 1);
  state.updatesStarted++;
  state.updateWanted = false;
  state.update = workflowId;
  const update = await unlessThere(
    startChild(updateDataset, {
      workflowId,
      args: [{ dataset: name, sources, split, quorum, deadlines, countsTable }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: `update of dataset ${name}`,
    }),
  );
  if (update === null) {
    // Left running by a pipeline of this name that ended; it may have read its sources before the news.
    state.updateWanted = true;
  }
  void watchUpdate(name, state, alerts, () => (update === null ? resultOf(workflowId) : update.result()));
}

async function startCycle({ definition, state }: Running): Promise<void> {
  const { sources: _, ...cycleDefinition } = definition;
  const { name } = definition;
  const cycle = nextCycle(state);
  const workflowId = workflowIds.retrain(name, cycle.datasetVersion, cycle.repeat);
  state.runNowWanted = false;
  state.lastCycle = { ...cycle, workflowId };
  state.cycle = workflowId;
  const started = await unlessThere(
    startChild(retrain, {
      workflowId,
      args: [{ pipeline: cycleDefinition, version: cycle.datasetVersion, repeat: cycle.repeat }],
      workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: `cycle ${cycleNumber(cycle.datasetVersion, cycle.repeat)} of ${name}`,
    }),
  );
  // Without one, somebody started this very cycle by hand: it is the one cycle of its intent, so it is waited for.
  void watchCycle(state, () => (started === null ? resultOf(workflowId) : started.result()));
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
