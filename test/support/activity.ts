/** Runs activities as a worker would: with their context, typed failures and heartbeats, and without a server. */
import type { Info } from "@temporalio/activity";
import { ApplicationFailure } from "@temporalio/common";
import { MockActivityEnvironment } from "@temporalio/testing";
import { DefaultLogger } from "@temporalio/worker";
import { expect } from "vitest";
import { asFailure } from "../../activities/failures.ts";
import type { FailureType } from "../../src/domain/failures.ts";

/** What an activity finds out about its attempt; the first, scheduled just now, unless told otherwise. */
export function activityEnvironment(info: Partial<Info> = {}): MockActivityEnvironment {
  const logger = new DefaultLogger("ERROR");
  const now = { scheduledTimestampMs: Date.now(), currentAttemptScheduledTimestampMs: Date.now() };
  return new MockActivityEnvironment({ ...now, ...info }, { logger });
}

/** The result of code that runs inside an activity. */
export function inActivity<T>(run: () => Promise<T>, info: Partial<Info> = {}): Promise<T> {
  return activityEnvironment(info).run(run);
}

/** The failure that Temporal would record of code that fails inside an activity. */
export async function failureOf(run: () => Promise<unknown>, info: Partial<Info> = {}): Promise<ApplicationFailure> {
  const environment = activityEnvironment(info);
  let result: unknown;
  try {
    result = await environment.run(run);
  } catch (error) {
    const failure = await environment.run(async () => asFailure(error));
    if (failure instanceof ApplicationFailure) return failure;
    throw failure;
  }
  throw new Error(`did not fail but answered ${JSON.stringify(result)}`);
}

/** Asserts how code fails inside an activity; answers the message. */
export async function expectFailure(
  run: () => Promise<unknown>,
  type: FailureType,
  info: Partial<Info> = {},
): Promise<string> {
  const failure = await failureOf(run, info);
  expect(failure.type, failure.message).toBe(type);
  return failure.message;
}
