import { z } from "zod";

/** What a judge replied to one request. A line of `evaluations/<key>/judge-<judge>-<shard>.jsonl`. */
export const judgementSchema = z.object({
  /** Of the record. */
  id: z.string(),
  /** alone: one answer was scored; the others say whose answer was shown first. */
  order: z.enum(["alone", "champion-first", "challenger-first"]),
  /** sha256 (hex) of record, judge and what was asked: that is not sent again. Its first half is the token of the request. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  /** As it came, cut after 10,000 characters; null where none came. */
  reply: z.string().nullable(),
  /** Why none came; null where one did. */
  error: z.string().nullable(),
  promptTokens: z.int().min(0).nullable(),
  completionTokens: z.int().min(0).nullable(),
});
export type Judgement = z.infer<typeof judgementSchema>;

/** What a judge was asked of the answers of one model, and how that went. */
export const judgedSchema = z.object({
  /** Names the objects of the replies: hash over the judge, what it goes by, and against which evaluation. */
  judge: z.string(),
  /** Key of the evaluation that was judged. */
  evaluation: z.string(),
  /** Key of the champion's evaluation that it was compared with; null where each answer was scored alone. */
  against: z.string().nullable(),
  shards: z.int().min(1),
  /** Requests, those of earlier times included. */
  asked: z.int().min(0),
  /** Those of them without a reply that could be read. */
  failed: z.int().min(0),
});
export type Judged = z.infer<typeof judgedSchema>;
