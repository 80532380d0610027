/** A rollout under way, as its parts share it. */
import { setCurrentDetails } from "@temporalio/workflow";
import { rolloutDetails, type RolloutState } from "../src/domain/rollout.ts";
import type { RollOutInput } from "../src/domain/workflow-input-schema.ts";

/** A rollout under way: what is asked for, where the aliases pointed when it began, and how far it is. */
export type Rollout = RollOutInput & {
  champion: string | null;
  challenger: string | null;
  state: RolloutState;
  /** How many alerts it has sent, also of others that it takes down. */
  told: { alerts: number };
};

/** What activities take of a rollout. */
export function requestOf(rollout: Rollout): RollOutInput & { champion: string | null } {
  const { state: _state, challenger: _challenger, told: _told, ...request } = rollout;
  return request;
}

/** Changes what the rollout shows: in its query, its current details and its search attributes. */
export function show({ state }: Rollout, change: Partial<RolloutState>): void {
  Object.assign(state, change);
  setCurrentDetails(rolloutDetails(state));
}
