import { z } from "zod";
import { checked, type Reference, referenceSchema, tagsSchema } from "./input.ts";
import type { JobCreate, JobQueueConfig } from "./jobs-wire.ts";
import type { PlacementIds } from "./lookups.ts";
import { type CheckedPlacement, checkPlacement, type Placement, placementFields } from "./placement.ts";
import { type PackedRuntimeEnv, packRuntimeEnv, runtimeEnvFields, type RuntimeEnvOptions } from "./runtime-env.ts";
import type { RuntimeEnv } from "./wire.ts";

/** Greatest number of the wire's integers. */
const MAX_INT = 2 ** 31 - 1;

/** A job to submit. Submitting twice makes two jobs: look for the name first. */
export interface JobSubmission extends Placement, RuntimeEnvOptions {
  /** Names are not unique; letters, digits, `-` and `_` work everywhere. */
  name: string;
  /** Shell command, run in the working directory. */
  entrypoint: string;
  description?: string;
  /** Attempts = maxRetries + 1. Default 0: a job that fails is not run, and paid, again unless you say so. */
  maxRetries?: number;
  /** Of each attempt. Default and null: no limit. */
  timeoutSeconds?: number | null;
  /** Priority of the job's tasks on its cluster; larger goes first. Default: up to Anyscale. */
  priority?: number;
  /** Runs the job in a queue, on the one cluster that its jobs share. Default: a cluster of its own. */
  jobQueue?: JobQueueTarget;
  tags?: Readonly<Record<string, string>>;
}

/** The place of a job in a queue. Either `name`, which makes the queue if there is none, or one that exists. */
export interface JobQueueTarget {
  /** Name of the queue; the first job of this name makes it, with the settings below. */
  name?: string;
  /** Name or id of a queue that exists. */
  existing?: Reference;
  /** Of the job in a `PRIORITY` queue: 0 and up, smaller runs sooner. */
  priority?: number;
  /** Which job is next. Default `FIFO`. */
  mode?: "FIFO" | "LIFO" | "PRIORITY";
  /** Jobs that may run at once. Default 1. */
  maxConcurrency?: number;
  /** How long the cluster of an empty queue is kept. Default 300. */
  idleTimeoutSeconds?: number;
  /** Jobs after which the cluster is replaced. Default: never. */
  maxJobsPerCluster?: number;
  /** Name of the queue's compute config, `name` or `name:version`. Default: that of the job. */
  computeConfig?: string | null;
}

const jobQueueSchema: z.ZodType<JobQueueTarget> = z
  .strictObject({
    name: z.string().min(1).optional(),
    existing: referenceSchema.optional(),
    priority: z.int().min(0).max(MAX_INT).optional(),
    mode: z.enum(["FIFO", "LIFO", "PRIORITY"]).optional(),
    maxConcurrency: z.int().min(1).max(MAX_INT).optional(),
    idleTimeoutSeconds: z.int().min(0).max(MAX_INT).optional(),
    maxJobsPerCluster: z.int().min(1).max(MAX_INT).optional(),
    computeConfig: z.string().min(1).nullish(),
  })
  .superRefine(({ name, existing, mode, maxConcurrency, ...rest }, context) => {
    const settings = [mode, maxConcurrency, rest.idleTimeoutSeconds, rest.maxJobsPerCluster, rest.computeConfig];
    if ((name === undefined) === (existing == null)) {
      context.addIssue({ code: "custom", message: "needs either name or existing" });
    } else if (name === undefined && settings.some((value) => value != null)) {
      context.addIssue({
        code: "custom",
        message: "the settings of an existing queue are not changed by a job; leave them out",
      });
    }
  });

const textSchema = z
  .string()
  .refine((text) => text.trim() !== "", "must not be empty")
  .refine((text) => !text.includes("\0"), "must not have a NUL character");

const jobSubmissionSchema: z.ZodType<JobSubmission> = z.strictObject({
  ...placementFields,
  ...runtimeEnvFields,
  name: textSchema,
  entrypoint: textSchema,
  description: z.string().optional(),
  maxRetries: z.int().min(0).max(MAX_INT).optional(),
  timeoutSeconds: z.int().min(1).max(MAX_INT).nullish(),
  priority: z.int().min(0).max(MAX_INT).optional(),
  jobQueue: jobQueueSchema.optional(),
  tags: tagsSchema.optional(),
});

/** A submission that has been checked, with everything local read and packed, and nothing sent. */
export interface CheckedSubmission {
  submission: JobSubmission;
  placement: CheckedPlacement;
  runtimeEnv: PackedRuntimeEnv;
}

/**
 * Checks all that can be checked on this machine. Throws `InvalidRequestError` that names the option: an empty entrypoint, a
 * missing working directory, one with a symlink out of it or above the size limit, a negative number, a bad name of a variable, both an
 * image and a Containerfile, an option that does not exist.
 */
export function checkSubmission(options: JobSubmission): CheckedSubmission {
  const submission = checked("job", jobSubmissionSchema, options);
  return { submission, placement: checkPlacement("job", submission), runtimeEnv: packRuntimeEnv(submission) };
}

/** The body of a checked submission. */
export function jobBody(
  submission: JobSubmission,
  ids: Omit<PlacementIds, "cloudId">,
  runtimeEnv: RuntimeEnv | undefined,
  queue: JobQueueConfig | undefined,
): JobCreate {
  const { name, description, entrypoint, maxRetries = 0, timeoutSeconds, priority, tags = {} } = submission;
  return {
    name,
    description,
    project_id: ids.projectId,
    config: {
      entrypoint,
      runtime_env: runtimeEnv,
      build_id: ids.buildId,
      compute_config_id: ids.computeConfigId,
      max_retries: maxRetries,
      timeout_s: timeoutSeconds ?? undefined,
      priority,
    },
    job_queue_config: queue,
    tags: Object.keys(tags).length === 0 ? undefined : { ...tags },
  };
}

/**
 * The body's part about the queue.
 *
 * @param computeConfigId of the queue's own compute config, undefined for the job's
 */
export function queueBody(target: JobQueueTarget, computeConfigId: string | undefined): JobQueueConfig {
  const { existing, priority, name } = target;
  if (existing != null) {
    const isId = typeof existing === "object";
    return { priority, ...(isId ? { target_job_queue_id: existing.id } : { target_job_queue_name: existing }) };
  }
  return {
    priority,
    job_queue_spec: {
      job_queue_name: name,
      execution_mode: target.mode ?? "FIFO",
      compute_config_id: computeConfigId,
      max_concurrency: target.maxConcurrency ?? 1,
      idle_timeout_sec: target.idleTimeoutSeconds ?? 300,
      auto_termination_threshold_job_count: target.maxJobsPerCluster,
    },
  };
}
