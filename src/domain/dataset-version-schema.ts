import { z } from "zod";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.int().min(0);

/** The three splits of a dataset; a record's group decides its split once and for all. */
export const splitNameSchema = z.enum(["train", "valid", "test"]);
export type SplitName = z.infer<typeof splitNameSchema>;

/** Shares of the groups that records were split by; the rest is for training. Equal in all versions of a dataset. */
export const sharesSchema = z.object({ valid: z.number(), test: z.number() });

/** One immutable, content-addressed object of clean records: gzip of one JSON record per line. */
export const partSchema = z.object({
  key: z.string(),
  /** sha256 (hex) of the object's bytes, that is, of the gzip. */
  sha256,
  split: splitNameSchema,
  records: count,
  source: z.string(),
  bytes: count,
});
export type Part = z.infer<typeof partSchema>;

/** What became of the items one source delivered for one version: received = accepted + quarantined + duplicates. */
export const sourceCountsSchema = z.object({
  received: count,
  accepted: count,
  quarantined: count,
  duplicates: count,
});
export type SourceCounts = z.infer<typeof sourceCountsSchema>;

/**
 * Immutable manifest of a dataset version, `datasets/<name>/versions/<000012>.json`, written last.
 * `records` is cumulative over all parts; `perSource` is what this version added.
 */
export const datasetVersionSchema = z.object({
  format: z.literal(1),
  dataset: z.string(),
  version: z.int().min(1),
  parent: z.int().min(1).nullable(),
  createdAt: z.iso.datetime({ offset: true }),
  /** sha256 (hex) over the parent's hash, the parts added and all else but format, version and time: equal hash = the same commit. */
  contentHash: sha256,
  records: z.object({ train: count, valid: count, test: count }),
  split: sharesSchema,
  perSource: z.record(z.string(), sourceCountsSchema),
  /** Sources that gave nothing to this version because they failed, with the reason. */
  failedSources: z.record(z.string(), z.string()),
  parts: z.array(partSchema),
  /** Lists of the 16-byte ids of all records, in the order of `parts`: how later versions find duplicates. */
  ids: z.array(z.object({ key: z.string(), records: count })),
  /** Keys of the batches this version took in: how a repeated commit recognises its own. */
  batches: z.array(z.string()),
  /** Per source, where its next pass starts: opaque to all but its reader. */
  cursors: z.record(z.string(), z.string()),
});
export type DatasetVersion = z.infer<typeof datasetVersionSchema>;
