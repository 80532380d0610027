/** What several workflows do in the same way. */
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  isCancellation,
  TemporalFailure,
} from "@temporalio/workflow";

/** Runs the check of a workflow's own input; what it refuses fails the workflow itself, at once and with its type. */
export async function checked<T>(check: () => Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (error) {
    if (error instanceof ActivityFailure && error.cause instanceof ApplicationFailure) throw error.cause;
    throw error;
  }
}

/** The failure at the bottom of a chain, as `Type: message`. */
export function reasonOf(error: unknown): string {
  if (isCancellation(error)) return "cancelled";
  let bottom = error;
  while (bottom instanceof TemporalFailure && !(bottom instanceof ApplicationFailure) && bottom.cause)
    bottom = bottom.cause;
  if (bottom instanceof ApplicationFailure) return `${bottom.type ?? "Internal"}: ${bottom.message}`;
  return bottom instanceof Error ? bottom.message : String(bottom);
}

/** Runs to its end whatever happens to the workflow. */
export function regardless<T>(cleanup: () => Promise<T>): Promise<T> {
  return CancellationScope.nonCancellable(cleanup);
}

/** How one of many went. */
export type Settled<T> = { ok: true; value: T } | { ok: false; error: unknown };

/** Runs `start` for every item, at most `limit` at once, and waits for all; results in the order of the items. */
export async function settleAll<T, R>(
  items: readonly T[],
  limit: number,
  start: (item: T) => Promise<R>,
): Promise<Settled<R>[]> {
  const results: Settled<R>[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) {
      const item = items[index];
      if (item === undefined) continue;
      try {
        results[index] = { ok: true, value: await start(item) };
      } catch (error) {
        results[index] = { ok: false, error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
  return results;
}
