import { z } from "zod";
import { cycleOutcomeSchema } from "./report-schema.ts";

/** What people are told of: every end of a cycle, what needs somebody, and how far a cycle is. */
export const alertKindSchema = z.enum([
  ...cycleOutcomeSchema.options,
  /** A cycle could not begin. */
  "not-begun",
  /** A challenger has won and waits for somebody to agree. */
  "approval-wanted",
  /** A rollout's step is held, for its gates cannot tell. */
  "rollout-held",
  /** A rollout's step waits for somebody to agree. */
  "step-approval-wanted",
  /** A rollout that users had met goes back. */
  "rollout-back",
  /** A rollout goes back and the service does not obey. */
  "rollback-fails",
  /** The champion has all traffic again and does not answer. */
  "champion-silent",
  /** The janitor has ended what belonged to nobody. */
  "reaped",
  /** The janitor cannot end what belongs to nobody, or cannot look whether there is such. */
  "not-reaped",
  /** A dataset update that a pipeline started has failed. */
  "update-failed",
  /** Sources failed that were read well before. */
  "sources-failed",
  /** A pipeline cannot read its dataset or registry. */
  "unreadable",
  /** A cycle has come to its next phase; only for those who keep one message up to date. */
  "phase",
  /** Somebody tries whether alerts get through. */
  "test",
]);
export type AlertKind = z.infer<typeof alertKindSchema>;

/** Something people are told, as it is sent. Texts hold ids and numbers, never records or secrets. */
export const alertSchema = z.object({
  format: z.literal(1),
  kind: alertKindSchema,
  severity: z.enum(["info", "warning", "error"]),
  /** Pipeline it is about. */
  pipeline: z.string(),
  /** Cycle it is about, such as `games-12`; null for what is about none. */
  cycle: z
    .string()
    .regex(/^[a-z0-9-]+(\.\d+)?$/, "must be a cycle such as games-12")
    .nullable(),
  /** Workflow it is about, and its run; null for the newest. */
  workflowId: z.string(),
  runId: z.string().nullable(),
  /** When it happened, ISO-8601. */
  at: z.iso.datetime(),
  /** One line. */
  title: z.string(),
  /** Sentences, one per element. */
  text: z.array(z.string()),
  /** Numbers and names for a glance. */
  facts: z.array(z.object({ name: z.string(), value: z.string() })),
  /** What to do next: commands as they can be typed. */
  next: z.array(z.object({ what: z.string(), command: z.string() })),
  /** `https://` and `s3://` addresses. */
  links: z.array(z.object({ name: z.string(), uri: z.string() })),
});
export type Alert = z.infer<typeof alertSchema>;
