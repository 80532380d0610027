/** What a rollout is doing, what people may order it to do, and how it says so. */
import { isObject } from "./objects.ts";
import type { OrderReceipt } from "./order.ts";
import type { GateVerdict, RolloutPolicy } from "./rollout-schema.ts";

/** Orders of a running rollout; what each does is said in {@link takeRolloutOrder}. */
export const rolloutOrders = ["pause", "resume", "promote", "abort", "rollBack", "approve", "reject"] as const;
export type RolloutOrder = (typeof rolloutOrders)[number];

/** An order as it was given. */
export interface GivenOrder {
  order: RolloutOrder;
  reason: string;
  by: string | null;
}

/** What the query `rollout` answers. */
export interface RolloutView {
  pipeline: string;
  model: string;
  champion: string | null;
  /** What it is to come to; null before it is known. */
  target: "silent" | "promoted" | "withdrawn" | null;
  phase: RolloutPhase;
  /** The challenger's share of traffic as read back last. */
  percent: number;
  /** Percent of each step of the plan. */
  steps: number[];
  /** What has been spent in each wait, in order: at which share, how long, and looks as far as there was news of them. */
  done: { percent: number; seconds: number; looks: number }[];
  paused: { reason: string; by: string | null } | null;
  /** What the gates said when there was news of them last; empty before. */
  gates: GateVerdict[];
  /** When there is news of the gates at the latest, ISO-8601; null when nobody looks. */
  nextCheckAt: string | null;
  /** When a step or the bake time may end, ISO-8601; null in a pause, and beyond that time. */
  waitUntil: string | null;
  /** Until when a step waits for somebody to agree; null when none does. */
  approvalUntil: string | null;
  /** Orders that were taken, the newest last; at most 50. The reason of a pause or its end may be empty. */
  orders: GivenOrder[];
}

export type RolloutPhase =
  | "starting"
  | "approval"
  | "step"
  | "bake"
  | "completing"
  | "promoted"
  | "going back"
  | "withdrawn"
  | "silent";

/** What a rollout keeps in mind: what it shows, and the orders it has yet to act on. */
export interface RolloutState extends RolloutView {
  /** Who moves the weight. */
  mode: RolloutPolicy["mode"];
  /** Whether traffic was asked for, observed or not. */
  metUsers: boolean;
  /** All steps' soaks, then the bake, end at once. */
  promoteNow: boolean;
  /** Set when somebody ended it. */
  ended: GivenOrder | null;
  /** The answer to the approval that is waited for. */
  answer: GivenOrder | null;
  /** How many orders were taken, also of those that are not kept any more. */
  taken: number;
}

/** A rollout that does not know yet what it is of. */
export function initialRollout(): RolloutState {
  return {
    pipeline: "",
    model: "",
    champion: null,
    phase: "starting",
    percent: 0,
    steps: [],
    done: [],
    paused: null,
    gates: [],
    nextCheckAt: null,
    waitUntil: null,
    approvalUntil: null,
    orders: [],
    target: null,
    mode: "manual",
    metUsers: false,
    promoteNow: false,
    ended: null,
    answer: null,
    taken: 0,
  };
}

/** Whether a rollout is over soon: it meets no users, or has all steps at once. */
export function isBrief(
  target: RolloutView["target"],
  { mode, steps, soakSeconds, bakeSeconds }: RolloutPolicy,
): boolean {
  if (target !== "promoted") return true;
  const isAtOnce = steps.every((step) => step.approval === undefined && (step.soakSeconds ?? soakSeconds) === 0);
  return mode === "manual" && isAtOnce && bakeSeconds === 0;
}

/** Without what only the rollout itself needs. */
export function viewOfRollout(state: RolloutState): RolloutView {
  const {
    mode: _mode,
    metUsers: _met,
    promoteNow: _now,
    ended: _ended,
    answer: _answer,
    taken: _taken,
    ...view
  } = state;
  return view;
}

/** Why an order cannot be given now, or null when it can. `request` is of any shape. */
export function whyNotOrder(state: RolloutState, order: RolloutOrder, request: unknown): string | null {
  const bad = whyBadRolloutRequest(request, needsReason(order));
  if (bad !== null) return bad;
  const { model, champion } = state;
  if (state.ended !== null) return `the rollout of ${model} is going back already: ${state.ended.reason}`;
  switch (state.phase) {
    case "going back":
      return `the rollout of ${model} is going back already`;
    case "completing":
    case "promoted":
      return `${model} has all traffic and ${champion ?? "the service before it"} is gone: roll back with the pipeline's order rollBack once this rollout is over`;
    case "withdrawn":
    case "silent":
      return `the rollout of ${model} has ended`;
    case "starting":
    case "approval":
    case "step":
    case "bake":
      return whyNotNow(state, order);
  }
}

function whyNotNow({ phase, paused, answer, model, target, mode }: RolloutState, order: RolloutOrder): string | null {
  if (target === "withdrawn") return `the rollout of ${model} is going back already`;
  if (target === "silent" && order !== "abort" && order !== "rollBack")
    return `${model} comes up without traffic: there is nothing to ${order} until it is decided on`;
  switch (order) {
    case "approve":
    case "reject":
      if (phase !== "approval") return `no step of the rollout of ${model} waits for approval`;
      return answer === null ? null : `the step has its answer already: ${describeOrder(answer)}`;
    case "pause":
      if (mode === "automatic" && phase !== "bake")
        return "the provider moves the traffic by steps of its own: promote, abort or roll back";
      return paused === null ? null : `the rollout is ${sentenceOf("paused already", paused.by, paused.reason)}`;
    case "resume":
      return paused === null ? "the rollout is not paused" : null;
    case "promote":
    case "abort":
    case "rollBack":
      return null;
  }
}

/**
 * Takes an order that can be given: `pause` holds the step that it is at, with its gates still watched, until `resume`;
 * `promote` goes to 100 % at once, and ends the bake time when it is there; `abort` and `rollBack` give all traffic back to
 * the champion; `approve` and `reject` answer a step that waits for it.
 */
export function takeRolloutOrder(state: RolloutState, order: RolloutOrder, request: unknown): OrderReceipt {
  const given = { order, ...readRolloutRequest(request) };
  state.orders = [...state.orders, given].slice(-50);
  state.taken++;
  switch (order) {
    case "pause":
      state.paused = { reason: given.reason, by: given.by };
      break;
    case "resume":
      state.paused = null;
      break;
    case "promote":
      state.promoteNow = true;
      state.paused = null;
      break;
    case "approve":
    case "reject":
      state.answer = given;
      break;
    case "abort":
    case "rollBack":
      state.ended = given;
      break;
  }
  return { accepted: true, orderId: `${order}-${state.taken}` };
}

/** Who ordered what and why, in a sentence. */
export function describeOrder({ order, reason, by }: GivenOrder): string {
  const verbs: Record<RolloutOrder, string> = {
    pause: "paused",
    resume: "resumed",
    promote: "promoted at once",
    abort: "aborted",
    rollBack: "rolled back",
    approve: "approved",
    reject: "rejected",
  };
  return sentenceOf(verbs[order], by, reason);
}

/** Who has paused a rollout, and why where they said so. */
export function describePause({ reason, by }: NonNullable<RolloutView["paused"]>): string {
  return sentenceOf("paused", by, reason);
}

/** Who did something, and why where a reason is known, without its full stop. */
export function sentenceOf(verb: string, by: string | null, reason: string): string {
  return `${verb}${by === null ? "" : ` by ${by}`}${reason === "" ? "" : `: ${reason}`}`;
}

/** A pause moves no traffic, and neither does its end: a reason is welcome. All else is kept as history. */
export function needsReason(order: RolloutOrder): boolean {
  return order !== "pause" && order !== "resume";
}

/** Markdown of where a rollout stands, for the web UI: what, how much, what the gates say and what comes next. */
export function rolloutDetails(state: RolloutView): string {
  const { model, champion, gates } = state;
  const lines = [`**${model}**: ${phaseText(state)}`];
  if (state.waitUntil !== null) lines.push(`Until ${state.waitUntil} at the earliest.`);
  if (state.paused !== null) lines.push(sentenceOf("Paused", state.paused.by, state.paused.reason));
  if (champion !== null && champion !== model && isBeside(state.phase)) {
    lines.push(`Traffic: ${model} ${state.percent} %, ${champion} ${100 - state.percent} %.`);
  }
  // Before the gates, which are the longest: the web UI shows the end only to those who scroll.
  if (state.nextCheckAt !== null) lines.push(`Next news by ${state.nextCheckAt}.`);
  if (gates.length > 0) lines.push(gates.map(({ verdict, reason }) => `- ${verdict}: ${reason}`).join("\n"));
  return lines.join("\n\n");
}

function isBeside(phase: RolloutPhase): boolean {
  return phase === "step" || phase === "bake" || phase === "approval";
}

function phaseText({ phase, percent, steps, approvalUntil, champion }: RolloutView): string {
  switch (phase) {
    case "starting":
      return "coming up.";
    case "approval":
      return `at ${percent} %, waits until ${approvalUntil ?? "somebody answers"} for the updates approve or reject.`;
    case "step":
      return `at ${percent} %${steps.length === 0 ? ", moved by the provider" : `, by steps of ${steps.join(", ")} %`}.`;
    case "bake":
      return `all traffic; ${champion ?? "the version before"} stays warm to go back to.`;
    case "completing":
      return "all traffic for good; the aliases follow.";
    case "promoted":
      return "champion.";
    case "going back":
      return "going back to no traffic.";
    case "withdrawn":
      return "down.";
    case "silent":
      return "up without traffic.";
  }
}

/** Why what comes with an order is no good, or null. */
export function whyBadRolloutRequest(request: unknown, isReasonNeeded = true): string | null {
  if (!isReasonNeeded && (request === undefined || request === null)) return null;
  if (!isObject(request))
    return 'the argument must be an object such as {"reason": "too many complaints", "by": "ann"}';
  const unknown = Object.keys(request).find((field) => field !== "reason" && field !== "by");
  if (unknown !== undefined) return `${unknown.slice(0, 40)}: unknown field`;
  const { reason } = request;
  if (isReasonNeeded && (typeof reason !== "string" || reason.trim() === "")) return "reason: say why";
  if (reason !== undefined && typeof reason !== "string") return "reason: must be text";
  return request["by"] === undefined || typeof request["by"] === "string" ? null : "by: must be text";
}

/** Reason and name that come with an order, cut where they are too long. */
export function readRolloutRequest(request: unknown): { reason: string; by: string | null } {
  if (!isObject(request)) return { reason: "", by: null };
  const { reason, by } = request;
  return {
    reason: typeof reason === "string" ? reason.slice(0, 500) : "",
    by: typeof by === "string" && by !== "" ? by.slice(0, 100) : null,
  };
}
