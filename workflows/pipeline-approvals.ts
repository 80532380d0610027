/** What a pipeline does about its cycle's approval: hears that it is wanted, takes the answer and hands it on. */
import { getExternalWorkflowHandle, setHandler } from "@temporalio/workflow";
import { takeAnswer, type ApprovalRequest } from "../src/domain/approval.ts";
import type { OrderReceipt } from "../src/domain/order.ts";
import { hearCycle, reject } from "../src/domain/pipeline.ts";
import type { PipelineState } from "../src/domain/workflow-input-schema.ts";
import { answerSignal, approveUpdate, cycleProgressSignal, rejectUpdate } from "./approval-messages.ts";
import { refuseBadAnswer } from "./approval.ts";
import { reasonOf } from "./steps.ts";

/** Sets the handlers. They only change the state and send, so that no answer waits for what the pipeline is at. */
export function handleApprovals(state: PipelineState): void {
  const orders = { validator: (request?: ApprovalRequest) => refuseBadAnswer(state.approval, request) };
  setHandler(cycleProgressSignal, (message) => hearCycle(state, message));
  setHandler(approveUpdate, (request) => answer(state, "approved", request), orders);
  setHandler(rejectUpdate, (request) => answer(state, "rejected", request), orders);
}

function answer(state: PipelineState, given: "approved" | "rejected", request: ApprovalRequest): OrderReceipt {
  const receipt = takeAnswer(state, given, request, new Date().toISOString());
  if (state.approval?.answer) {
    const { cycle, workflowId, answer } = state.approval;
    getExternalWorkflowHandle(workflowId)
      .signal(answerSignal, { cycle, ...answer })
      .catch((error: unknown) =>
        reject(state, `${receipt.orderId}: ${workflowId} did not hear it: ${reasonOf(error)}`),
      );
  }
  return receipt;
}
