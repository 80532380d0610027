import type { DecideChoice, DecisionPolicy } from "./decide-schema.ts";

/** What a metric pack suggests where a definition says `auto`. */
export interface SuggestedPolicy {
  primary: string;
  guards: readonly { metric: string; margin: number }[];
}

/**
 * The policy with nothing left to choose: `auto` becomes what the pack suggests. A guard on the primary metric itself is
 * left out, since what must get better cannot get worse.
 */
export function settlePolicy(choice: DecideChoice, suggested: SuggestedPolicy): DecisionPolicy {
  const primary = choice.primary === "auto" ? suggested.primary : choice.primary;
  if (choice.guards !== "auto") return { ...choice, primary, guards: choice.guards };
  const guards = suggested.guards.filter(({ metric }) => metric !== primary);
  return { ...choice, primary, guards: guards.map((guard) => ({ ...guard, on: "test" })) };
}
