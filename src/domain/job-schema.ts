import { z } from "zod";

/** Hyperparameters as a recipe's own schema reads them; JSON scalars only. */
export const hyperparametersSchema = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]));
export type Hyperparameters = z.infer<typeof hyperparametersSchema>;

/** What a recipe's training entrypoint reads from S3; the spec's URI is the job's one argument. */
export const jobSpecSchema = z.object({
  format: z.literal(1),
  /** `s3://` URI of the dataset version's manifest. Part keys in it are relative to what precedes `datasets/` in this URI. */
  manifest: z.string().startsWith("s3://"),
  /** `s3://` URI, ending in `/`, that receives the model's files and, last, `model.json`. */
  output: z.string().startsWith("s3://").endsWith("/"),
  baseModel: z.string().nullable(),
  hyperparameters: hyperparametersSchema,
});
export type JobSpec = z.infer<typeof jobSpecSchema>;

/** A progress line of a job: one JSON object on a line of its output. `loss` is per training step or epoch. */
export const jobProgressSchema = z.object({ step: z.number(), total: z.number(), loss: z.number().nullable() });
export type JobProgress = z.infer<typeof jobProgressSchema>;

/** Where an external job stands. `unknown` is a state this version does not know: keep waiting. */
export const jobStateSchema = z.enum(["queued", "running", "succeeded", "failed", "terminated", "unknown"]);
export type JobState = z.infer<typeof jobStateSchema>;
