import { z } from "zod";

const count = z.int().min(0);

/** How far the reading of one source is, as its worker said last. */
export const sourceProgressSchema = z.object({
  /** Items so far. */
  received: count,
  perSecond: z.number().min(0),
  /** Until its end; null when the source cannot tell how much there is. */
  etaSeconds: z.number().min(0).nullable(),
});
export type SourceProgress = z.infer<typeof sourceProgressSchema>;

/** How far an update of a dataset is with its sources. Names of sources are given for the first 20 only. */
export const readingSchema = z.object({
  sources: count,
  /** Sources that were read to the end, or to the deadline. */
  read: count,
  failed: count,
  /** Items of the sources that were read. */
  received: count,
  /** Sources that are being read. */
  perSource: z.record(z.string(), sourceProgressSchema),
  /** Why sources failed. */
  failedSources: z.record(z.string(), z.string()),
});
export type Reading = z.infer<typeof readingSchema>;
