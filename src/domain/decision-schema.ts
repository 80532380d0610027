import { z } from "zod";
import { decideSchema } from "./pipeline-schema.ts";

/** One metric of both models on the same records, for a decision: a failed answer counts as wrong. */
export const comparisonSchema = z.object({
  metric: z.string(),
  /** Records that both models were asked. */
  total: z.int().min(0),
  championRight: z.int().min(0).nullable(),
  challengerRight: z.int().min(0),
  /** Challenger right, champion wrong. */
  gained: z.int().min(0),
  /** Champion right, challenger wrong. */
  lost: z.int().min(0),
});
export type Comparison = z.infer<typeof comparisonSchema>;

/** How many questions a model was asked, and how many of them got no answer. */
export const answerCountsSchema = z.object({ asked: z.int().min(0), failed: z.int().min(0) });
export type AnswerCounts = z.infer<typeof answerCountsSchema>;

export const outcomeSchema = z.enum(["promote", "keep", "inconclusive"]);
export type Outcome = z.infer<typeof outcomeSchema>;

/** What was decided and why; `reasons` are sentences for people. */
export const decisionSchema = z.object({
  outcome: outcomeSchema,
  reasons: z.array(z.string()).min(1),
});
export type Decision = z.infer<typeof decisionSchema>;

/** The stored record of a decision, `decisions/<cycle>.json`: `comparisons`, `answers` and `policy` are all it rests on. */
export const decisionRecordSchema = z.object({
  format: z.literal(1),
  cycle: z.string(),
  pipeline: z.string(),
  decidedAt: z.iso.datetime({ offset: true }),
  champion: z.string().nullable(),
  challenger: z.string(),
  testSet: z.string(),
  /** Evaluation keys, whose predictions lie under `evaluations/<key>/`. */
  evaluations: z.object({ champion: z.string().nullable(), challenger: z.string() }),
  vocabulary: z.string(),
  policy: decideSchema,
  comparisons: z.array(comparisonSchema),
  answers: z.object({ champion: answerCountsSchema.nullable(), challenger: answerCountsSchema }),
  decision: decisionSchema,
});
export type DecisionRecord = z.infer<typeof decisionRecordSchema>;
