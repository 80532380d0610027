import { z } from "zod";

/** Names people choose: pipelines, datasets, sources. They become parts of workflow ids, keys and service names. */
export const slugSchema = z.string().regex(/^[a-z0-9-]{1,40}$/, "must be 1 to 40 of a-z, 0-9 and -");

/** Every new object under a prefix, chat-format JSONL, plain or gzip (`.gz`). */
const s3JsonlSourceSchema = z.strictObject({
  id: slugSchema,
  kind: z.literal("s3-jsonl"),
  /** `s3://bucket/prefix/`; the bucket may be another one than Tuneloop's own. */
  uri: z.string().regex(/^s3:\/\/[a-z0-9][a-z0-9.-]+\/.*$/, "must be s3://bucket/prefix"),
});

/** Where feedback comes from; `kind` picks the reader. */
export const sourceSchema = z.discriminatedUnion("kind", [s3JsonlSourceSchema]);
export type SourceDefinition = z.infer<typeof sourceSchema>;
