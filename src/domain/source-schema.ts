import { z } from "zod";
import { customSourceSchema } from "./custom-source-schema.ts";
import { discordSourceSchema } from "./discord-source-schema.ts";
import { githubDiscussionsSourceSchema, githubSourceSchema } from "./github-source-schema.ts";
import { httpSourceSchema } from "./http-source-schema.ts";
import { mappingSchema } from "./mapping-schema.ts";
import { postgresSourceSchema } from "./postgres-source-schema.ts";
import { slackSourceSchema } from "./slack-source-schema.ts";
import { sourceFields } from "./source-fields-schema.ts";
import { zendeskSourceSchema } from "./zendesk-source-schema.ts";

/** Every new object under a prefix: JSONL, plain or gzip (`.gz`), `.csv`, `.csv.gz` and `.parquet`. */
const s3JsonlSourceSchema = z.strictObject({
  ...sourceFields,
  kind: z.literal("s3-jsonl"),
  /** `s3://bucket/prefix/`; the bucket may be another one than Tuneloop's own. */
  uri: z.string().regex(/^s3:\/\/[a-z0-9][a-z0-9.-]+\/.*$/, "must be s3://bucket/prefix"),
  /** Without one, lines and rows must be chat records already. */
  map: mappingSchema.optional(),
});

/** Where feedback comes from; `kind` picks the reader. */
export const sourceSchema = z.discriminatedUnion("kind", [
  s3JsonlSourceSchema,
  httpSourceSchema,
  slackSourceSchema,
  zendeskSourceSchema,
  githubSourceSchema,
  githubDiscussionsSourceSchema,
  discordSourceSchema,
  postgresSourceSchema,
  customSourceSchema,
]);
export type SourceDefinition = z.infer<typeof sourceSchema>;
/** A source of one kind. */
export type SourceOf<Kind extends SourceDefinition["kind"]> = Extract<SourceDefinition, { kind: Kind }>;
