import { z } from "zod";
import { FINAL_CHECKPOINT } from "./checkpoint.ts";
import { recipeChoiceSchema } from "./pipeline-schema.ts";

/** A file of a model version; `key` is the full object key in the model's bucket. */
export const modelFileSchema = z.object({
  key: z.string(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.int().min(0),
});
export type ModelFile = z.infer<typeof modelFileSchema>;

/**
 * `claim.json`: the one training job that may make this model version, and by which recipe it is trained and served;
 * written before the job is bought.
 */
export const trainingClaimSchema = z.object({
  jobName: z.string(),
  /** Of the training: who ends the job when nobody waits for it any more is found by this. */
  workflowId: z.string(),
  /** By this and its name the job is known, also when the recipe has since changed. */
  entrypoint: z.string().optional(),
  recipe: recipeChoiceSchema.optional(),
  /** What the training has cost, in US dollars; added at the end of the cycle when it is counted by then. */
  costUsd: z.number().optional(),
});
export type TrainingClaim = z.infer<typeof trainingClaimSchema>;

/** The model as it was after part of its training, which the service of its version answers for as well. */
export const checkpointSchema = z.object({
  /** Unique in its model version, such as `step-6`. Requests name it `<model version>@<name>`. */
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,39}$/)
    .refine((name) => name !== FINAL_CHECKPOINT, "is the finished model, which is no checkpoint"),
  /** Step of the training after which it was kept. */
  step: z.int().min(1),
  /** Below `checkpoints/<name>/` of the model version. */
  files: z.array(modelFileSchema).min(1),
});
export type Checkpoint = z.infer<typeof checkpointSchema>;

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
  /** What the recipe learnt to do, such as `frames`, `labels`, `retrieval` or `chat`. */
  task: z.string(),
  /** Why that was chosen, in a sentence; null where the recipe does nothing else. */
  taskReason: z.string().nullable().default(null),
  files: z.array(modelFileSchema),
  /** In the order of training; none where the recipe keeps none. */
  checkpoints: z
    .array(checkpointSchema)
    .refine((list) => new Set(list.map(({ name }) => name)).size === list.length, "two have one name")
    .default([]),
  trainedRecords: z.int().min(0),
  trainSeconds: z.number().min(0),
  /** Training loss per logged step, in order. */
  loss: z.array(z.number()),
});
export type ModelManifest = z.infer<typeof modelManifestSchema>;

/**
 * `choice.json`: which of its models answers for a version, by how each did on the validation split. Written once, before
 * the version gets traffic; without it the final model answers.
 */
export const checkpointChoiceSchema = z.object({
  format: z.literal(1),
  /** Name of a checkpoint, or `final`. */
  checkpoint: z.string(),
  /** What was compared. */
  metric: z.string(),
  /**
   * All there were, in the order of training. `value` is null where the metric has none; `evaluation` is the key of that,
   * null where the model could not be asked.
   */
  candidates: z
    .array(z.object({ checkpoint: z.string(), value: z.number().nullable(), evaluation: z.string().nullable() }))
    .min(1),
});
export type CheckpointChoice = z.infer<typeof checkpointChoiceSchema>;

/** A choice as those tell of it who look back. */
export const chosenCheckpointSchema = z.object({
  /** Of a checkpoint, or `final`. */
  name: z.string(),
  /** Step of the training after which it was kept; null for the final model. */
  step: z.int().min(1).nullable(),
  /** What it was chosen by, on the validation split. */
  metric: z.string(),
  /** Its own value; null where none of them had one. */
  value: z.number().nullable(),
  /** How many there were to choose from, the final model included. */
  candidates: z.int().min(1),
});
export type ChosenCheckpoint = z.infer<typeof chosenCheckpointSchema>;
