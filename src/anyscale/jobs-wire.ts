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
});
export type JobConfig = z.infer<typeof jobConfigSchema>;

/** Body of `POST /api/v2/decorated_ha_jobs/create`. */
export const jobCreateSchema = z.looseObject({
  name: z.string().min(1),
  description: z.string().optional(),
  project_id: z.string().optional(),
  config: jobConfigSchema,
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
});
export type ProductionJob = z.infer<typeof productionJobSchema>;

/** One page of a job run's log: pieces to download. Bytes may be gzip. */
export const logPageSchema = z.object({
  log_chunks: z.array(z.object({ chunk_url: z.string() })),
  next_page_token: z.string().nullish(),
  bearer_token: z.string().nullish(),
});
