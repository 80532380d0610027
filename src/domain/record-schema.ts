import { z } from "zod";

/** One chat turn in OpenAI's shape. `content` is text and not blank. */
export const messageSchema = z.object({
  role: z.enum(["system", "user", "assistant", "tool"]),
  content: z.string().refine((text) => text.trim() !== "", "is empty"),
});
export type Message = z.infer<typeof messageSchema>;

/**
 * One item of a chat-format source: `messages` as OpenAI's fine-tuning files have them; everything else is optional.
 * Unknown fields are ignored, since exports of other tools carry many.
 */
export const chatItemSchema = z.object({
  messages: z.array(messageSchema).min(1),
  id: z.string().min(1).max(200).optional(),
  receivedAt: z.iso.datetime({ offset: true }).optional(),
  author: z.string().min(1).max(200).optional(),
  group: z.string().min(1).max(200).optional(),
  labels: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
});
export type ChatItem = z.infer<typeof chatItemSchema>;

/** One training example: chat messages with where they came from. A line of a dataset part. */
export const recordSchema = z.object({
  /** sha256 (hex) of the messages: two records with one id are the same example. */
  id: z.string().regex(/^[0-9a-f]{64}$/),
  messages: z.array(messageSchema).min(1),
  source: z.string(),
  /** The item's id at its source; for a file, `<key>#<line>`. */
  sourceItem: z.string(),
  receivedAt: z.iso.datetime({ offset: true }),
  /** Keyed hash of the author, never the name. */
  author: z.string().nullable(),
  /** Decides the split; records of one group are never in two splits. Default: the record's id. */
  group: z.string(),
  labels: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
});
export type TrainingRecord = z.infer<typeof recordSchema>;
