/** What a pipeline hears and answers, apart from it so that others can send without importing the workflow. */
import { defineQuery, defineSignal, defineUpdate } from "@temporalio/workflow";
import type { OrderReceipt } from "../src/domain/order.ts";
import type { PipelineView } from "../src/domain/pipeline.ts";
import type { RolloutOrderRequest } from "./roll-out-messages.ts";

/**
 * A dataset has news. With `version` it is a version of ours, whose counts the pipeline reads from the manifest; without,
 * something happened elsewhere: it is counted once per `updateId` and starts a dataset update.
 */
export interface DatasetUpdated {
  updateId: string;
  dataset: string;
  version?: number;
  records?: number;
  source?: string;
}

/** Why somebody gives an order, and who; kept for the others. */
export interface OrderRequest {
  reason?: string;
  by?: string;
}

/** Which champion is to come back, and why. */
export interface RollBackRequest extends RolloutOrderRequest {
  reason: string;
  /** A model version that is or was champion; left out, the one before the champion of now. */
  to?: string;
  /** Whether it takes the place of versions in the service that the pipeline has not trained; left out, it does not. */
  replaceOthers?: boolean;
}

export const datasetUpdatedSignal = defineSignal<[DatasetUpdated]>("datasetUpdated");
export const pauseUpdate = defineUpdate<OrderReceipt, [OrderRequest]>("pause");
export const resumeUpdate = defineUpdate<OrderReceipt, [OrderRequest]>("resume");
export const runNowUpdate = defineUpdate<OrderReceipt, [OrderRequest]>("runNow");
export const rollBackUpdate = defineUpdate<OrderReceipt, [RollBackRequest]>("rollBack");
export const stateQuery = defineQuery<PipelineView>("state");
