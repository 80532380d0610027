/** What each workflow takes: one plain JSON object, checked in the workflow's first local activity. */
import { z } from "zod";
import { alertChoiceSchema, alertsSchema } from "./alert-choice-schema.ts";
import { alertSchema } from "./alert-schema.ts";
import { awaitedApprovalSchema } from "./approval-schema.ts";
import { countsTableSchema } from "./counts-table-schema.ts";
import { outcomeSchema } from "./decision-schema.ts";
import { endpointSchema, evaluateSchema, metricChoiceSchema } from "./evaluate-schema.ts";
import { examplesSchema, testSetSchema } from "./evaluation-schema.ts";
import {
  computeSchema,
  cycleDefinitionSchema,
  deadlinesSchema,
  pipelineSchema,
  quorumSchema,
  recipeChoiceSchema,
  refuseUnreachable,
  sourcesSchema,
  splitSchema,
} from "./pipeline-schema.ts";
import { readingSchema } from "./reading-schema.ts";
import { lastCycleSchema } from "./registry-schema.ts";
import { rolloutPolicySchema } from "./rollout-schema.ts";
import { slugSchema } from "./slug-schema.ts";
import { sourceSchema } from "./source-schema.ts";

const modelVersion = z.string().regex(/^[a-z0-9-]{1,40}-\d+(\.\d+)?$/, "must be a model version such as games-12");

/** Where sources are read from instead of where the last pass ended; null reads from the start. */
const cursorsSchema = z.record(slugSchema, z.string().nullable()).default({});

export const updateDatasetInputSchema = z
  .strictObject({
    dataset: slugSchema,
    sources: sourcesSchema,
    /** Ids of the sources to read; the others keep their cursors. Null reads all. */
    only: z.array(slugSchema).min(1, "name at least one source, or leave it out").nullable().default(null),
    /** What was read before is read again, and found to be duplicate. */
    cursors: cursorsSchema,
    split: splitSchema.prefault({}),
    quorum: quorumSchema.prefault({}),
    deadlines: deadlinesSchema.prefault({}),
    /** A SQL table that the record counts of the version are merged into; none when it is left out. */
    countsTable: countsTableSchema.optional(),
    /** Ids of workflows that hear `datasetUpdated`; the pipeline of the dataset's name always does. */
    notify: z.array(z.string().min(1)).default([]),
  })
  .superRefine(({ sources, only, cursors, quorum }, context) => {
    const known = new Set(sources.map(({ id }) => id));
    const read = new Set(only ?? known);
    const refuse = (path: (string | number)[], message: string): void =>
      context.addIssue({ code: "custom", path, message });
    for (const [index, id] of (only ?? []).entries()) {
      if (!known.has(id)) refuse(["only", index], `there is no source ${id} in sources`);
    }
    for (const id of Object.keys(cursors)) if (!read.has(id)) refuse(["cursors", id], "this source is not read");
    refuseUnreachable(quorum, sources.length, ["quorum", "sources"], context);
  });
export type UpdateDatasetInput = z.infer<typeof updateDatasetInputSchema>;
/** What callers give; the rest has defaults. */
export type UpdateDatasetRequest = z.input<typeof updateDatasetInputSchema>;

/** What the readings of one update have in common. */
const readingFields = {
  dataset: slugSchema,
  split: splitSchema.prefault({}),
  deadlines: deadlinesSchema.prefault({}),
  /** Id of the workflow that hears from the worker how far it is. */
  reportTo: z.string().min(1).nullable().default(null),
};

export const ingestSourcesInputSchema = z.strictObject({
  ...readingFields,
  sources: sourcesSchema,
  cursors: cursorsSchema,
});
export type IngestSourcesInput = z.infer<typeof ingestSourcesInputSchema>;
/** What callers give; the rest has defaults. */
export type IngestSourcesRequest = z.input<typeof ingestSourcesInputSchema>;

export const ingestSourceInputSchema = z.strictObject({
  ...readingFields,
  source: sourceSchema,
  /** Where the last pass ended; null reads from the start. */
  cursor: z.string().nullable().default(null),
});
export type IngestSourceInput = z.infer<typeof ingestSourceInputSchema>;
/** What callers give; the rest has defaults. */
export type IngestSourceRequest = z.input<typeof ingestSourceInputSchema>;

export const retrainInputSchema = z.strictObject({
  pipeline: cycleDefinitionSchema,
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

export const evaluateModelInputSchema = z
  .strictObject({
    pipeline: slugSchema,
    /** A model version that the pipeline's service has up, or what to call the model of `endpoint`. */
    model: z.string().regex(/^[a-z0-9-]{1,40}(-\d+(\.\d+)?)?$/, "must be a model version such as games-12"),
    /** One of the version's checkpoints, or `final`; null for the one that answers for it. */
    checkpoint: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,39}$/, "must be a checkpoint such as step-6")
      .nullable()
      .default(null),
    /** An endpoint that is asked instead of the pipeline's service; null for a model version. */
    endpoint: endpointSchema.nullable().default(null),
    /** Shown with each question; null for none. */
    examples: examplesSchema.nullable().default(null),
    testSet: testSetSchema,
    /** Key of the names seen in training data, which the format metrics need. */
    vocabulary: z.string().min(1),
    evaluate: evaluateSchema.prefault({}),
  })
  .superRefine(({ model, checkpoint, endpoint }, context) => {
    if (endpoint !== null && checkpoint !== null) {
      context.addIssue({ code: "custom", path: ["checkpoint"], message: "an endpoint has none: leave it out" });
    }
    if (endpoint !== null || modelVersion.safeParse(model).success) return;
    context.addIssue({ code: "custom", path: ["model"], message: "must be a model version such as games-12" });
  });
export type EvaluateModelInput = z.infer<typeof evaluateModelInputSchema>;

/** One metric of one of the packs, from 0 to 1 for each answer. */
const qualitySchema = z.strictObject({
  metrics: z.array(metricChoiceSchema).min(1),
  metric: z.string().min(1),
  vocabulary: z.string().min(1),
});

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
  /** The champion that the model was decided against, null for none; a rollout beside another one is refused. Left out, any is right. */
  against: modelVersion.nullable().optional(),
  /**
   * A champion, of before or of now, comes back: also where its successor does not serve any more. `replaceOthers` lets it take
   * the place of versions that the pipeline has not trained. Left out, a version only comes up beside the champion.
   */
  comeback: z.strictObject({ replaceOthers: z.boolean() }).optional(),
  /** What answers to probe questions are worth; null where that is not measured. */
  quality: qualitySchema.nullable().default(null),
  /** Who hears of a step that is held and of a rollout that goes back. */
  alerts: alertsSchema,
});
export type RollOutInput = z.infer<typeof rollOutInputSchema>;

export const alertPeopleInputSchema = z.strictObject({
  alert: alertSchema,
  /** A pipeline's, and with them those of a janitor. */
  sinks: z.array(alertChoiceSchema).min(1, "name at least one sink").max(40),
  /** How long a sink that cannot be reached is tried. */
  patienceSeconds: z
    .number()
    .gt(0)
    .max(7 * 86_400)
    .default(12 * 3600),
});
export type AlertPeopleInput = z.input<typeof alertPeopleInputSchema>;

export const janitorInputSchema = z.strictObject({
  /** How long something may belong to nobody. */
  graceSeconds: z
    .number()
    .min(0)
    .max(30 * 86_400)
    .default(120),
  /** Only says what it would end. */
  dryRun: z.boolean().default(false),
  /** Who hears of all that was ended; the people of a pipeline hear of its own in any case. */
  alerts: z
    .array(alertChoiceSchema)
    .max(20)
    .default([{ kind: "log" }]),
});
export type JanitorInput = z.infer<typeof janitorInputSchema>;

export const rollBackInputSchema = z.strictObject({
  pipeline: cycleDefinitionSchema,
  /** The champion that is wanted, also the one of now where it does not serve; null for the one before it. */
  to: modelVersion.nullable().default(null),
  /** Whether it takes the place of versions in the service that the pipeline has not trained. */
  replaceOthers: z.boolean().default(false),
  reason: z.string().min(1).max(500),
  /** Who orders it. */
  by: z.string().max(100).nullable().default(null),
});
export type RollBackInput = z.infer<typeof rollBackInputSchema>;

/** What a pipeline carries from run to run; also, without the window, what its query `state` answers. */
export const pipelineStateSchema = z.object({
  paused: z.boolean(),
  pauseReason: z.string().nullable(),
  pausedBy: z.string().nullable(),
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
  /** The approval that this cycle waits for; null when it waits for none. */
  approval: awaitedApprovalSchema.nullable(),
  /** The newest decision, `decisions/<id>.json`. */
  lastDecision: z.object({ id: z.string(), outcome: outcomeSchema }).nullable(),
  /** Workflow id of the dataset update that is running. */
  update: z.string().nullable(),
  /** How far that update is with its sources, as it said last; null before it has said anything. */
  reading: readingSchema.nullable(),
  /** Sources that failed when they were read last, and why; the first 20. */
  failedSources: z.record(z.string(), z.string()),
  /** External updates arrived since the running dataset update was started. */
  updateWanted: z.boolean(),
  updatesStarted: z.int(),
  runNowWanted: z.boolean(),
  /** Workflow id of the rollout by which users meet the cycle's challenger; null when they do not. */
  meetsUsersBy: z.string().nullable(),
  /** A rollback that was ordered and has not begun; null when none was. */
  rollBackWanted: z
    .object({ to: z.string().nullable(), replaceOthers: z.boolean(), reason: z.string(), by: z.string().nullable() })
    .nullable(),
  /** Workflow id of the rollback that is running, which may be beside a cycle. */
  rollBack: z.string().nullable(),
  /** How the last rollback ended, in a sentence. */
  lastRollBack: z.string().nullable(),
  orders: z.int(),
  signals: z.object({ applied: z.int(), duplicates: z.int(), rejected: z.int() }),
  /** Reasons of the last rejected messages. */
  rejected: z.array(z.string()),
  /** Hashes of the update ids seen last, oldest first. */
  window: z.array(z.string()),
});
export type PipelineState = z.infer<typeof pipelineStateSchema>;

export const pipelineInputSchema = pipelineSchema.safeExtend({
  /** Set by continue-as-new only. */
  carried: pipelineStateSchema.optional(),
});
export type PipelineInput = z.infer<typeof pipelineInputSchema>;
