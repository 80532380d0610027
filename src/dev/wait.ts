/** Waiting for a state of the outside world, by looking again and again. */
import { setTimeout as delay } from "node:timers/promises";

/**
 * Calls `probe` until it returns without throwing, and answers its value. Gives up with the last error after
 * `timeoutMs`, or at once with the signal's reason when `signal` is aborted.
 */
export async function waitFor<T>(
  probe: () => Promise<T> | T,
  options: { timeoutMs: number; intervalMs?: number; signal?: AbortSignal },
): Promise<T> {
  const deadline = Date.now() + options.timeoutMs;
  for (;;) {
    options.signal?.throwIfAborted();
    try {
      return await probe();
    } catch (error) {
      if (Date.now() >= deadline) throw error;
      await delay(options.intervalMs ?? 50, undefined, options.signal === undefined ? {} : { signal: options.signal });
    }
  }
}
