import { z } from "zod";
import { slugSchema } from "./slug-schema.ts";

const ratio = z.number().min(0).max(1);
const seconds = z
  .number()
  .min(0)
  .max(30 * 86_400);
const percent = z.int().min(1).max(100);

/** Who must agree before a step is taken. */
const stepApprovalSchema = z.strictObject({
  deadlineSeconds: seconds.gt(0),
  /** What happens when nobody has answered by then. */
  onDeadline: z.enum(["proceed", "go-back"]).default("go-back"),
});

const fullStepSchema = z.strictObject({
  /** Share of the traffic that the challenger gets. */
  percent,
  /** How long the step is watched; the rollout's own when it is left out. */
  soakSeconds: seconds.optional(),
  /** Asked for before the step is taken; none when it is left out. */
  approval: stepApprovalSchema.optional(),
});

/** A step of a rollout; a number alone is its percent. */
const stepSchema = z.union([
  percent.transform((value): z.infer<typeof fullStepSchema> => ({ percent: value })),
  fullStepSchema,
]);

/** What must hold of the challenger while it meets users; each is a test that may be looked at as often as one likes. */
export const gatesSchema = z.strictObject({
  /** Share of rollouts of a challenger that is not worse which all gates together may send back. */
  alpha: z.number().gt(0).lt(0.5).default(0.05),
  /** The challenger's p95 on probes may be this many times the champion's at the same time, and `slackMs` more; null for no gate. */
  latency: z
    .strictObject({ maxRatio: z.number().min(1).max(100).default(2), slackMs: z.number().min(0).default(100) })
    .nullable()
    .prefault({}),
  /** Loss on probe questions that is allowed, as a ratio of those answered right; null for no gate. */
  quality: z
    .strictObject({ margin: ratio.lt(1).default(0.05) })
    .nullable()
    .prefault({}),
  /** Loss in users' feedback that is allowed, and how many opinions each share of the traffic needs before it passes; null for no gate. */
  feedback: z
    .strictObject({ margin: ratio.lt(1).default(0), minExposure: z.int().min(0).default(0) })
    .nullable()
    .prefault({}),
  /** Gates from files of one's own, by name. */
  own: z
    .array(z.strictObject({ gate: slugSchema, options: z.record(z.string(), z.json()).default({}) }))
    .max(20)
    .default([]),
});
export type GatePolicy = z.infer<typeof gatesSchema>;

export const rolloutPolicySchema = z.strictObject({
  /** Who moves the weight: `manual`, we do, by `steps`; `automatic`, the provider by its own, and we watch and take back. */
  mode: z.enum(["manual", "automatic"]).default("manual"),
  /** Percent of traffic, rising, the last one 100; not looked at where the provider has its own. */
  steps: z
    .array(stepSchema)
    .min(1)
    .max(20)
    .refine((steps) => steps.at(-1)?.percent === 100, "the last step must be 100")
    .refine(
      (steps) => steps.every((step, index) => index === 0 || step.percent > (steps[index - 1]?.percent ?? 0)),
      "steps must rise",
    )
    .prefault([10, 50, 100]),
  /** How long each step is watched before the next. */
  soakSeconds: seconds.default(300),
  /** How long the old champion stays warm after 100 %. */
  bakeSeconds: seconds.default(3600),
  /** Time between two looks at a step. */
  probeSeconds: z.number().min(0.1).max(3600).default(30),
  /** Share of probe questions that the challenger may leave without an answer. */
  maxErrorRate: ratio.lt(1).default(0.02),
  gates: gatesSchema.prefault({}),
  /** How long a step whose gates cannot tell is held before the rollout goes back. */
  holdSeconds: seconds.default(3600),
  /** How long the service may take to give a version its share, the start of its machines included, before it goes back. */
  readySeconds: seconds.gt(0).default(7200),
});
export type RolloutPolicy = z.infer<typeof rolloutPolicySchema>;

/** How a version answered one probe question. */
const probeAnswerSchema = z.object({
  /** Null for a question that got no answer. */
  latencyMs: z.number().min(0).nullable(),
  /** From 0 (wrong) to 1 (right); null where that is not measured. */
  score: ratio.nullable(),
});

/** What one look at a rollout has seen; a line of the parts of its record. */
export const observationSchema = z.object({
  /** ISO-8601, by the clock of the worker that looked. */
  at: z.string(),
  /** The challenger's share of traffic as read back. */
  challengerPercent: z.number(),
  /** The same questions asked of both at the same time; `champion` is null where it does not serve. */
  probes: z.array(z.object({ id: z.string(), challenger: probeAnswerSchema, champion: probeAnswerSchema.nullable() })),
  /** What users said since the look before, from 0 (bad) to 1 (good), in the order given. */
  feedback: z.object({ challenger: z.array(ratio), champion: z.array(ratio) }),
  /** Key of the last object of feedback that has been read; null before the first. */
  feedbackUpTo: z.string().nullable(),
});
export type Observation = z.infer<typeof observationSchema>;

/** A line of `feedback/<pipeline>/<time>-<anything>.jsonl`: what a user said of one answer. */
export const feedbackSchema = z.object({
  /** Model version that answered. */
  model: z.string(),
  /** From 0 (bad) to 1 (good). */
  score: ratio,
});
export type Feedback = z.infer<typeof feedbackSchema>;

/** What a gate says: go on, wait, or go back. */
export const gateVerdictSchema = z.object({
  gate: z.string(),
  verdict: z.enum(["pass", "hold", "fail"]),
  /** A sentence with the numbers. */
  reason: z.string(),
});
export type GateVerdict = z.infer<typeof gateVerdictSchema>;
