import { z } from "zod";
import { alertsSchema } from "./alert-choice-schema.ts";
import { testSetSchema } from "./evaluation-schema.ts";

export const aliasSchema = z.enum(["champion", "challenger"]);
export type Alias = z.infer<typeof aliasSchema>;

/** Who moves traffic; a lock whose workflow has ended is taken over. */
export const rolloutLockSchema = z.object({
  workflowId: z.string(),
  runId: z.string(),
  acquiredAt: z.iso.datetime({ offset: true }),
  /** Whether it is over soon, since no users meet a challenger step by step: it is waited for. Left out, it is not. */
  isBrief: z.boolean().optional(),
});

/** The newest cycle that was started, so that a pipeline started anew knows what was tried. */
export const lastCycleSchema = z.object({
  workflowId: z.string(),
  datasetVersion: z.int().min(1),
  repeat: z.int().min(1),
  /** Records of all splits in that dataset version. */
  records: z.int().min(0),
});
export type LastCycle = z.infer<typeof lastCycleSchema>;

/** The test set of all cycles and what it was made from. */
export const frozenTestSetSchema = testSetSchema.extend({
  /** `s3://` URI; null for the test split of a dataset version. */
  uri: z.string().nullable(),
  /** `s3://` URI of the questions of old skills in it; null for none. */
  retention: z.string().nullable(),
});
export type FrozenTestSet = z.infer<typeof frozenTestSetSchema>;

/** `registry/<name>.json`: which model version is what, and how it came to be; written by If-Match only. */
export const registrySchema = z.object({
  format: z.literal(1),
  name: z.string(),
  champion: z.string().nullable(),
  challenger: z.string().nullable(),
  lock: rolloutLockSchema.nullable(),
  testSet: frozenTestSetSchema.nullable(),
  lastCycle: lastCycleSchema.nullable(),
  /** Whom the newest cycle tells, for those who find later what it has left behind. */
  alerts: alertsSchema,
  /** Every move of an alias, oldest first. */
  history: z.array(
    z.object({
      at: z.iso.datetime({ offset: true }),
      alias: aliasSchema,
      from: z.string().nullable(),
      to: z.string().nullable(),
      workflowId: z.string(),
      reason: z.string(),
    }),
  ),
});
export type Registry = z.infer<typeof registrySchema>;
