/** What a pipeline does about orders to bring a champion of before back. */
import type { OrderReceipt } from "./order.ts";
import { readRollBack, whyBadRollBack, whyMeetsUsers } from "./roll-back.ts";
import type { PipelineState } from "./workflow-input-schema.ts";

/** Why a champion of before cannot be brought back now, or null when it can: also while a cycle runs that no user has met. */
export function whyNoRollBack(state: PipelineState, name: string, request: unknown): string | null {
  const bad = whyBadRollBack(name, request);
  if (bad !== null) return bad;
  const { rollBack, rollBackWanted, meetsUsersBy } = state;
  if (rollBack !== null) return `${rollBack} is bringing a champion of before back already`;
  if (rollBackWanted !== null) return `a rollback is about to begin already: ${rollBackWanted.reason}`;
  return meetsUsersBy === null ? null : whyMeetsUsers(name, meetsUsersBy);
}

/** Takes the order to bring a champion of before back. */
export function takeRollBack(state: PipelineState, request: unknown): OrderReceipt {
  state.orders++;
  state.rollBackWanted = readRollBack(request);
  return { accepted: true, orderId: `rollBack-${state.orders}` };
}

/** Notes that a rollback has ended, and how: storage knows who is champion now. */
export function endRollBack(state: PipelineState, result: unknown, failure: string | null): void {
  const champion = typeof result === "object" && result !== null ? Reflect.get(result, "champion") : null;
  state.lastRollBack = `${state.rollBack}: ${failure ?? `${typeof champion === "string" ? champion : "the one before"} is champion again`}`;
  state.isStale = true;
  state.rollBack = null;
}
