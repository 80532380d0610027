import { z } from "zod";
import { intervalSchema } from "./comparison-schema.ts";
import { decisionPolicySchema } from "./decide-schema.ts";
import { givenAnswerSchema } from "./approval-schema.ts";
import { outcomeSchema } from "./decision-schema.ts";
import { evaluationSchema } from "./evaluation-schema.ts";
import { chosenCheckpointSchema } from "./model-version-schema.ts";

const count = z.int().min(0);

const measuredModelSchema = z.object({
  version: z.string(),
  metrics: z.record(z.string(), z.number().nullable()),
});

/** A share of users' traffic, in percent, for how long the challenger had it, and how often it was looked at. */
const sharedTrafficSchema = z.object({ percent: z.number(), seconds: z.number().min(0), looks: count });

/** How a cycle ended. */
export const cycleOutcomeSchema = z.enum(["promoted", "kept", "inconclusive", "rolled-back", "failed", "cancelled"]);
export type CycleOutcome = z.infer<typeof cycleOutcomeSchema>;

/** What a cycle knows of itself when it ends: small enough for history. */
export const cycleReportSchema = z.object({
  format: z.literal(1),
  cycle: z.string(),
  pipeline: z.string(),
  workflowId: z.string(),
  outcome: cycleOutcomeSchema,
  /** ISO-8601. */
  startedAt: z.string(),
  endedAt: z.string(),
  datasetVersion: z.string(),
  recordsPerSource: z.record(z.string(), z.number()),
  /** Sources without whose news the dataset version was made, and why; the first 20. */
  failedSources: z.record(z.string(), z.string()).default({}),
  job: z
    .object({ id: z.string(), url: z.string().nullable(), trainSeconds: z.number(), trainedRecords: z.number() })
    .nullable(),
  /** What the training has cost, in US dollars, as far as it was counted when the cycle ended; null when it was not. */
  costUsd: z.number().nullable().default(null),
  champion: measuredModelSchema.nullable(),
  challenger: measuredModelSchema.nullable(),
  testSet: evaluationSchema.shape.testSet.nullable(),
  decision: z
    .object({ outcome: outcomeSchema, reasons: z.array(z.string()), key: z.string(), sha256: z.string() })
    .nullable(),
  /** Who agreed to a challenger that has won, or did not; null where nobody was asked. */
  approval: givenAnswerSchema.nullable().default(null),
  /** How long the challenger had which share of users' traffic, in order; null where it met none, or was cancelled. */
  rollout: z.array(sharedTrafficSchema).nullable().default(null),
  /** Training records that ask a question of the test set; null when that was not looked at. */
  leaked: z.int().nullable(),
  /** Why the cycle did not get to its end; null when it did. */
  failure: z.string().nullable(),
  /** Seconds per phase. */
  phases: z.record(z.string(), z.number()),
});
export type CycleReport = z.infer<typeof cycleReportSchema>;

/** Who answered the questions. The base model is there for comparison and decides nothing. */
export const armNameSchema = z.enum(["base", "base-few-shot", "champion", "challenger"]);
export type ArmName = z.infer<typeof armNameSchema>;

/** One who was asked. */
export const armSchema = z.object({
  name: armNameSchema,
  model: z.string(),
  /** Key of the evaluation, whose predictions lie under `evaluations/<key>/`; null where the model could not be asked. */
  evaluation: z.string().nullable(),
  asked: count,
  /** Questions that got no answer. */
  failed: count,
  /** Why it could not be asked; null where it was. */
  failure: z.string().nullable(),
});
export type Arm = z.infer<typeof armSchema>;

/** What one arm scored by one metric, and how sure that is; the interval is null where none can be given. */
export const measuredSchema = z.object({
  /** As it is compared: a question without an answer counts as the metric says, which is wrong for an accuracy. */
  value: z.number(),
  interval: intervalSchema.nullable(),
  /** Of the answered questions alone; null where that is the same or nothing. */
  ofAnswered: z.number().nullable(),
});
export type Measured = z.infer<typeof measuredSchema>;

/** One metric on one subset of the test set. */
export const reportMetricSchema = z.object({
  metric: z.string(),
  /** A few words for people. */
  title: z.string(),
  /** `test`, `retention`, or a slice such as `labels.platform=ps5`. */
  subset: z.string(),
  unit: z.enum(["ratio", "ms", "usd", "tokens", "characters", "points"]),
  better: z.enum(["higher", "lower", "neither"]),
  kind: z.enum(["binary", "mean", "statistic", "preference"]),
  /** What the decision takes it for. */
  role: z.enum(["primary", "guard", "reported"]),
  /** Records that count. */
  total: count,
  arms: z.partialRecord(armNameSchema, measuredSchema),
  /** Challenger minus champion on the same records; null where it cannot be told. */
  difference: z
    .object({
      value: z.number(),
      interval: intervalSchema.nullable(),
      /** Of the interval, a ratio: 0.95. */
      confidence: z.number(),
    })
    .nullable(),
  /** The difference that the decision holds the interval against: the minimum gain, or the loss that a guard allows. */
  threshold: z.number().nullable(),
  /** Records that changed between right and wrong, or that a judge preferred; null for a metric of another kind. */
  changed: z.object({ gained: count, lost: count }).nullable(),
});
export type ReportMetric = z.infer<typeof reportMetricSchema>;

/** A table of one arm's answers, such as a confusion matrix. */
export const armTableSchema = z.object({
  arm: armNameSchema,
  title: z.string(),
  head: z.array(z.string()),
  rows: z.array(z.array(z.union([z.string(), z.number()]))),
});

const directionSchema = z.enum(["better", "worse"]);
export type Direction = z.infer<typeof directionSchema>;

/** A text that may have been cut for the report; the whole one is among the predictions. */
const cutTextSchema = z.object({ text: z.string(), isCut: z.boolean() });
export type CutText = z.infer<typeof cutTextSchema>;

const answerSchema = z.object({
  /** Null where none came. */
  answer: cutTextSchema.nullable(),
  /** Why none came. */
  error: z.string().nullable(),
});
export type Answer = z.infer<typeof answerSchema>;

/** A question that the challenger answered better or worse than the champion. */
export const changedAnswerSchema = z.object({
  /** Of the record in the test set. */
  id: z.string(),
  /** By the primary metric if that changed, else by most of those that did. */
  direction: directionSchema,
  /** What changed, by metric. */
  metrics: z.record(z.string(), directionSchema),
  /** What the record belongs to: `retention`, or slices such as `source=discord`. */
  subsets: z.array(z.string()),
  /** Without what all shown questions have in common. */
  question: z.array(z.object({ role: z.string(), content: cutTextSchema })),
  expected: cutTextSchema,
  champion: answerSchema,
  challenger: answerSchema,
});
export type ChangedAnswer = z.infer<typeof changedAnswerSchema>;

/** All that changed in numbers, and the most telling of it in full. */
export const changesSchema = z.object({
  better: count,
  worse: count,
  /** The system message of every shown question, when they share one. */
  instructions: cutTextSchema.nullable(),
  shown: z.array(changedAnswerSchema),
});
export type Changes = z.infer<typeof changesSchema>;

/** How one cycle of the pipeline did on the primary metric. */
export const learningPointSchema = z.object({
  cycle: z.string(),
  endedAt: z.string(),
  outcome: cycleOutcomeSchema,
  trainedRecords: count,
  /** sha256 (hex) of the test set: points of two test sets are not comparable. */
  testSet: z.string(),
  metric: z.string(),
  measured: measuredSchema,
});
export type LearningPoint = z.infer<typeof learningPointSchema>;

/** What training left behind. */
export const trainingSchema = z.object({
  recipe: z.string(),
  baseModel: z.string().nullable(),
  task: z.string(),
  taskReason: z.string().nullable(),
  /** Which of the models that it kept answers for it; null where there was nothing to choose. */
  chosen: chosenCheckpointSchema.nullable(),
  /** Training loss in order, at most 500 points of all. */
  loss: z.array(z.object({ step: count, loss: z.number() })),
});
export type Training = z.infer<typeof trainingSchema>;

/** What one source brought to the dataset version. */
export const sourceRowSchema = z.object({
  source: z.string(),
  received: count,
  accepted: count,
  duplicates: count,
  quarantined: count,
  /** Why it could not be read; null when it was. */
  failure: z.string().nullable(),
});

export const dataSchema = z.object({
  /** Cumulative, by split. */
  records: z.object({ train: count, valid: count, test: count }),
  /** The first 100 by records received. */
  sources: z.array(sourceRowSchema),
  /** Sources that are not among them. */
  otherSources: count,
  /** Why items were refused, the most frequent first. */
  quarantine: z.array(
    z.object({
      reason: z.string(),
      items: count,
      /** Where one of them is to be found. */
      example: z.string(),
    }),
  ),
  /** Refused items whose reason could not be read any more. */
  quarantineUnknown: count,
});
export type ReportData = z.infer<typeof dataSchema>;

/** A link of the chain from the data to the decision. */
export const lineageStepSchema = z.object({
  what: z.enum(["dataset version", "test set", "training job", "model version", "evaluation", "decision"]),
  name: z.string(),
  /** Object key in the bucket; null for what lies elsewhere. */
  key: z.string().nullable(),
  /** What its content is known by: sha256 (hex), or the hash in its key. */
  hash: z.string().nullable(),
});
export type LineageStep = z.infer<typeof lineageStepSchema>;

/** A metric that got better or worse beyond chance. */
const standingOutSchema = z.object({
  metric: z.string(),
  subset: z.string(),
  /** Adjusted by Holm for all that were looked at. */
  p: z.number(),
});
export type StandingOut = z.infer<typeof standingOutSchema>;

/**
 * A cycle's report as it is stored, `reports/<cycle>/report.json`; the page and the Markdown beside it are made of this and
 * nothing else. What could not be known is null or empty, and `unknown` says why.
 */
export const reportSchema = cycleReportSchema.extend({
  /** What happened, by how much, what it means: a sentence or two each. */
  headline: z.array(z.string()).length(3),
  policy: decisionPolicySchema.nullable(),
  /** What would have led to another decision, in sentences. */
  wouldChange: z.array(z.string()),
  arms: z.array(armSchema),
  /** All metrics of all subsets, the primary metric first. */
  metrics: z.array(reportMetricSchema),
  /** Which of these differ beyond chance, the surest first: any is listed wrongly with a chance of the policy's alpha at most. */
  beyondChance: z
    .object({ looked: count, better: z.array(standingOutSchema), worse: z.array(standingOutSchema) })
    .nullable()
    // Reports of before this was counted are read as well.
    .default(null),
  tables: z.array(armTableSchema),
  changes: changesSchema.nullable(),
  /** Oldest first, this cycle last. */
  learningCurve: z.array(learningPointSchema),
  training: trainingSchema.nullable(),
  data: dataSchema.nullable(),
  lineage: z.array(lineageStepSchema),
  links: z.object({
    /** Page of the workflow in Temporal's UI; null when its address is not configured. */
    workflow: z.string().nullable(),
    job: z.string().nullable(),
  }),
  /** Parts of this report that could not be made, and why. */
  unknown: z.array(z.object({ what: z.string(), reason: z.string() })),
});
export type Report = z.infer<typeof reportSchema>;
