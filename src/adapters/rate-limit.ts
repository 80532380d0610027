/** What services say in headers about how often they may be asked. */

/** Names under which services say how many requests are left. */
const remainingNames = ["x-ratelimit-remaining", "x-rate-limit-remaining", "ratelimit-remaining"];
/** ... and when there will be more: in seconds from now, or as seconds since 1970. */
const resetNames = ["x-ratelimit-reset-after", "ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset"];
/** Seconds since 1970 from here on; a wait is never that long. */
const earliestTime = 1e9;

/**
 * How long a refusal asks to wait, in milliseconds, null when it does not say: of 429, of 503 with Retry-After, and of 403
 * when it is for the number of requests. Undefined for any other answer.
 */
export function waitAskedMs(status: number, headers: Record<string, string>, nowMs: number): number | null | undefined {
  const after = retryAfterMs(headers["retry-after"], nowMs);
  if (status === 429) return after ?? untilResetMs(headers, nowMs);
  if (status === 503) return after ?? undefined;
  if (status !== 403) return undefined;
  return after ?? (remaining(headers) === 0 ? untilResetMs(headers, nowMs) : undefined);
}

/** How long to wait before the next request, in milliseconds, because this answer says that none is left; else 0. */
export function pauseAfterMs(headers: Record<string, string>, nowMs: number): number {
  return remaining(headers) === 0 ? (untilResetMs(headers, nowMs) ?? 0) : 0;
}

/** Retry-After is a number of seconds or a date. */
export function retryAfterMs(text: string | undefined, nowMs: number): number | null {
  if (text === undefined || text.trim() === "") return null;
  const seconds = Number(text);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : Math.max(0, at - nowMs);
}

function untilResetMs(headers: Record<string, string>, nowMs: number): number | null {
  const reset = numberIn(headers, resetNames);
  if (reset === null) return null;
  return Math.max(0, reset >= earliestTime ? reset * 1000 - nowMs : reset * 1000);
}

function remaining(headers: Record<string, string>): number | null {
  return numberIn(headers, remainingNames);
}

function numberIn(headers: Record<string, string>, names: readonly string[]): number | null {
  for (const name of names) {
    const text = headers[name];
    if (text !== undefined && /^\d+(\.\d+)?$/.test(text.trim())) return Number(text);
  }
  return null;
}
