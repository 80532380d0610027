/** What several workflows do in the same way. */
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  isCancellation,
  sleep,
  TemporalFailure,
  TimeoutFailure,
} from "@temporalio/workflow";
import type { FailureType } from "../src/domain/failures.ts";

/** Runs the check of a workflow's own input; what it refuses fails the workflow itself, at once and with its type. */
export async function checked<T>(check: () => Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (error) {
    if (error instanceof ActivityFailure && error.cause instanceof ApplicationFailure) throw error.cause;
    throw error;
  }
}

/** Refuses an update for a problem, if there is one. Throws InvalidInput, which only the sender hears. */
export function refuse(problem: string | null): void {
  if (problem !== null) throw ApplicationFailure.nonRetryable(problem, "InvalidInput");
}

/** The failure at the bottom of a chain, as `Type: message`. */
export function reasonOf(error: unknown): string {
  if (isCancellation(error)) return "cancelled";
  const bottom = bottomOf(error);
  if (bottom instanceof ApplicationFailure) return `${bottom.type ?? "Internal"}: ${bottom.message}`;
  return bottom instanceof Error ? bottom.message : String(bottom);
}

/** Whether the failure at the bottom of a chain has this type. */
export function isFailureOf(error: unknown, type: FailureType): boolean {
  const bottom = bottomOf(error);
  return bottom instanceof ApplicationFailure && bottom.type === type;
}

/** Whether a wait ended before what it was for: its last try says that it still waits, or the server that time is up. */
export function isDeadline(error: unknown): boolean {
  return (
    (error instanceof ActivityFailure && error.cause instanceof TimeoutFailure) || isFailureOf(error, "StillWaiting")
  );
}

function bottomOf(error: unknown): unknown {
  let bottom = error;
  while (bottom instanceof TemporalFailure && !(bottom instanceof ApplicationFailure) && bottom.cause)
    bottom = bottom.cause;
  return bottom;
}

/** Runs to its end whatever happens to the workflow. */
export function regardless<T>(cleanup: () => Promise<T>): Promise<T> {
  return CancellationScope.nonCancellable(cleanup);
}

/** How one of many went. */
export type Settled<T> = { ok: true; value: T } | { ok: false; error: unknown };

/**
 * Runs `start` for all items at once and tells `ended` how each went, at once when it did. What has not ended after
 * `seconds` is cancelled and fails as TooLate. Throws only when the workflow itself is cancelled.
 */
export async function settleWithin<T, R>(
  items: readonly T[],
  seconds: number,
  start: (item: T) => Promise<R>,
  ended: (item: T, how: Settled<R>) => void,
): Promise<void> {
  const outside = CancellationScope.current();
  const [inside, clock] = [new CancellationScope(), new CancellationScope()];
  const settle = async (item: T): Promise<void> => {
    try {
      ended(item, { ok: true, value: await start(item) });
    } catch (error) {
      const isLate = isCancellation(error) && inside.consideredCancelled;
      ended(item, { ok: false, error: isLate ? tooLate(seconds) : error });
    }
  };
  void clock
    .run(() => sleep(seconds * 1000, { summary: "what is not there by then is too late" }))
    .then(
      () => inside.cancel(),
      () => {},
    );
  try {
    await inside.run(() => Promise.all(items.map(settle)));
  } finally {
    clock.cancel();
  }
  if (outside.consideredCancelled) throw new CancelledFailure("cancelled");
}

function tooLate(seconds: number): ApplicationFailure {
  return ApplicationFailure.nonRetryable(`not there after ${seconds} s`, "TooLate");
}
