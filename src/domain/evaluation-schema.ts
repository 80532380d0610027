import { z } from "zod";
import { messageSchema } from "./record-schema.ts";

/** A question of a frozen test set. A line of `testsets/<name>/<sha256>.jsonl`. */
export const testRecordSchema = z.object({
  /** sha256 (hex) of question and answer. */
  id: z.string(),
  question: z.array(messageSchema).min(1),
  expected: z.string(),
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
  error: z.string().nullable(),
  latencyMs: z.number(),
});
export type Prediction = z.infer<typeof predictionSchema>;

/** What an evaluation found. */
export const evaluationSchema = z.object({
  /** Hash over model version, test set, prompt and sampling: the same question is never paid for twice. */
  key: z.string(),
  model: z.string(),
  testSet: testSetSchema,
  shards: z.int().min(1),
  records: z.int().min(1),
  failed: z.int().min(0),
  metrics: z.record(z.string(), z.number().nullable()),
});
export type Evaluation = z.infer<typeof evaluationSchema>;
