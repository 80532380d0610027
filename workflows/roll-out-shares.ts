/** How a cycle learns which shares of the traffic its challenger had, where the rollout has no result to say it in. */
import {
  ApplicationFailure,
  ChildWorkflowFailure,
  defineSignal,
  getExternalWorkflowHandle,
  log,
  setHandler,
  workflowInfo,
} from "@temporalio/workflow";
import type { RolloutView } from "../src/domain/rollout.ts";
import { reasonOf, regardless } from "./steps.ts";

/** The shares that a rollout gave its model, in order. */
type Shares = RolloutView["done"];

/** From a rollout that was cancelled to the workflow that started it, before it ends: a cancellation can carry nothing. */
const sharesSignal = defineSignal<[Shares]>("shares");

/**
 * A rollout's failure with its type at the top, where people look for it, and the shares that it had given.
 *
 * @param reason `Type: message`
 */
export function failureAfter(done: Shares, reason: string, cause: unknown): ApplicationFailure {
  const [, type = "Internal", message = reason] = /^(\w+): (.*)$/s.exec(reason) ?? [];
  return ApplicationFailure.create({
    type,
    message,
    nonRetryable: true,
    details: [{ done }],
    ...(cause instanceof Error ? { cause } : {}),
  });
}

/** The shares that a rollout gave its model before it failed; null where `error` is no such failure, or it gave none. */
export function sharesBefore(error: unknown): Shares | null {
  if (!(error instanceof ChildWorkflowFailure && error.cause instanceof ApplicationFailure)) return null;
  const details: unknown = error.cause.details?.[0];
  return typeof details === "object" && details !== null && "done" in details ? sharesOf(details.done) : null;
}

/** Tells whoever started a rollout that is cancelled which shares it had given; nothing where it gave none. */
export async function tellShares(done: Shares): Promise<void> {
  const { parent } = workflowInfo();
  if (parent === undefined || done.length === 0) return;
  try {
    const { workflowId, runId } = parent;
    await regardless(() => getExternalWorkflowHandle(workflowId, runId).signal(sharesSignal, done));
  } catch (error) {
    log.warn("the shares of a cancelled rollout are not told", { reason: reasonOf(error) });
  }
}

/** Hears of the shares that a cancelled rollout of this workflow had given. */
export function hearShares(heard: (done: Shares) => void): void {
  setHandler(sharesSignal, (message: unknown) => {
    const done = sharesOf(message);
    if (done !== null) heard(done);
  });
}

/** Anybody can send a signal, of any shape. */
function sharesOf(value: unknown): Shares | null {
  return Array.isArray(value) && value.length > 0 && value.every(isShare) ? value : null;
}

function isShare(value: unknown): value is Shares[number] {
  if (typeof value !== "object" || value === null) return false;
  return ["percent", "seconds", "looks"].every((field) => typeof Reflect.get(value, field) === "number");
}
