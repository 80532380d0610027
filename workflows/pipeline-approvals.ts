/** What a pipeline does about its cycle's approval: hears that it is wanted, takes the answer and hands it on. */
import { getExternalWorkflowHandle, setHandler } from "@temporalio/workflow";
import { takeAnswer, type ApprovalRequest } from "../src/domain/approval.ts";
import type { OrderReceipt } from "../src/domain/order.ts";
import { hearCycle, reject } from "../src/domain/pipeline.ts";
import type { PipelineState } from "../src/domain/workflow-input-schema.ts";
import { answerSignal, approveUpdate, cycleProgressSignal, rejectUpdate } from "./approval-messages.ts";
import { refuseBadAnswer } from "./approval.ts";
import { reasonOf } from "./steps.ts";

/** Answers on their way to a cycle. */
export interface Forwarding {
  /** How many. A run that ended now would take them along, and nobody would get them. */
  pending(): number;
}

/** Sets the handlers. They only change the state and send, so that no answer waits for what the pipeline is at. */
export function handleApprovals(state: PipelineState): Forwarding {
  let pending = 0;
  const answer = (given: "approved" | "rejected", request: ApprovalRequest): OrderReceipt => {
    const { receipt, sent } = forward(state, given, request);
    pending++;
    void sent.finally(() => pending--);
    return receipt;
  };
  const orders = { validator: (request?: ApprovalRequest) => refuseBadAnswer(state.approval, request) };
  setHandler(cycleProgressSignal, (message) => hearCycle(state, message));
  setHandler(approveUpdate, (request) => answer("approved", request), orders);
  setHandler(rejectUpdate, (request) => answer("rejected", request), orders);
  return { pending: () => pending };
}

/** `sent` resolves when the cycle has the answer, or cannot be told; it never rejects. */
function forward(
  state: PipelineState,
  given: "approved" | "rejected",
  request: ApprovalRequest,
): { receipt: OrderReceipt; sent: Promise<void> } {
  const receipt = takeAnswer(state, given, request, new Date().toISOString());
  if (!state.approval?.answer) return { receipt, sent: Promise.resolve() };
  const { cycle, workflowId, answer } = state.approval;
  const sent = getExternalWorkflowHandle(workflowId)
    .signal(answerSignal, { cycle, ...answer })
    .catch((error: unknown) => reject(state, `${receipt.orderId}: ${workflowId} did not hear it: ${reasonOf(error)}`));
  return { receipt, sent };
}
