/** Wire shapes of jobs; see `wire.ts`. */
import { z } from "zod";
import { runtimeEnvSchema } from "./wire.ts";

/** What a job runs, as sent and as echoed. `timeout_s` holds for each attempt; attempts = `max_retries` + 1. */
export const jobConfigSchema = z.looseObject({
  entrypoint: z.string().min(1),
  runtime_env: runtimeEnvSchema.optional(),
  build_id: z.string().optional(),
  compute_config_id: z.string().optional(),
  max_retries: z.int().min(0).optional(),
  timeout_s: z.int().min(1).nullish(),
  priority: z.int().nullish(),
});
export type JobConfig = z.infer<typeof jobConfigSchema>;

/** A queue that the first job of its name makes; the cluster of an empty one ends after `idle_timeout_sec`. */
export const jobQueueSpecSchema = z.looseObject({
  job_queue_name: z.string().nullish(),
  execution_mode: z.string().nullish(),
  compute_config_id: z.string().nullish(),
  max_concurrency: z.int().nullish(),
  idle_timeout_sec: z.int(),
  auto_termination_threshold_job_count: z.int().nullish(),
});

/** The place of a job in a queue. */
export const jobQueueConfigSchema = z.looseObject({
  priority: z.int().nullish(),
  target_job_queue_id: z.string().nullish(),
  target_job_queue_name: z.string().nullish(),
  job_queue_spec: jobQueueSpecSchema.nullish(),
});
export type JobQueueConfig = z.infer<typeof jobQueueConfigSchema>;

/** Body of `POST /api/v2/decorated_ha_jobs/create`. */
export const jobCreateSchema = z.looseObject({
  name: z.string().min(1),
  description: z.string().optional(),
  project_id: z.string().optional(),
  config: jobConfigSchema,
  job_queue_config: jobQueueConfigSchema.nullish(),
  tags: z.record(z.string(), z.string()).optional(),
});
export type JobCreate = z.infer<typeof jobCreateSchema>;

/** States of a job that are known; others may come. */
export const jobStates = [
  "PENDING",
  "AWAITING_CLUSTER_START",
  "UPDATING",
  "RUNNING",
  "RESTARTING",
  "CLEANING_UP",
  "ERRORED",
  "SUCCESS",
  "OUT_OF_RETRIES",
  "BROKEN",
  "TERMINATED",
] as const;

/** A job as the API answers it. `last_job_run_id` is null until the first attempt starts. */
export const productionJobSchema = z.object({
  id: z.string(),
  name: z.string(),
  created_at: z.string(),
  project_id: z.string(),
  overview_url: z.string().nullish(),
  config: z.looseObject({ entrypoint: z.string().nullish() }),
  state: z.object({
    current_state: z.string(),
    goal_state: z.string().nullish(),
    error: z.string().nullish(),
    operation_message: z.string().nullish(),
  }),
  last_job_run_id: z.string().nullish(),
  creator_id: z.string().nullish(),
  cloud_id: z.string().nullish(),
  job_queue_id: z.string().nullish(),
  updated_at: z.string().nullish(),
});
export type ProductionJob = z.infer<typeof productionJobSchema>;

/** One attempt of a job. Its `status` is `PENDING`, `RUNNING`, `SUCCEEDED`, `COMPLETED`, `FAILED`, `STOPPED` or something newer. */
export const jobRunSchema = z.object({
  id: z.string(),
  name: z.string(),
  status: z.string(),
  created_at: z.string(),
  finished_at: z.string().nullish(),
});
export type JobRun = z.infer<typeof jobRunSchema>;

/** Attempts by job. */
export const jobRunsSchema = z.object({ results: z.record(z.string(), z.array(jobRunSchema)) });

/** A queue of jobs that share one cluster. `ACTIVE` takes jobs, `SEALED` does not. */
export const jobQueueSchema = z.object({
  id: z.string(),
  name: z.string().nullish(),
  current_job_queue_state: z.string(),
  execution_mode: z.string(),
  max_concurrency: z.number(),
  idle_timeout_sec: z.number(),
  created_at: z.string(),
  project_id: z.string().nullish(),
  cloud_id: z.string().nullish(),
  total_jobs: z.number().nullish(),
  active_jobs: z.number().nullish(),
  successful_jobs: z.number().nullish(),
  failed_jobs: z.number().nullish(),
});
export type JobQueue = z.infer<typeof jobQueueSchema>;

/** One page of a job run's log: pieces to download. Bytes may be gzip. */
export const logPageSchema = z.object({
  log_chunks: z.array(z.object({ chunk_url: z.string() })),
  next_page_token: z.string().nullish(),
  bearer_token: z.string().nullish(),
});
