/** Who may answer for a challenger that has won, and what an answer means. Pure: pipelines and cycles share it. */
import type { ApprovalAnswer, ApprovalRecord, AwaitedApproval, GivenAnswer } from "./approval-schema.ts";
import { isObject } from "./objects.ts";
import type { OrderReceipt } from "./order.ts";

/** What people send to say yes or no. */
export interface ApprovalRequest {
  /** The model version that is meant; without one, that which waits. */
  cycle?: string;
  reason: string;
  /** Who answers, for the record. */
  by: string;
}

/** An answer on its way from a pipeline to its cycle. */
export interface ForwardedAnswer extends GivenAnswer {
  cycle: string;
}

/** What hears answers: which cycle waits, and how many orders there were. */
export interface Answerable {
  approval: AwaitedApproval | null;
  orders: number;
}

const longestName = 200;
const longestReason = 500;

/** Why a message is no answer, or not one to what waits now; null when it is. */
export function whyBadAnswer(awaited: AwaitedApproval | null, request: unknown): string | null {
  return whyBadShape(request) ?? whyNotAwaited(awaited, request);
}

function whyBadShape(request: unknown): string | null {
  if (!isObject(request)) return 'the argument must be an object such as {"reason": "...", "by": "..."}';
  const unknown = Object.keys(request).find((field) => !["cycle", "reason", "by"].includes(field));
  if (unknown !== undefined) return `${unknown.slice(0, 40)}: unknown field`;
  const { cycle, reason, by } = request;
  if (!isText(reason, longestReason)) return `reason: say why, in 1 to ${longestReason} characters`;
  if (!isText(by, longestName)) return `by: say who answers, in 1 to ${longestName} characters`;
  const isNamed = cycle === undefined || isText(cycle, longestName);
  return isNamed ? null : "cycle: must be a model version such as games-12";
}

function whyNotAwaited(awaited: AwaitedApproval | null, request: unknown): string | null {
  const wanted = isObject(request) ? request["cycle"] : undefined;
  if (awaited === null) {
    return typeof wanted === "string" ? `${wanted} does not wait for an approval` : "nothing waits for an approval";
  }
  if (typeof wanted === "string" && wanted !== awaited.cycle) {
    return `${wanted} does not wait for an approval: ${awaited.cycle} does`;
  }
  return awaited.answer === null ? null : `${awaited.cycle} has its answer already: ${describeAnswer(awaited.answer)}`;
}

/** Takes the answer that {@link whyBadAnswer} found nothing against; the first one counts. */
export function takeAnswer(
  heard: Answerable,
  answer: "approved" | "rejected",
  { reason, by }: ApprovalRequest,
  at: string,
): OrderReceipt {
  if (heard.approval !== null) heard.approval.answer = { answer, by, reason, at };
  heard.orders++;
  return { accepted: true, orderId: `${answer === "approved" ? "approve" : "reject"}-${heard.orders}` };
}

/** Takes an answer that was forwarded; answers why not, or null. */
export function hearAnswer(heard: Pick<Answerable, "approval">, message: unknown): string | null {
  if (!isObject(message)) return "the message must be an object";
  const { answer, at, ...request } = message;
  if (answer !== "approved" && answer !== "rejected") return "answer: must be approved or rejected";
  const problem = whyBadAnswer(heard.approval, request);
  if (problem !== null || heard.approval === null) return problem;
  if (!isText(at, longestName)) return "at: must be a time";
  heard.approval.answer = { answer, by: String(request["by"]), reason: String(request["reason"]), at };
  return null;
}

/** Reads what a cycle says it waits for; null when it waits for nothing, or what it says is something else. */
export function readAwaited(value: unknown): AwaitedApproval | null {
  if (!isObject(value)) return null;
  const { cycle, workflowId, until, onDeadline } = value;
  if (!isText(cycle, longestName) || !isText(workflowId, 1000) || !isText(until, 40)) return null;
  return { cycle, workflowId, until, onDeadline: onDeadline === "promote" ? "promote" : "keep", answer: null };
}

/** The answer that a deadline gives when nobody has. */
export function deadlineAnswer(awaited: AwaitedApproval): GivenAnswer {
  const then = awaited.onDeadline === "promote" ? "rolls the challenger out" : "keeps the champion";
  return {
    answer: "deadline",
    by: null,
    reason: `nobody answered by ${awaited.until}, which ${then}`,
    at: awaited.until,
  };
}

/** What an answer means for the challenger. */
export function outcomeOf(
  answer: ApprovalAnswer,
  onDeadline: AwaitedApproval["onDeadline"],
): ApprovalRecord["outcome"] {
  switch (answer) {
    case "approved":
      return "promote";
    case "rejected":
      return "keep";
    case "deadline":
      return onDeadline;
  }
}

/** An answer in a sentence without its full stop, such as `approved by ana: looks right`. */
export function describeAnswer({ answer, by, reason }: GivenAnswer): string {
  return answer === "deadline" ? reason : `${answer} by ${by ?? "somebody"}: ${reason}`;
}

function isText(value: unknown, longest: number): value is string {
  return typeof value === "string" && value.trim() !== "" && value.length <= longest;
}
