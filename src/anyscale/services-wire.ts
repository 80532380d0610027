/** Wire shapes of services; see `wire.ts`. */
import { z } from "zod";
import { runtimeEnvSchema } from "./wire.ts";

/** A share of requests or of capacity. */
const percentSchema = z.int().min(0).max(100);

/** One application of a service. */
export const applicationSchema = z.looseObject({
  name: z.string().optional(),
  route_prefix: z.string().optional(),
  import_path: z.string(),
  args: z.record(z.string(), z.unknown()).optional(),
  runtime_env: runtimeEnvSchema.optional(),
});
export type Application = z.infer<typeof applicationSchema>;

/** What Ray Serve runs, as sent and as echoed. */
export const rayServeConfigSchema = z.looseObject({ applications: z.array(applicationSchema).min(1) });
export type RayServeConfig = z.infer<typeof rayServeConfigSchema>;

/** What holds for a service as a whole; a mere move of weights has none. */
export const serviceConfigSchema = z.looseObject({
  access: z.looseObject({ use_bearer_token: z.boolean() }).optional(),
  env_vars: z.record(z.string(), z.string()).optional(),
});

/**
 * Body of `PUT /api/v2/services-v2/apply`: creates the service of this name or changes it. `traffic_percent` is for one of
 * several versions only.
 */
export const serviceApplySchema = z.looseObject({
  name: z.string().min(1),
  project_id: z.string().optional(),
  version: z.string().min(1).optional(),
  description: z.string().optional(),
  canary_percent: percentSchema.optional(),
  max_surge_percent: percentSchema.optional(),
  traffic_percent: percentSchema.optional(),
  ray_serve_config: rayServeConfigSchema,
  build_id: z.string(),
  compute_config_id: z.string(),
  config: serviceConfigSchema.optional(),
  rollout_strategy: z.string().optional(),
  auto_complete_rollout: z.boolean().optional(),
  tags: z.record(z.string(), z.string()).optional(),
});
export type ServiceApply = z.infer<typeof serviceApplySchema>;

/** Body of `PUT /api/v2/services-v2/apply_multi_version`: all versions that the service shall have, with their shares. */
export const serviceApplyVersionsSchema = z.looseObject({
  rollout_strategy: z.literal("MULTI_VERSION"),
  cloud_id: z.string(),
  project_id: z.string(),
  service_versions: z.array(serviceApplySchema).min(1),
});
export type ServiceApplyVersions = z.infer<typeof serviceApplyVersionsSchema>;

/** Body of a rollback. */
export const serviceRollbackSchema = z.looseObject({ max_surge_percent: percentSchema.optional() });

/** States of a service that are known; others may come. */
export const serviceStates = [
  "STARTING",
  "RUNNING",
  "UPDATING",
  "ROLLING_OUT",
  "ROLLING_BACK",
  "UNHEALTHY",
  "SYSTEM_FAILURE",
  "USER_ERROR_FAILURE",
  "TERMINATING",
  "TERMINATED",
] as const;

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
  created_at: z.string().nullish(),
  current_state: z.string(),
  weight: z.number(),
  ray_serve_config: rayServeConfigSchema,
  build_id: z.string(),
  compute_config_id: z.string(),
  /** Jobs behind the version; empty before its cluster is ordered. */
  production_job_ids: z.array(z.string()),
  ray_gcs_external_storage_config: z.unknown().optional(),
  tracing_config: z.unknown().optional(),
});
export type ServiceVersion = z.infer<typeof serviceVersionSchema>;

/**
 * A service as the API answers it; a terminated one still names its last primary version. `versions` are the active ones.
 * Queries need `auth_token`, or the secondary one during a rotation; without a token they need none.
 */
export const serviceSchema = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string().nullish(),
  project_id: z.string(),
  cloud_id: z.string(),
  created_at: z.string().nullish(),
  ended_at: z.string().nullish(),
  current_state: z.string(),
  goal_state: z.string().nullish(),
  base_url: z.string().nullish(),
  auth_token: z.string().nullish(),
  secondary_auth_token: z.string().nullish(),
  error_message: z.string().nullish(),
  primary_version: serviceVersionSchema.nullish(),
  canary_version: serviceVersionSchema.nullish(),
  versions: z.array(serviceVersionSchema).nullish(),
  is_multi_version: z.boolean().nullish(),
});
export type Service = z.infer<typeof serviceSchema>;

/** The job behind a service version, as far as its logs are found by it; `cluster` is null before there is one. */
export const serviceJobSchema = z.object({
  state: z.object({ cluster: z.object({ id: z.string() }).nullish() }),
});
