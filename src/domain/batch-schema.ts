import { z } from "zod";
import { partSchema, sharesSchema } from "./dataset-version-schema.ts";

/** A piece of a batch: written as soon as it is full, so that memory stays flat however large a source is. */
export const chunkSchema = z.object({
  /** Items as received. */
  raw: z.string(),
  /** 16-byte ids of the records of `parts`, in their order: here when they are few, else in an object of their own. */
  ids: z.union([z.object({ base64: z.string() }), z.object({ key: z.string() })]),
  quarantine: z.string().nullable(),
  parts: z.array(partSchema),
});
export type Chunk = z.infer<typeof chunkSchema>;

/** What one ingest of one source brought: immutable, referred to by the dataset version that takes it in. */
export const batchSchema = z.object({
  format: z.literal(1),
  dataset: z.string(),
  source: z.string(),
  split: sharesSchema,
  /** Where the next pass starts; null when the source had nothing and none was known. */
  cursor: z.string().nullable(),
  received: z.int().min(0),
  quarantined: z.int().min(0),
  chunks: z.array(chunkSchema),
});
export type Batch = z.infer<typeof batchSchema>;

/** Batches of many sources of one update, and those that failed: what does not fit into history. */
export const gatheredBatchesSchema = z.object({
  format: z.literal(1),
  dataset: z.string(),
  batches: z.array(z.string()),
  failedSources: z.record(z.string(), z.string()),
});
export type GatheredBatches = z.infer<typeof gatheredBatchesSchema>;
