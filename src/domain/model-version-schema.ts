import { z } from "zod";
import { recipeChoiceSchema } from "./pipeline-schema.ts";

/** A file of a model version; `key` is the full object key in the model's bucket. */
export const modelFileSchema = z.object({
  key: z.string(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.int().min(0),
});

/**
 * `claim.json`: the one training job that may make this model version, and by which recipe it is trained and served;
 * written before the job is bought. Claims of earlier releases name the job alone.
 */
export const trainingClaimSchema = z.object({
  jobName: z.string(),
  /** By this and its name the job is known, also when the recipe has since changed. */
  entrypoint: z.string().optional(),
  recipe: recipeChoiceSchema.optional(),
  /** What the training has cost, in US dollars; added at the end of the cycle when it is counted by then. */
  costUsd: z.number().optional(),
});
export type TrainingClaim = z.infer<typeof trainingClaimSchema>;

/** `model.json`: written last by the training job, so that its presence means the model is whole. */
export const modelManifestSchema = z.object({
  format: z.literal(1),
  model: z.string(),
  /** Model version, such as `games-12`. */
  version: z.string(),
  recipe: z.string(),
  baseModel: z.string().nullable(),
  /** Dataset version it was trained on, such as `games@12`. */
  dataset: z.string(),
  /** What the recipe learnt to do, such as `frames`. */
  task: z.string(),
  files: z.array(modelFileSchema),
  trainedRecords: z.int().min(0),
  trainSeconds: z.number().min(0),
  /** Training loss per logged step, in order. */
  loss: z.array(z.number()),
});
export type ModelManifest = z.infer<typeof modelManifestSchema>;
