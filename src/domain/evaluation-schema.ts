import { z } from "zod";
import { messageSchema, recordSchema } from "./record-schema.ts";

/** A question of a frozen test set. A line of `testsets/<name>/<sha256>.jsonl`. */
export const testRecordSchema = z.object({
  /** sha256 (hex) of question and answer. */
  id: z.string(),
  /** `retention` asks for old skills that must not be forgotten; everything else is `test`. */
  set: z.enum(["test", "retention"]),
  question: z.array(messageSchema).min(1),
  expected: z.string(),
  /** Null for a record of a file that somebody wrote, which comes from no source. */
  source: z.string().nullable(),
  /** Keyed hash of the author, never the name. */
  author: z.string().nullable(),
  group: z.string(),
  labels: recordSchema.shape.labels,
});
export type TestRecord = z.infer<typeof testRecordSchema>;

/** A frozen test set: immutable, named by its content. */
export const testSetSchema = z.object({
  key: z.string(),
  sha256: z.string(),
  records: z.int().min(1),
});
export type TestSet = z.infer<typeof testSetSchema>;

/** What a model answered to one question. `answer` is null when the request failed for good. */
export const predictionSchema = z.object({
  id: z.string(),
  expected: z.string(),
  answer: z.string().nullable(),
  /** Why there is no answer; null when there is one. */
  error: z.string().nullable(),
  /**
   * What failed, where there is no answer: the question or its answer, which asking again would not change; the endpoint,
   * which refused to answer anybody; or a request, which a later evaluation repeats.
   */
  failure: z.enum(["unusable", "refused", "unavailable"]).optional(),
  /** Of the request that was answered; 0 when none was. */
  latencyMs: z.number(),
  /** As the endpoint counts them; null where it does not. */
  promptTokens: z.int().min(0).nullable(),
  completionTokens: z.int().min(0).nullable(),
});
export type Prediction = z.infer<typeof predictionSchema>;

/** How far the questions to one model are. */
export const askingProgressSchema = z.object({
  /** Questions of the evaluation; those that were answered before count as answered. */
  records: z.int().min(0),
  answered: z.int().min(0),
  failed: z.int().min(0),
  /** Of the last ten seconds; null until that is known. */
  perSecond: z.number().min(0).nullable(),
  /** Why the newest of the failed questions has no answer. */
  lastFailure: z.string().nullable(),
});
export type AskingProgress = z.infer<typeof askingProgressSchema>;

/** Examples that a model is shown with each question, by their content. */
export const examplesSchema = z.object({ key: z.string().min(1), sha256: z.string().min(1), count: z.int().min(1) });
export type Examples = z.infer<typeof examplesSchema>;

/** `datasets/<name>/examples/<sha256>.json`: training records that a model is shown. */
export const exampleListSchema = z.array(
  z.object({ id: z.string(), question: z.array(messageSchema).min(1), answer: z.string() }),
);

/** What an evaluation found. */
export const evaluationSchema = z.object({
  /** Hash over model version, test set, prompt and sampling: the same question is never paid for twice. */
  key: z.string(),
  /** A model version, or what the input calls an endpoint. */
  model: z.string(),
  testSet: testSetSchema,
  shards: z.int().min(1),
  /** Questions that were asked: fewer than the test set has when a sample was drawn. */
  records: z.int().min(1),
  failed: z.int().min(0),
  /** Over all that were asked: a question without an answer counts as the metric says. Null where no record counts. */
  metrics: z.record(z.string(), z.number().nullable()),
});
export type Evaluation = z.infer<typeof evaluationSchema>;
