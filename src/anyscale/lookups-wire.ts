/** Wire shapes of the look-ups that precede a submit or an apply; see `wire.ts`. */
import { z } from "zod";

/** Anything that is looked up for its id alone: project, image ("cluster environment" on the wire). */
export const identifiedSchema = z.object({ id: z.string().min(1) });

/** The owner of the token. */
export const userSchema = z.object({ id: z.string(), email: z.string(), name: z.string() });
export type User = z.infer<typeof userSchema>;

/** A cloud; jobs and services run in one. */
export const cloudSchema = z.object({ id: z.string().min(1), name: z.string() });

/** A project as its cloud is told by it. */
export const projectSchema = z.object({ id: z.string().min(1), parent_cloud_id: z.string().nullish() });

/** A compute config. The default one is answered with its machines. */
export const computeTemplateSchema = z.object({
  id: z.string().min(1),
  config: z
    .object({
      cloud_id: z.string().nullish(),
      head_node_type: z
        .object({ instance_type: z.string().nullish(), flags: z.record(z.string(), z.unknown()).nullish() })
        .nullish(),
      flags: z.record(z.string(), z.unknown()).nullish(),
    })
    .nullish(),
});

/** A build of an image; the id of one that has `succeeded` never changes its meaning. */
export const buildSchema = z.object({
  id: z.string().min(1),
  status: z.string(),
  containerfile: z.string().nullish(),
  error_message: z.string().nullish(),
});
export type Build = z.infer<typeof buildSchema>;

/** The start of a build. */
export const buildOperationSchema = z.object({ cluster_environment_build_id: z.string().min(1) });

/** Where Anyscale's own side runs; `azure` wants to know for which cloud an image is. */
export const deploymentInfraSchema = z.object({ deployment_infra: z.string() });

/** Where to put one file of the cloud's bucket. `file_uri` is what configs name, `url` is what receives the bytes. */
export const presignedUploadSchema = z.object({
  file_uri: z.string(),
  url: z.string(),
  file_exists: z.boolean(),
});
