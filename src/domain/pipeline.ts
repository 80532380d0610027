import { readAwaited } from "./approval.ts";
import { isObject } from "./objects.ts";
import type { OrderReceipt } from "./order.ts";
import { firstReasons, readReading, readReasons, tally } from "./reading.ts";
import type { AwaitedApproval } from "./approval-schema.ts";
import { readRolloutRequest, sentenceOf, whyBadRolloutRequest } from "./rollout.ts";
import type { LastCycle } from "./registry-schema.ts";
import type { PipelineState } from "./workflow-input-schema.ts";

/** Update ids remembered: a repeat within so many updates is recognised, also over continue-as-new. */
const windowSize = 4096;
/** Rejected messages and their reasons that are kept for people. */
const rejectedKept = 20;
const longestId = 200;

/** What the query `state` answers. */
export interface PipelineView extends Omit<PipelineState, "window"> {
  name: string;
  /** Accepted records since the last cycle. */
  newRecords: number;
  minNewRecords: number;
  /** What the pipeline is doing or waits for, in a sentence. */
  status: string;
}

/** A pipeline that has heard nothing yet. */
export function initialState(): PipelineState {
  return {
    paused: false,
    pauseReason: null,
    pausedBy: null,
    dataset: { version: null, records: 0 },
    heardVersion: 0,
    champion: null,
    isStale: false,
    lastCycle: null,
    lastOutcome: null,
    cycle: null,
    approval: null,
    lastDecision: null,
    update: null,
    reading: null,
    failedSources: {},
    updateWanted: false,
    updatesStarted: 0,
    runNowWanted: false,
    meetsUsersBy: null,
    rollBackWanted: null,
    rollBack: null,
    lastRollBack: null,
    orders: 0,
    signals: { applied: 0, duplicates: 0, rejected: 0 },
    rejected: [],
    window: [],
  };
}

/**
 * Takes a `datasetUpdated` message of any shape into the state: applied, duplicate or rejected, never thrown at the
 * sender, who hears nothing anyway. Our own versions are level-triggered; external updates count once per id.
 */
export function hearUpdate(state: PipelineState, dataset: string, message: unknown): void {
  const problem = whyBadUpdate(dataset, message);
  if (problem !== null) return reject(state, `datasetUpdated: ${problem}`);
  const { updateId, version } = readUpdate(message);
  if (version !== null) {
    count(state, version > state.heardVersion);
    state.heardVersion = Math.max(state.heardVersion, version);
    return;
  }
  const mark = hashText(updateId);
  const isNew = !state.window.includes(mark);
  count(state, isNew);
  if (!isNew) return;
  state.window.push(mark);
  if (state.window.length > windowSize) state.window.shift();
  state.updateWanted = true;
}

/** Takes what the update that is running says of its sources; what others say, or in another shape, is passed over. */
export function hearReading(state: PipelineState, message: unknown): void {
  if (state.update === null || !isObject(message) || message["update"] !== state.update) return;
  state.reading = readReading(message["reading"]);
}

/** Takes what the cycle that is running says it has decided and waits for; what others say is passed over. */
export function hearCycle(state: PipelineState, message: unknown): void {
  if (state.cycle === null || !isObject(message) || message["cycle"] !== state.cycle) return;
  state.approval = readAwaited(message["approval"]);
  state.meetsUsersBy = typeof message["meetsUsersBy"] === "string" ? message["meetsUsersBy"] : null;
  state.lastDecision = readDecision(message["decision"]) ?? state.lastDecision;
}

/** Notes that the cycle has ended, and how. */
export function endCycle(state: PipelineState, result: unknown, failure: string | null): void {
  const ended = isObject(result) ? result : {};
  const outcome = typeof ended["outcome"] === "string" ? ended["outcome"] : "completed";
  state.lastOutcome = `${state.cycle}: ${failure ?? outcome}`;
  const decided = isObject(ended["decision"]) ? { ...ended["decision"], id: ended["cycle"] } : null;
  state.lastDecision = readDecision(decided) ?? state.lastDecision;
  state.isStale = true;
  state.cycle = null;
  state.approval = null;
  state.meetsUsersBy = null;
}

function readDecision(value: unknown): PipelineState["lastDecision"] {
  if (!isObject(value) || typeof value["id"] !== "string") return null;
  const outcome = (["promote", "keep", "inconclusive"] as const).find((known) => known === value["outcome"]);
  return outcome === undefined ? null : { id: value["id"].slice(0, longestId), outcome };
}

/** Notes that the update has ended; asks for another one where sources have more than they could deliver in time. */
export function endUpdate(state: PipelineState, result: unknown): void {
  state.update = null;
  state.reading = null;
  const unfinished = isObject(result) ? result["unfinished"] : null;
  if (Array.isArray(unfinished) && unfinished.length > 0) state.updateWanted = true;
}

/** Sources that an update's result says have failed, and why. */
export function failuresIn(result: unknown): Record<string, string> {
  return readReasons(isObject(result) ? result["failedSources"] : null);
}

/** Notes which sources fail now; answers those that did not before. */
export function noteSources(state: PipelineState, failing: Record<string, string>): Record<string, string> {
  const known = state.failedSources;
  state.failedSources = firstReasons(failing);
  return Object.fromEntries(Object.entries(state.failedSources).filter(([source]) => !(source in known)));
}

/** Notes a message that nobody understands. */
export function reject(state: PipelineState, reason: string): void {
  state.signals.rejected++;
  state.rejected = [...state.rejected, reason.slice(0, 200)].slice(-rejectedKept);
}

/** Why an order's argument is no good, or null: a pause, its end or a run needs no reason. */
export function whyBadOrder(request: unknown): string | null {
  return whyBadRolloutRequest(request, false);
}

/** Takes an order and numbers it. */
export function takeOrder(state: PipelineState, order: "pause" | "resume" | "runNow", request: unknown): OrderReceipt {
  state.orders++;
  const { reason, by } = readRolloutRequest(request);
  switch (order) {
    case "pause":
      state.paused = true;
      state.pauseReason = reason === "" ? null : reason;
      state.pausedBy = by;
      break;
    case "resume":
      state.paused = false;
      state.pauseReason = null;
      state.pausedBy = null;
      break;
    case "runNow":
      state.runNowWanted = true;
      if (state.dataset.version === null && state.heardVersion === 0) state.updateWanted = true;
      break;
  }
  return { accepted: true, orderId: `${order}-${state.orders}` };
}

/** An order to run with nothing to train on, and sources that brought nothing, is done: it must not fire on the next record. */
export function forgetEmptyOrder(state: PipelineState): void {
  if (state.dataset.version === null && state.heardVersion === 0) state.runNowWanted = false;
}

/** Accepted records since the last cycle. */
export function newRecords({ dataset, lastCycle }: PipelineState): number {
  return dataset.records - (lastCycle?.records ?? 0);
}

/** What a pipeline should do now, most urgent first; null to wait. */
export function nextStep(
  state: PipelineState,
  minNewRecords: number,
): "read-dataset" | "update-dataset" | "start-cycle" | null {
  if (state.isStale || state.heardVersion > (state.dataset.version ?? 0)) return "read-dataset";
  if (state.updateWanted && state.update === null) return "update-dataset";
  if (state.cycle !== null || state.dataset.version === null) return null;
  const due = !state.paused && newRecords(state) >= minNewRecords;
  return due || state.runNowWanted ? "start-cycle" : null;
}

/** The cycle that comes next: of the newest version, numbered when that version had one already. */
export function nextCycle(state: PipelineState): Omit<LastCycle, "workflowId"> {
  const datasetVersion = state.dataset.version ?? 0;
  const again = state.lastCycle?.datasetVersion === datasetVersion ? state.lastCycle.repeat + 1 : 1;
  return { datasetVersion, repeat: again, records: state.dataset.records };
}

/** The state for people and machines that ask. */
export function viewOf(state: PipelineState, name: string, minNewRecords: number): PipelineView {
  const { window: _, ...shown } = state;
  return { ...shown, name, newRecords: newRecords(state), minNewRecords, status: statusOf(state, minNewRecords) };
}

function statusOf(state: PipelineState, minNewRecords: number): string {
  if (state.rollBack !== null) return `${state.rollBack} is bringing a champion of before back.`;
  if (state.cycle !== null && state.approval !== null) return waitingFor(state.approval);
  if (state.cycle !== null) return `Cycle ${state.cycle} is running.`;
  if (state.paused)
    return `${sentenceOf("Paused", state.pausedBy, state.pauseReason ?? "")}. Resume with the update resume.`;
  if (state.update !== null) return `Reading the sources (${state.update})${soFar(state)}.`;
  const missing = minNewRecords - newRecords(state);
  return `Waiting for ${Math.max(missing, 0)} more new records: ${newRecords(state)} of ${minNewRecords} are there.`;
}

function waitingFor({ cycle, until, onDeadline, answer }: AwaitedApproval): string {
  if (answer !== null) return `${cycle} has its answer: ${answer.answer}.`;
  const then = onDeadline === "promote" ? "it is rolled out" : "the champion stays";
  return `${cycle} has won and waits for the updates approve or reject until ${until}; then ${then}.`;
}

function soFar({ reading }: PipelineState): string {
  return reading === null ? "" : `: ${tally(reading)}`;
}

function count(state: PipelineState, isNew: boolean): void {
  if (isNew) state.signals.applied++;
  else state.signals.duplicates++;
}

function whyBadUpdate(dataset: string, message: unknown): string | null {
  if (!isObject(message)) return "the message must be an object";
  const { updateId, dataset: named, version, records } = message;
  if (typeof updateId !== "string" || updateId === "" || updateId.length > longestId) {
    return `updateId: must be text of 1 to ${longestId} characters`;
  }
  if (named !== dataset) return `dataset: this pipeline is about ${dataset}`;
  if (version !== undefined && !isCount(version, 1)) return "version: must be a whole number from 1";
  return records !== undefined && !isCount(records, 0) ? "records: must be a whole number from 0" : null;
}

function readUpdate(message: unknown): { updateId: string; version: number | null } {
  const fields = isObject(message) ? message : {};
  const { updateId, version } = fields;
  return {
    updateId: typeof updateId === "string" ? updateId : "",
    version: typeof version === "number" ? version : null,
  };
}

function isCount(value: unknown, least: number): boolean {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= least;
}

/** 64-bit FNV-1a over UTF-16 units (Fowler, Noll, Vo; draft-eastlake-fnv), base 36: short enough to carry thousands. */
function hashText(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (let index = 0; index < text.length; index++) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(index))) * 0x100000001b3n);
  }
  return hash.toString(36);
}
