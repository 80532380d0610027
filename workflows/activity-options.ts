import { ActivityCancellationType, type ActivityOptions, type LocalActivityOptions } from "@temporalio/workflow";
import type { Deadlines } from "../src/domain/pipeline-schema.ts";
import { graceSeconds } from "../src/domain/reading.ts";
import { taskQueues } from "./names.ts";

/** One try at what is short when things go well; what it does not manage is left to another activity. */
export const onceLocally: LocalActivityOptions = {
  startToCloseTimeout: "8s",
  retry: { maximumAttempts: 1 },
  cancellationType: ActivityCancellationType.TRY_CANCEL,
};

/** The same for the reading of a source, which can hang: it holds up other workflows of its worker as long. */
export const atOnce: LocalActivityOptions = { ...onceLocally, startToCloseTimeout: "3s" };

/** Checks and other work in memory: no task of its own. */
export const local: LocalActivityOptions = {
  startToCloseTimeout: "10s",
  cancellationType: ActivityCancellationType.TRY_CANCEL,
};

/**
 * One small read or conditional write in storage, milliseconds long and harmless to repeat: done in the worker that runs
 * the workflow, without tasks of its own. Given up after ten minutes of an outage so that people hear of it.
 */
export const quick: LocalActivityOptions = {
  startToCloseTimeout: "10s",
  scheduleToCloseTimeout: "10m",
  retry: { initialInterval: "200ms", maximumInterval: "10s" },
  cancellationType: ActivityCancellationType.TRY_CANCEL,
};

/** The same for what must not be given up: a pipeline that lives through an outage, an alias of weights that were moved. */
export const patient: LocalActivityOptions = {
  startToCloseTimeout: "10s",
  retry: { initialInterval: "200ms", maximumInterval: "1m" },
  cancellationType: ActivityCancellationType.TRY_CANCEL,
};

/**
 * A call that costs money or moves traffic: waited for also when cancelled, so that what was started is known, and
 * repeated for a day, since giving up would leave it running. A lost worker is noticed within ten seconds.
 */
export const outside: ActivityOptions = {
  taskQueue: taskQueues.main,
  startToCloseTimeout: "5m",
  scheduleToCloseTimeout: "1 day",
  heartbeatTimeout: "10s",
  retry: { initialInterval: "500ms", maximumInterval: "1m" },
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
};

/** Asking a model: hours, with heartbeats; a lost worker is noticed within ten seconds. */
export const streaming: ActivityOptions = {
  taskQueue: taskQueues.io,
  startToCloseTimeout: "12h",
  scheduleToCloseTimeout: "1 day",
  heartbeatTimeout: "10s",
  retry: { initialInterval: "500ms", maximumInterval: "30s" },
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
};

/**
 * Reading a source, which delivers what it has at its deadline. Of readings that wait for a worker each
 * dataset gets its turn, however many sources another one has, where the server knows fairness.
 */
export const reading = (deadlines: Deadlines, dataset: string): ActivityOptions => ({
  ...streaming,
  startToCloseTimeout: (deadlines.readSeconds + graceSeconds(deadlines)) * 1000,
  scheduleToCloseTimeout: (deadlines.readSeconds + graceSeconds(deadlines)) * 1000,
  priority: { fairnessKey: dataset },
});

/** What an update can do without, and a later one makes up for: given up after two minutes. */
export const dispensable: ActivityOptions = {
  taskQueue: taskQueues.io,
  startToCloseTimeout: "1m",
  scheduleToCloseTimeout: "2m",
  retry: { initialInterval: "500ms", maximumInterval: "10s" },
  cancellationType: ActivityCancellationType.TRY_CANCEL,
};

/** Work over a whole dataset version in memory and storage. */
export const computing: ActivityOptions = {
  taskQueue: taskQueues.cpu,
  startToCloseTimeout: "1h",
  scheduleToCloseTimeout: "6h",
  heartbeatTimeout: "30s",
  retry: { initialInterval: "500ms", maximumInterval: "30s" },
  cancellationType: ActivityCancellationType.TRY_CANCEL,
};

/** The report of a cycle, which people wait for and the cycle's outcome does not: given up after half an hour. */
export const reporting: ActivityOptions = {
  ...computing,
  startToCloseTimeout: "10m",
  scheduleToCloseTimeout: "30m",
};

/** The same where somebody should hear soon that it does not work: a few tries, some ten seconds. */
export const fewTries: ActivityOptions = { ...outside, retry: { ...outside.retry, maximumAttempts: 4 } };

/**
 * Looking at a rollout again and again: the activity fails as StillWaiting with the delay until the next look, so that
 * history only gets what is news. Storage or service that cannot be reached for ten minutes more ends it.
 */
export const looking = (probeSeconds: number, newsMs: number): ActivityOptions => ({
  taskQueue: taskQueues.main,
  startToCloseTimeout: "1m",
  scheduleToCloseTimeout: newsMs + probeSeconds * 1000 + 600_000,
  heartbeatTimeout: "10s",
  retry: { initialInterval: "500ms", maximumInterval: "10s" },
  cancellationType: ActivityCancellationType.TRY_CANCEL,
});

/**
 * Waiting for something outside: the activity fails as StillWaiting with the delay until it is asked again, so no slot
 * is held and history does not grow. `deadlineSeconds` bounds the whole wait.
 */
export const waiting = (deadlineSeconds: number): ActivityOptions => ({
  taskQueue: taskQueues.main,
  startToCloseTimeout: "1m",
  scheduleToCloseTimeout: `${deadlineSeconds}s`,
  heartbeatTimeout: "10s",
  retry: { initialInterval: "200ms", maximumInterval: "1m" },
  cancellationType: ActivityCancellationType.TRY_CANCEL,
});

/**
 * Telling people through a service that may be down for a while: nothing waits for it, so it is tried until `seconds` have
 * passed, every five minutes in the end, or when the service says.
 */
export const telling = (summary: string, seconds: number): ActivityOptions => ({
  taskQueue: taskQueues.main,
  startToCloseTimeout: "50s",
  scheduleToCloseTimeout: `${seconds}s`,
  retry: { initialInterval: "1s", maximumInterval: "5m" },
  cancellationType: ActivityCancellationType.TRY_CANCEL,
  summary,
});

/** What is soon out of date, and waited for at the end. */
export const passing: ActivityOptions = {
  taskQueue: taskQueues.main,
  startToCloseTimeout: "10s",
  scheduleToCloseTimeout: "15s",
  retry: { initialInterval: "1s" },
  cancellationType: ActivityCancellationType.TRY_CANCEL,
};
