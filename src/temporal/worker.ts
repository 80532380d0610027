import type { Context } from "@temporalio/activity";
import { loadClientConnectConfig } from "@temporalio/envconfig";
import {
  DefaultLogger,
  NativeConnection,
  Runtime,
  Worker,
  type ActivityInterceptors,
  type WorkerOptions,
} from "@temporalio/worker";
import type { Logger as PinoLogger } from "pino";
import { asFailure, assertSmall } from "../../activities/failures.ts";
import { createActivities, type Activities } from "../../activities/index.ts";
import { taskQueues } from "../../workflows/names.ts";
import type { Ports } from "../ports.ts";
import { ensureSearchAttributes } from "./search-attributes.ts";
import { workflowBundle } from "./workflow-bundle.ts";

/** Workflows kept in memory; each costs a few hundred kilobytes. */
const maxCachedWorkflows = 300;

/** A worker on all task queues of Tuneloop, in this process. */
export interface RunningWorker {
  /** Settles when the worker has ended; rejects when it broke. */
  ended: Promise<void>;
  /** Takes no new tasks, lets those under way finish for 20 s, ends the rest within 30 s. */
  shutdown(): void;
}

/** Sends Temporal's log lines, also those of workflows and activities, to a pino logger. Once per process. */
export function installLogger(log: PinoLogger, level: "debug" | "info" | "warn" | "error"): void {
  const levels = { TRACE: "trace", DEBUG: "debug", INFO: "info", WARN: "warn", ERROR: "error" } as const;
  const logger = new DefaultLogger(level === "debug" ? "DEBUG" : "INFO", ({ level, message, meta }) =>
    log[levels[level]]({ ...meta }, message),
  );
  Runtime.install({ logger, shutdownSignals: [] });
}

/**
 * Starts polling the Temporal server that the environment leads to, and resolves when it does. Search attributes are
 * registered first. Throws when the server cannot be reached.
 */
export async function startWorker(ports: Ports, environment: Record<string, string>): Promise<RunningWorker> {
  const { connectionOptions, namespace = "default" } = loadClientConnectConfig({ overrideEnvVars: environment });
  const [connection, bundle] = await Promise.all([NativeConnection.connect(connectionOptions), workflowBundle()]);
  await ensureSearchAttributes(connection, namespace);
  return runWorkers({ connection, namespace, workflowBundle: bundle, activities: createActivities(ports) });
}

/**
 * Polls all task queues of Tuneloop until shut down, then closes the connection. Each queue has slots of its own: reading
 * sources and asking models (40 at a time, between them) and work over a whole dataset version (4) never hold up the
 * workflows, nor the polls and orders of jobs and services. Questions to a model can wait for a slot behind 40 sources.
 */
export async function runWorkers(
  options: Required<Pick<WorkerOptions, "namespace" | "workflowBundle">> & {
    connection: NativeConnection;
    activities: Activities;
  },
): Promise<RunningWorker> {
  const { workflowBundle, ...served } = options;
  const common = {
    ...served,
    maxHeartbeatThrottleInterval: "2s",
    shutdownGraceTime: "20s",
    shutdownForceTime: "30s",
  } satisfies Omit<WorkerOptions, "taskQueue">;
  const typed = { interceptors: { activity: [typedFailures] } };
  const alive = { interceptors: { activity: [lifeSigns, typedFailures] } };
  const workers = await Promise.all([
    Worker.create({ ...common, ...alive, taskQueue: taskQueues.main, workflowBundle, maxCachedWorkflows }),
    // These say themselves that they live, with what the next attempt goes on from.
    Worker.create({ ...common, ...typed, taskQueue: taskQueues.io, maxConcurrentActivityTaskExecutions: 40 }),
    Worker.create({ ...common, ...alive, taskQueue: taskQueues.cpu, maxConcurrentActivityTaskExecutions: 4 }),
  ]);
  const shutdown = (): void => {
    for (const worker of workers) if (worker.getState() === "RUNNING") worker.shutdown();
  };
  const runs = workers.map(async (worker) => {
    try {
      await worker.run();
    } finally {
      // One that breaks takes the others along: a worker that hears half of its queues is worse than none.
      shutdown();
    }
  });
  return { ended: Promise.all(runs).then(() => options.connection.close()), shutdown };
}

/** Heartbeats for an activity as long as it runs, so that only a lost worker misses them and not a slow server. */
const lifeSigns = ({ info, heartbeat }: Context): ActivityInterceptors => ({
  inbound: {
    async execute(input, next) {
      if (info.heartbeatTimeoutMs === undefined) return await next(input);
      const beat = setInterval(heartbeat, info.heartbeatTimeoutMs / 5);
      try {
        return await next(input);
      } finally {
        clearInterval(beat);
      }
    },
  },
});

/** Gives every error an activity throws its type, and keeps data out of history. */
const typedFailures = (): ActivityInterceptors => ({
  inbound: {
    async execute(input, next) {
      try {
        const result = await next(input);
        assertSmall(result);
        return result;
      } catch (error) {
        throw asFailure(error);
      }
    },
  },
});
