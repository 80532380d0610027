import { z } from "zod";

/** How many questions a model was asked, and how many of them got no answer. */
export const answerCountsSchema = z.object({ asked: z.int().min(0), failed: z.int().min(0) });
export type AnswerCounts = z.infer<typeof answerCountsSchema>;

export const outcomeSchema = z.enum(["promote", "keep", "inconclusive"]);
export type Outcome = z.infer<typeof outcomeSchema>;

/** What was decided and why, in sentences for people. */
export const decisionSchema = z.object({
  outcome: outcomeSchema,
  reasons: z.array(z.string()).min(1),
  /** What would change the answer, such as how many records would tell; empty when nothing is known that would. */
  wouldChange: z.array(z.string()),
});
export type Decision = z.infer<typeof decisionSchema>;

/** What each of both models was asked, and left without an answer; null for a model that there is not. */
export interface ArmAnswers {
  champion: AnswerCounts | null;
  challenger: AnswerCounts | null;
}
