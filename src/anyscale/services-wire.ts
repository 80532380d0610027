/** Wire shapes of services; see `wire.ts`. */
import { z } from "zod";
import { runtimeEnvSchema } from "./wire.ts";

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
