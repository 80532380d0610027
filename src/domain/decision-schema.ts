import { z } from "zod";
import { comparisonSchema } from "./comparison-schema.ts";
import { decisionPolicySchema } from "./decide-schema.ts";

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
  policy: decisionPolicySchema,
  comparisons: z.array(comparisonSchema),
  answers: z.object({ champion: answerCountsSchema.nullable(), challenger: answerCountsSchema }),
  decision: decisionSchema,
});
export type DecisionRecord = z.infer<typeof decisionRecordSchema>;
