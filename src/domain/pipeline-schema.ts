import { z } from "zod";
import { alertsSchema } from "./alert-choice-schema.ts";
import { countsTableSchema } from "./counts-table-schema.ts";
import { decideSchema } from "./decide-schema.ts";
import { evaluateSchema } from "./evaluate-schema.ts";
import { hyperparametersSchema } from "./job-schema.ts";
import { rolloutPolicySchema } from "./rollout-schema.ts";
import { slugSchema } from "./slug-schema.ts";
import { sourceSchema } from "./source-schema.ts";

const ratio = z.number().min(0).max(1);

/** Shares of the records that become validation and test data; the rest is for training. */
export const splitSchema = z
  .strictObject({ valid: ratio.default(0.05), test: ratio.default(0.1) })
  .refine((split) => split.valid + split.test < 1, "valid and test together must leave room for training data");
export type Split = z.infer<typeof splitSchema>;

/** Sources of one dataset. */
const maxSources = 5000;
/** Characters of all sources as JSON: they travel whole to the workflows that read them, and Temporal takes 2 MB at a time. */
const maxSourcesLength = 1_000_000;

/** Each of another id, since counts, cursors and keys are per id, and no more than history can hold. */
export const sourcesSchema = z
  .array(sourceSchema)
  .min(1, "name at least one source")
  .max(maxSources, "at most 5,000 sources")
  .superRefine((sources, context) => {
    const seen = new Set<string>();
    for (const [index, { id }] of sources.entries()) {
      if (seen.has(id))
        context.addIssue({ code: "custom", path: [index, "id"], message: `source ${id} is named twice` });
      seen.add(id);
    }
    const { length } = JSON.stringify(sources);
    if (length > maxSourcesLength) {
      const message = `all together ${length} characters of JSON, and ${maxSourcesLength} are the most: name fewer, or let one source read more`;
      context.addIssue({ code: "custom", message });
    }
  });

/** What an update of the dataset must bring to make a version. */
export const quorumSchema = z.strictObject({
  /** Sources that must be read without a failure, with news or without. */
  sources: z.int().min(1).default(1),
  /** New records, without duplicates; fewer wait at their sources for a later version. */
  records: z.int().min(0).default(0),
});

/** Refuses a quorum of more sources than there are. */
export function refuseUnreachable(
  quorum: z.infer<typeof quorumSchema>,
  sources: number,
  path: string[],
  context: z.core.$RefinementCtx,
): void {
  if (quorum.sources <= sources) return;
  context.addIssue({ code: "custom", path, message: `${quorum.sources} are needed, and there are only ${sources}` });
}

/** How long an update waits for its sources. What comes later is read by the next one. */
export const deadlinesSchema = z.strictObject({
  /** A source that brings nothing for so long is given up: it is down, or it asks for more patience than this. */
  silentSeconds: z.number().min(1).max(86_400).default(300),
  /** A source that is still being read then delivers what it has; the rest is for the next update. */
  readSeconds: z.number().min(1).max(86_400).default(3600),
});
export type Deadlines = z.infer<typeof deadlinesSchema>;

/** How a model is trained and served. */
export const recipeChoiceSchema = z.strictObject({
  name: z.string().min(1),
  baseModel: z.string().min(1).nullable().default(null),
  hyperparameters: hyperparametersSchema.default({}),
});
export type ChosenRecipe = z.infer<typeof recipeChoiceSchema>;

/** Where jobs and services run and for how long at most. */
export const computeSchema = z.strictObject({
  cloud: z.string().min(1).nullable().default(null),
  config: z.string().min(1).nullable().default(null),
  maxRetries: z.int().min(0).max(10).default(1),
  timeoutSeconds: z
    .int()
    .min(1)
    .max(7 * 86_400)
    .default(14_400),
  /** How long it may wait for its machines beyond that. */
  queueSeconds: z
    .int()
    .min(1)
    .max(7 * 86_400)
    .default(43_200),
});

export const datasetPolicySchema = z.strictObject({
  /** Accepted, de-duplicated records of all splits since the last cycle that start the next one. */
  minNewRecords: z.int().min(1).default(200),
  split: splitSchema.prefault({}),
  /** `s3://` URI of a chat-format JSONL file; null freezes the test split of the first version trained on. */
  testSet: z
    .string()
    .regex(/^s3:\/\/.+\/.+$/, "must be s3://bucket/key")
    .nullable()
    .default(null),
  quorum: quorumSchema.prefault({}),
  deadlines: deadlinesSchema.prefault({}),
  /** A SQL table that the record counts of each version are merged into; none when it is left out. */
  countsTable: countsTableSchema.optional(),
});

const pipelineFields = z.strictObject({
  name: slugSchema,
  sources: sourcesSchema,
  dataset: datasetPolicySchema.prefault({}),
  recipe: recipeChoiceSchema,
  compute: computeSchema.prefault({}),
  evaluate: evaluateSchema.prefault({}),
  decide: decideSchema.prefault({}),
  rollout: rolloutPolicySchema.prefault({}),
  alerts: alertsSchema,
});

/** What a user defines for one model. Everything but `name`, `sources` and `recipe` has a default; unknown fields are errors. */
export const pipelineSchema = pipelineFields.superRefine(({ sources, dataset }, context) =>
  refuseUnreachable(dataset.quorum, sources.length, ["dataset", "quorum", "sources"], context),
);
export type PipelineDefinition = z.infer<typeof pipelineSchema>;

/** What a cycle needs of a definition: everything but its sources, which may be there. */
export const cycleDefinitionSchema = pipelineFields.extend({ sources: sourcesSchema.optional() });
