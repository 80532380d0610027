import { ApplicationFailureCategory } from "@temporalio/common";
import { describe, expect, it } from "vitest";
import { stillWaiting } from "../../activities/waiting.ts";
import { failureOf } from "../support/activity.ts";

/** By a server whose clock is not the worker's. */
const wait = (ageMs: number) =>
  failureOf(async () => Promise.reject(stillWaiting("job 1")), {
    scheduledTimestampMs: 1_000_000,
    currentAttemptScheduledTimestampMs: 1_000_000 + ageMs,
  });

describe("stillWaiting", () => {
  it("is benign, asks to be tried again and says what is awaited", async () => {
    expect(await wait(0)).toMatchObject({
      type: "StillWaiting",
      nonRetryable: false,
      category: ApplicationFailureCategory.BENIGN,
      message: "waiting for job 1",
    });
  });

  it.each([
    ["at the start", 0, 200],
    ["after a second", 1000, 200],
    ["after a minute", 60_000, 12_000],
    ["after five minutes", 300_000, 60_000],
    ["after a day", 86_400_000, 60_000],
  ])("asks again %s in a fifth of the wait, within a tenth", async (_, ageMs, delayMs) => {
    for (let time = 0; time < 20; time++) {
      const { nextRetryDelay } = await wait(ageMs);
      expect(Number(nextRetryDelay)).toBeGreaterThanOrEqual(delayMs * 0.9 - 1);
      expect(Number(nextRetryDelay)).toBeLessThanOrEqual(delayMs * 1.1 + 20);
    }
  });

  it("spreads waits that began together", async () => {
    const delays = await Promise.all(Array.from({ length: 20 }, async () => (await wait(60_000)).nextRetryDelay));
    expect(new Set(delays).size).toBeGreaterThan(10);
  });
});
