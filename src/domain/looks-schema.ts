import { z } from "zod";
import { observationSchema } from "./rollout-schema.ts";

const count = z.int().min(0);
const opinions = z.array(z.number().min(0).max(1));

/** What has been seen of one comparison so far. */
export const evidenceSchema = z.object({
  observations: count,
  /** Of the differences, challenger minus champion. */
  sum: z.number(),
  /** What each stake has come to, of one unit of money each, without what is still to be given out. */
  wealth: z.array(z.number()),
});
export type Evidence = z.infer<typeof evidenceSchema>;

/** What the gates know of all looks at a rollout so far; of a size that does not grow with them. */
export const gateEvidenceSchema = z.object({
  errors: z.object({ failed: count, evidence: evidenceSchema }),
  latency: z.object({
    /** The champion's newest latencies, in milliseconds. */
    windowMs: z.array(z.number().min(0)),
    /** Answers that took longer than allowed. */
    slow: z.object({ challenger: count, champion: count }),
    evidence: evidenceSchema,
  }),
  quality: evidenceSchema,
  feedback: z.object({
    /** What users said of one version since somebody last spoke of the other. */
    pending: z.object({ challenger: opinions, champion: opinions }),
    /** Opinions of the challenger at the share of the traffic that it has. */
    atShare: z.object({ percent: z.number(), heard: count }),
    evidence: evidenceSchema,
  }),
});
export type GateEvidence = z.infer<typeof gateEvidenceSchema>;

/** The record of the looks at a rollout, `rollouts/<pipeline>/<model>/<run id>/newest.json`. */
export const looksSchema = z.object({
  format: z.literal(1),
  /** How many there were in each wait of the rollout, in the order of its view's `done`. */
  counts: z.array(count),
  /** Full parts, which lie beside this: `00001.jsonl` and so on. */
  parts: count,
  evidence: gateEvidenceSchema,
  /** What was seen since the last full part, the newest last. */
  newest: z.array(observationSchema),
});
export type Looks = z.infer<typeof looksSchema>;
