import { z } from "zod";
import { comparisonSchema } from "./comparison-schema.ts";
import { decisionPolicySchema } from "./decide-schema.ts";
import { answerCountsSchema, decisionSchema } from "./decision-schema.ts";
import { evaluateSchema, metricChoiceSchema } from "./evaluate-schema.ts";
import { testSetSchema } from "./evaluation-schema.ts";
import { judgedSchema } from "./judgement-schema.ts";
import { chosenCheckpointSchema } from "./model-version-schema.ts";

/** An object and what it was: sha256 in hexadecimal of its bytes. */
export const hashedObjectSchema = z.object({ key: z.string(), sha256: z.string().regex(/^[0-9a-f]{64}$/) });
export type HashedObject = z.infer<typeof hashedObjectSchema>;

/** One model and what it answered. */
export const decidedArmSchema = z.object({
  name: z.enum(["champion", "challenger", "base", "base-few-shot"]),
  model: z.string(),
  /** Key of the evaluation; null where the model could not be asked. */
  evaluation: z.string().nullable(),
  /** Its predictions, in the order of the questions. */
  predictions: z.array(hashedObjectSchema),
  answers: answerCountsSchema,
  /** Why it could not be asked; null where it was. */
  failure: z.string().nullable(),
  /** `model.json`; null for a model that was not trained here. */
  manifest: hashedObjectSchema.nullable(),
  /** `choice.json`, and what it says of which checkpoint answers; null where there was nothing to choose. */
  checkpoint: hashedObjectSchema.extend({ chosen: chosenCheckpointSchema }).nullable(),
});
export type DecidedArm = z.infer<typeof decidedArmSchema>;

/** What a judge was asked about one model's answers, and the objects of its replies. */
export const decidedJudgementSchema = judgedSchema.extend({ replies: z.array(hashedObjectSchema) });
export type DecidedJudgement = z.infer<typeof decidedJudgementSchema>;

/** The program that decided. */
export const codeVersionSchema = z.object({
  version: z.string(),
  /** Of git; null when that is not known. */
  commit: z.string().nullable(),
});
export type CodeVersion = z.infer<typeof codeVersionSchema>;

/**
 * The record of a decision, `decisions/<cycle>.json`, which never changes. Everything that the decision rests on is named
 * with its hash, so that anybody can make it again from the same objects.
 */
export const decisionRecordSchema = z.object({
  format: z.literal(1),
  cycle: z.string(),
  pipeline: z.string(),
  decidedAt: z.iso.datetime({ offset: true }),
  code: codeVersionSchema,
  testSet: testSetSchema,
  arms: z.array(decidedArmSchema).min(1),
  /** What judges said of the answers; empty where none was asked. */
  judgements: z.array(decidedJudgementSchema),
  /** Why a judge could not be asked; null where none was wanted, or all were. */
  judgeFailure: z.string().nullable(),
  /** Names seen in training data, which some metrics need. */
  vocabulary: hashedObjectSchema,
  /** Packs of one's own with the hash of their code. */
  packs: z.array(metricChoiceSchema).min(1),
  /** How the metrics were taken: fields by whose values they are also given, and prices of tokens. */
  slices: evaluateSchema.shape.slices,
  prices: evaluateSchema.shape.prices,
  policy: decisionPolicySchema,
  comparisons: z.array(comparisonSchema),
  decision: decisionSchema,
});
export type DecisionRecord = z.infer<typeof decisionRecordSchema>;
