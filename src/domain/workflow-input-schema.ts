/** What each workflow takes: one plain JSON object, checked in the workflow's first local activity. */
import { z } from "zod";
import { testSetSchema } from "./evaluation-schema.ts";
import {
  computeSchema,
  evaluateSchema,
  pipelineSchema,
  quorumSchema,
  recipeChoiceSchema,
  rolloutPolicySchema,
  sourcesSchema,
  splitSchema,
} from "./pipeline-schema.ts";
import { lastCycleSchema } from "./registry-schema.ts";
import { slugSchema } from "./slug-schema.ts";
import { sourceSchema } from "./source-schema.ts";

const modelVersion = z.string().regex(/^[a-z0-9-]{1,40}-\d+(\.\d+)?$/, "must be a model version such as games-12");

export const updateDatasetInputSchema = z.strictObject({
  dataset: slugSchema,
  sources: sourcesSchema,
  split: splitSchema.prefault({}),
  quorum: quorumSchema.prefault({}),
  /** Ids of workflows that hear `datasetUpdated`; the pipeline of the dataset's name always does. */
  notify: z.array(z.string().min(1)).default([]),
});
export type UpdateDatasetInput = z.infer<typeof updateDatasetInputSchema>;

export const ingestSourceInputSchema = z.strictObject({
  dataset: slugSchema,
  source: sourceSchema,
  /** Where the last pass ended; null reads from the start. */
  cursor: z.string().nullable().default(null),
  split: splitSchema.prefault({}),
});
export type IngestSourceInput = z.infer<typeof ingestSourceInputSchema>;

export const retrainInputSchema = z.strictObject({
  pipeline: pipelineSchema,
  /** Dataset version to train on; null takes the newest. */
  version: z.int().min(1).nullable().default(null),
  /** 2 for the first repeat of a cycle, and so on. */
  repeat: z.int().min(1).default(1),
});
export type RetrainInput = z.infer<typeof retrainInputSchema>;

export const fineTuneInputSchema = z.strictObject({
  pipeline: slugSchema,
  /** Name of the model version to be made. */
  model: modelVersion,
  /** Version of the pipeline's dataset to train on. */
  datasetVersion: z.int().min(1),
  recipe: recipeChoiceSchema,
  compute: computeSchema.prefault({}),
});
export type FineTuneInput = z.infer<typeof fineTuneInputSchema>;

export const evaluateModelInputSchema = z.strictObject({
  pipeline: slugSchema,
  /** A model version that the pipeline's service has up. */
  model: modelVersion,
  testSet: testSetSchema,
  /** Key of the names seen in training data, which the format metrics need. */
  vocabulary: z.string().min(1),
  evaluate: evaluateSchema.prefault({}),
});
export type EvaluateModelInput = z.infer<typeof evaluateModelInputSchema>;

export const rollOutInputSchema = z.strictObject({
  pipeline: slugSchema,
  model: modelVersion,
  /** silent: up beside the champion at 0 %; promoted: by the policy's steps to 100 % and champion; withdrawn: down again. */
  target: z.enum(["silent", "promoted", "withdrawn"]),
  reason: z.string().min(1).max(500),
  recipe: recipeChoiceSchema,
  compute: computeSchema.prefault({}),
  policy: rolloutPolicySchema.prefault({}),
  /** Where probe questions come from. */
  testSet: testSetSchema,
});
export type RollOutInput = z.infer<typeof rollOutInputSchema>;

/** What a pipeline carries from run to run; also, without the window, what its query `state` answers. */
export const pipelineStateSchema = z.object({
  paused: z.boolean(),
  pauseReason: z.string().nullable(),
  /** The newest dataset version known. */
  dataset: z.object({ version: z.int().nullable(), records: z.int() }),
  /** The newest dataset version heard of, perhaps not read yet. */
  heardVersion: z.int(),
  champion: z.string().nullable(),
  /** Whether storage knows more than this state, for a cycle has ended since it was read. */
  isStale: z.boolean(),
  lastCycle: lastCycleSchema.nullable(),
  /** How the last cycle ended, in a sentence. */
  lastOutcome: z.string().nullable(),
  /** Workflow id of the cycle that is running. */
  cycle: z.string().nullable(),
  /** Workflow id of the dataset update that is running. */
  update: z.string().nullable(),
  /** External updates arrived since the running dataset update was started. */
  updateWanted: z.boolean(),
  updatesStarted: z.int(),
  runNowWanted: z.boolean(),
  orders: z.int(),
  signals: z.object({ applied: z.int(), duplicates: z.int(), rejected: z.int() }),
  /** Reasons of the last rejected messages. */
  rejected: z.array(z.string()),
  /** Hashes of the update ids seen last, oldest first. */
  window: z.array(z.string()),
});
export type PipelineState = z.infer<typeof pipelineStateSchema>;

export const pipelineInputSchema = pipelineSchema.extend({
  /** Set by continue-as-new only. */
  carried: pipelineStateSchema.optional(),
});
export type PipelineInput = z.infer<typeof pipelineInputSchema>;
