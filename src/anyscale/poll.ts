import { AnyscaleError, InvalidRequestError, WaitTimeoutError } from "./errors.ts";
import type { CallOptions } from "./transport.ts";

/** How long and how often to look. `signal` ends the wait with its own reason. */
export interface PollOptions extends CallOptions {
  /** Longest wait, in milliseconds, up to 24 days. Default 600,000. */
  timeoutMs?: number;
  /** Pause between two looks, in milliseconds. Default 5,000. */
  pollMs?: number;
}

/** What a look has shown: an answer, or in words what there is instead. */
export type Look<T> = { answer: T } | { seen: string };

/** Longest time that a timer of the platform can measure. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Looks again and again until there is an answer. A look that fails for a passing reason (no answer, 408, 429, 5xx, a
 * page of HTML) is repeated after the pause or the server's own `Retry-After`, whichever is longer. When the time is up it
 * looks once more, however long the pause; that look may take as long as a pause.
 *
 * @param what is waited for, for messages: `job prodjob_1 to end`
 * @throws `WaitTimeoutError` when the time is up, with what was seen last; `InvalidRequestError` for a time that is none,
 * before the first look; whatever else `look` throws; the reason of `signal`
 */
export async function poll<T>(
  what: string,
  look: (options: CallOptions) => Promise<Look<T>>,
  options: PollOptions,
): Promise<T> {
  const timeoutMs = positiveMs("timeoutMs", options.timeoutMs ?? 600_000);
  const pollMs = positiveMs("pollMs", options.pollMs ?? 5_000);
  const { signal } = options;
  signal?.throwIfAborted();
  const deadline = Date.now() + timeoutMs;
  let timeout = AbortSignal.timeout(timeoutMs);
  let seen = "nothing";
  let failure: AnyscaleError | undefined;
  for (let isLast = false; ;) {
    try {
      const shown = await look({ signal: signal ? AbortSignal.any([signal, timeout]) : timeout });
      if ("answer" in shown) return shown.answer;
      ({ seen } = shown);
      failure = undefined;
    } catch (error) {
      signal?.throwIfAborted();
      if (!timeout.aborted) {
        if (!isPassing(error)) throw error;
        failure = error;
      }
    }
    const leftMs = deadline - Date.now();
    const askedMs = failure?.retryAfterMs ?? 0;
    if (isLast || leftMs <= askedMs) {
      const last = failure ? `${seen}; last failure: ${failure.message}` : seen;
      throw new WaitTimeoutError(`waited up to ${timeoutMs} ms for ${what}; last seen: ${last}`, { cause: failure });
    }
    const pauseMs = Math.max(pollMs, askedMs);
    isLast = pauseMs >= leftMs;
    await pause(Math.min(pauseMs, leftMs), signal);
    if (isLast) timeout = AbortSignal.timeout(pollMs);
  }
}

/** Whether another attempt may succeed where this one failed. A redirect or an unknown route says that the host is wrong. */
export function isPassing(error: unknown): error is AnyscaleError {
  if (!(error instanceof AnyscaleError)) return false;
  if (error.kind === "unexpected-reply") return error.status === 200;
  return error.kind === "unavailable" || error.kind === "rate-limited";
}

/** Checks a time. Throws `InvalidRequestError`. */
export function positiveMs(field: string, ms: number): number {
  if (ms > 0 && ms <= MAX_TIMER_MS) return ms;
  throw new InvalidRequestError(`${field} is ${ms}; pass milliseconds above 0, up to ${MAX_TIMER_MS}`);
}

/** Waits. Throws the reason of `signal`, also one that has been there before. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
    if (signal?.aborted) stop();
  });
}
