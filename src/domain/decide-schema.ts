import { z } from "zod";

const ratio = z.number().min(0).max(1);

/** A metric that may not get worse by more than a margin, as a test of non-inferiority at alpha. */
export const guardSchema = z
  .strictObject({
    metric: z.string().min(1),
    /** In the metric's own unit: 0.02 of an accuracy is 2 points. */
    margin: z.number().min(0).optional(),
    /** Share of the champion's value, for latency and cost: 0.2 allows a fifth more. */
    relativeMargin: z.number().min(0).max(100).optional(),
    /** `test`, `retention`, or a slice such as `labels.platform=ps5`. */
    on: z.string().min(1).default("test"),
  })
  .refine((guard) => (guard.margin === undefined) !== (guard.relativeMargin === undefined), {
    message: "give either margin or relativeMargin",
    path: ["margin"],
  });
export type Guard = z.infer<typeof guardSchema>;

/** Who must agree before a challenger that has won is rolled out. */
export const approvalSchema = z.union([
  z.literal("none"),
  z.strictObject({
    deadlineSeconds: z
      .number()
      .gt(0)
      .max(30 * 86_400),
    /** What happens when nobody has answered by then. */
    onDeadline: z.enum(["promote", "keep"]).default("keep"),
  }),
]);

export const decideSchema = z.strictObject({
  /** Metric that the challenger must be better at; `auto` takes that of the metric pack. */
  primary: z.string().min(1).default("auto"),
  /** Gain on the primary metric, in its unit, below which a better challenger is not worth a change. */
  minGain: z.number().min(0).default(0.01),
  alpha: z.number().gt(0).lt(0.5).default(0.05),
  /** A first champion's primary metric must be above this, by the lower end of its interval at 1 - alpha. */
  floor: z.number().default(0.4),
  /** `auto` takes those of the metric pack. */
  guards: z.union([z.literal("auto"), z.array(guardSchema).max(50)]).default("auto"),
  /** A model that leaves a larger share of its questions without an answer is out of order, not worse. */
  unanswered: z
    .strictObject({ maxRatio: ratio.default(0.05), outcome: z.enum(["inconclusive", "keep"]).default("inconclusive") })
    .prefault({}),
  approval: approvalSchema.default("none"),
});
export type DecideChoice = z.infer<typeof decideSchema>;

/** A decision policy with nothing left to choose. */
export const decisionPolicySchema = decideSchema.extend({ guards: z.array(guardSchema) });
export type DecisionPolicy = z.infer<typeof decisionPolicySchema>;
