import { activityInfo } from "@temporalio/activity";
import { TypedFailure } from "../src/domain/failures.ts";

/**
 * The failure that makes Temporal ask again later: waiting holds no worker slot and adds nothing to history. The delay
 * is a fifth of how long has been waited, by the server's clock, from 0.2 s to 60 s, give or take a tenth so that many waits
 * spread out.
 */
export function stillWaiting(forWhat: string): TypedFailure {
  const delayMs = Math.min(60_000, Math.max(200, waitedMs() / 5)) * (0.9 + Math.random() * 0.2);
  return new TypedFailure("StillWaiting", `waiting for ${forWhat}`, { retryAfterMs: Math.round(delayMs) });
}

/**
 * How long after an activity was asked for this attempt of it was due, in milliseconds; 0 for the first. By the server's clock
 * alone: a worker's may be another.
 */
export function waitedMs(): number {
  const { scheduledTimestampMs, currentAttemptScheduledTimestampMs } = activityInfo();
  return currentAttemptScheduledTimestampMs - scheduledTimestampMs;
}
