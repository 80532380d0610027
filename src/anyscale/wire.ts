/**
 * Shapes of the Anyscale Jobs and Services API, as far as Tuneloop reads or writes them. Field names are the wire's own.
 * Readers tolerate unknown fields and unknown states, so that a newer server does not break an older client.
 */
import { z } from "zod";

/** `{"error": {...}}` of any answer that is not a success; `detail` is a list in a 422. */
export const errorBodySchema = z.object({
  error: z.object({ detail: z.unknown().optional(), message: z.string().nullish() }),
});

/** Wraps the schema of a single result: `{"result": ...}`. */
export function resultOf<T extends z.ZodType>(result: T) {
  return z.object({ result });
}

/** Wraps the schema of a page of results; the last page has no `next_paging_token`. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({
    results: z.array(item),
    metadata: z.object({ total: z.number().nullish(), next_paging_token: z.string().nullish() }).nullish(),
  });
}

/** Anything that is looked up for its id alone: project, compute config. */
export const identifiedSchema = z.object({ id: z.string().min(1) });

/** The owner of the token. */
export const userSchema = z.object({ id: z.string(), email: z.string(), name: z.string() });
export type User = z.infer<typeof userSchema>;

/** A cloud; jobs and services run in one. */
export const cloudSchema = z.object({ id: z.string().min(1), name: z.string() });

/** A build of an image; the id of one that has `succeeded` never changes its meaning. */
export const buildSchema = z.object({ id: z.string().min(1), status: z.string() });

/** Where to put one file of the cloud's bucket. `file_uri` is what configs name, `url` is what receives the bytes. */
export const presignedUploadSchema = z.object({
  file_uri: z.string(),
  url: z.string(),
  file_exists: z.boolean(),
});

/** Files and environment that come with an entrypoint or an application. */
export const runtimeEnvSchema = z.looseObject({
  working_dir: z.string().optional(),
  user_provided_working_dir: z.string().optional(),
  env_vars: z.record(z.string(), z.string()).optional(),
});
export type RuntimeEnv = z.infer<typeof runtimeEnvSchema>;

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

/** One application of a service. */
export const applicationSchema = z.looseObject({
  name: z.string().optional(),
  route_prefix: z.string().optional(),
  import_path: z.string(),
  args: z.record(z.string(), z.unknown()).optional(),
  runtime_env: runtimeEnvSchema.optional(),
});
export type Application = z.infer<typeof applicationSchema>;

/** Body of `PUT /api/v2/services-v2/apply`: creates the service of this name or changes it. */
export const serviceApplySchema = z.looseObject({
  name: z.string().min(1),
  project_id: z.string().optional(),
  version: z.string().min(1).optional(),
  description: z.string().optional(),
  canary_percent: z.int().min(0).max(100).optional(),
  ray_serve_config: z.looseObject({ applications: z.array(applicationSchema).min(1) }),
  build_id: z.string(),
  compute_config_id: z.string(),
  config: z.looseObject({ access: z.looseObject({ use_bearer_token: z.boolean() }).optional() }).optional(),
  rollout_strategy: z.string().optional(),
  auto_complete_rollout: z.boolean().optional(),
  tags: z.record(z.string(), z.string()).optional(),
});
export type ServiceApply = z.infer<typeof serviceApplySchema>;

/** States of a service version that are known; others may come. */
export const serviceVersionStates = [
  "UNKNOWN",
  "STARTING",
  "UPDATING",
  "RUNNING",
  "UNHEALTHY",
  "SYSTEM_FAILURE",
  "TERMINATING",
  "TERMINATED",
] as const;

/** A version of a service; `weight` is the observed share of requests in percent. */
export const serviceVersionSchema = z.object({
  id: z.string(),
  version: z.string(),
  current_state: z.string(),
  weight: z.number(),
});
export type ServiceVersion = z.infer<typeof serviceVersionSchema>;

/** A service as the API answers it; a terminated one still names its last primary version. */
export const serviceSchema = z.object({
  id: z.string(),
  name: z.string(),
  project_id: z.string(),
  current_state: z.string(),
  base_url: z.string().nullish(),
  auth_token: z.string().nullish(),
  error_message: z.string().nullish(),
  primary_version: serviceVersionSchema.nullish(),
  canary_version: serviceVersionSchema.nullish(),
});
export type Service = z.infer<typeof serviceSchema>;
