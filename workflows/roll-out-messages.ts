/** What a rollout hears and answers, apart from it so that others can send without importing the workflow. */
import { defineQuery, defineUpdate } from "@temporalio/workflow";
import type { OrderReceipt } from "../src/domain/order.ts";
import type { RolloutOrder, RolloutView } from "../src/domain/rollout.ts";

/** Why somebody gives an order, and who; kept with the rollout. */
export interface RolloutOrderRequest {
  /** May be left out for `pause` and `resume`, which move no traffic. */
  reason?: string;
  by?: string;
}

/** The orders of a rollout by name, all of one shape. */
export const rolloutUpdate = (order: RolloutOrder) => defineUpdate<OrderReceipt, [RolloutOrderRequest]>(order);
export const rolloutQuery = defineQuery<RolloutView>("rollout");
