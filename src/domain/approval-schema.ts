import { z } from "zod";

/** What became of the question whether a challenger that has won may be rolled out. */
export const approvalAnswerSchema = z.enum(["approved", "rejected", "deadline"]);
export type ApprovalAnswer = z.infer<typeof approvalAnswerSchema>;

/** An answer: by a person with a reason, or by the deadline that has passed. */
export const givenAnswerSchema = z.object({
  answer: approvalAnswerSchema,
  /** Who answered; null for the deadline. */
  by: z.string().nullable(),
  reason: z.string(),
  /** ISO-8601. */
  at: z.string(),
});
export type GivenAnswer = z.infer<typeof givenAnswerSchema>;

/** A cycle that waits for an answer, or has had one. */
export const awaitedApprovalSchema = z.object({
  /** Model version that waits, such as `games-12`. */
  cycle: z.string(),
  /** Of the cycle. */
  workflowId: z.string(),
  /** ISO-8601; what happens then is `onDeadline`. */
  until: z.string(),
  onDeadline: z.enum(["promote", "keep"]),
  /** The first answer, which counts; null as long as there is none. */
  answer: givenAnswerSchema.nullable(),
});
export type AwaitedApproval = z.infer<typeof awaitedApprovalSchema>;

/** `decisions/<cycle>.approval.json`: the one answer that a decision has had; never written twice. */
export const approvalRecordSchema = givenAnswerSchema.extend({
  format: z.literal(1),
  cycle: z.string(),
  pipeline: z.string(),
  /** The record that was agreed to, as it was then. */
  decision: z.object({ key: z.string(), sha256: z.string() }),
  /** What the cycle does: roll the challenger out, or keep the champion. */
  outcome: z.enum(["promote", "keep"]),
});
export type ApprovalRecord = z.infer<typeof approvalRecordSchema>;
