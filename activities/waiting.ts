import { activityInfo } from "@temporalio/activity";
import { TypedFailure } from "../src/domain/failures.ts";

/**
 * The failure that makes Temporal ask again later: waiting holds no worker slot and adds nothing to history. The delay
 * is a fifth of how long has been waited, from 0.2 s to 60 s, give or take a tenth so that many waits spread out.
 */
export function stillWaiting(forWhat: string): TypedFailure {
  const ageMs = Date.now() - activityInfo().scheduledTimestampMs;
  const delayMs = Math.min(60_000, Math.max(200, ageMs / 5)) * (0.9 + Math.random() * 0.2);
  return new TypedFailure("StillWaiting", `waiting for ${forWhat}`, { retryAfterMs: Math.round(delayMs) });
}
