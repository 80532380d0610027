/** How a challenger that has won is agreed to: what people send, and what pipeline and cycle tell each other of it. */
import { defineSignal, defineUpdate } from "@temporalio/workflow";
import type { ApprovalRequest, ForwardedAnswer } from "../src/domain/approval.ts";
import type { AwaitedApproval } from "../src/domain/approval-schema.ts";
import type { Outcome } from "../src/domain/decision-schema.ts";
import type { OrderReceipt } from "../src/domain/order.ts";

/** To a pipeline, or to a cycle itself: roll the challenger out. Refused when nothing waits for it. */
export const approveUpdate = defineUpdate<OrderReceipt, [ApprovalRequest]>("approve");
/** The same, to keep the champion. */
export const rejectUpdate = defineUpdate<OrderReceipt, [ApprovalRequest]>("reject");
/** From a pipeline to its cycle: what somebody answered there. */
export const answerSignal = defineSignal<[ForwardedAnswer]>("answer");
/** From a cycle to the pipeline of its name: what it has decided, waits for, and lets users meet. */
export const cycleProgressSignal = defineSignal<[CycleProgress]>("cycleProgress");

/** How far a cycle is that has decided. */
export interface CycleProgress {
  /** Workflow id of the cycle. */
  cycle: string;
  decision: { id: string; outcome: Outcome };
  /** Null when it waits for no answer. */
  approval: AwaitedApproval | null;
  /** Workflow id of the rollout by which users meet the challenger; null when none does. */
  meetsUsersBy: string | null;
}
