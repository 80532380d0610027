import { z } from "zod";
import { outcomeSchema } from "./decision-schema.ts";
import { evaluationSchema } from "./evaluation-schema.ts";

const measuredModelSchema = z.object({
  version: z.string(),
  metrics: z.record(z.string(), z.number().nullable()),
});

/** How a cycle ended. */
export const cycleOutcomeSchema = z.enum(["promoted", "kept", "inconclusive", "rolled-back", "failed", "cancelled"]);
export type CycleOutcome = z.infer<typeof cycleOutcomeSchema>;

/** One cycle's report, `reports/<cycle>/report.json`; the Markdown beside it is made of this and nothing else. */
export const cycleReportSchema = z.object({
  format: z.literal(1),
  cycle: z.string(),
  pipeline: z.string(),
  workflowId: z.string(),
  outcome: cycleOutcomeSchema,
  /** ISO-8601. */
  startedAt: z.string(),
  endedAt: z.string(),
  datasetVersion: z.string(),
  recordsPerSource: z.record(z.string(), z.number()),
  /** Sources without whose news the dataset version was made, and why; the first 20. */
  failedSources: z.record(z.string(), z.string()).default({}),
  job: z
    .object({ id: z.string(), url: z.string().nullable(), trainSeconds: z.number(), trainedRecords: z.number() })
    .nullable(),
  /** What the training has cost, in US dollars, as far as it was counted when the cycle ended; null when it was not. */
  costUsd: z.number().nullable().default(null),
  champion: measuredModelSchema.nullable(),
  challenger: measuredModelSchema.nullable(),
  testSet: evaluationSchema.shape.testSet.nullable(),
  decision: z.object({ outcome: outcomeSchema, reasons: z.array(z.string()), key: z.string() }).nullable(),
  /** Training records that ask a question of the test set; null when that was not looked at. */
  leaked: z.int().nullable(),
  /** Why the cycle did not get to its end; null when it did. */
  failure: z.string().nullable(),
  /** Seconds per phase. */
  phases: z.record(z.string(), z.number()),
});
export type CycleReport = z.infer<typeof cycleReportSchema>;
