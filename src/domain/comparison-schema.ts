import { z } from "zod";

/** Lower and upper end of an interval. */
export const intervalSchema = z.object({ lower: z.number(), upper: z.number() });
export type Interval = z.infer<typeof intervalSchema>;

const common = {
  metric: z.string(),
  /** `test` for the whole test set, `retention` for the set of old skills, `labels.platform=ps5` for a slice. */
  subset: z.string(),
  unit: z.enum(["ratio", "ms", "usd", "tokens", "characters", "points"]),
  better: z.enum(["higher", "lower", "neither"]),
  /** Records that count: those that both models were asked and that have a value for this metric. */
  total: z.int().min(0),
};

const count = z.int().min(0);

/**
 * `worstCase` of a comparison is the same with everything that is missing of one model only counted against the challenger;
 * null when nothing is, without a champion, and for a metric of the missing answers themselves.
 */
const missing = {
  /** Records on which one of both models has no answer, or no value. */
  missing: count,
  /** Records that count then. */
  total: count,
};

/** Right or wrong for each record; a question without an answer counts as the metric says, which is wrong for an accuracy. */
export const binaryComparisonSchema = z.object({
  ...common,
  kind: z.literal("binary"),
  /** Records for which it holds of the champion; null without a champion. */
  championRight: count.nullable(),
  challengerRight: count,
  /** It holds of the challenger only. */
  gained: count,
  /** It holds of the champion only. */
  lost: count,
  worstCase: z
    .object({ ...missing, championRight: count, challengerRight: count, gained: count, lost: count })
    .nullable(),
});
export type BinaryComparison = z.infer<typeof binaryComparisonSchema>;

/** Challenger minus champion by resampling. */
const differenceSchema = z.object({
  value: z.number(),
  /** At 1 - alpha, for what is better. */
  twoSided: intervalSchema,
  /** At 1 - 2 alpha, whose one end is the one-sided bound of a guard. */
  oneSided: intervalSchema,
  /** Two-sided. */
  p: z.number(),
  /** Challenger over champion at 1 - 2 alpha, for margins relative to the champion; null where its value may be 0. */
  ratio: intervalSchema.nullable(),
});

/** A number for each model over all records, with seeded bootstrap intervals at the policy's alpha. */
export const numericComparisonSchema = z.object({
  ...common,
  kind: z.enum(["mean", "statistic"]),
  /** Null without a champion. */
  champion: z.number().nullable(),
  championInterval: intervalSchema.nullable(),
  challenger: z.number(),
  /** Null where some resample has no value. */
  challengerInterval: intervalSchema.nullable(),
  /** Null without a champion, and where some resample has no value. */
  difference: differenceSchema.nullable(),
  /** Without a difference where none can be told. */
  worstCase: z.object({ ...missing, difference: differenceSchema.nullable() }).nullable(),
});
export type NumericComparison = z.infer<typeof numericComparisonSchema>;

/** Which of both answers a judge preferred, asked in both orders. An answer is preferred to none without asking. */
export const preferenceComparisonSchema = z.object({
  ...common,
  kind: z.literal("preference"),
  /** The challenger's answer was preferred in both orders. */
  gained: count,
  /** The champion's answer was preferred in both orders. */
  lost: count,
  /** Records on which the judge said the same in both orders. */
  agreed: count,
  worstCase: z.object({ ...missing, gained: count, lost: count }).nullable(),
});
export type PreferenceComparison = z.infer<typeof preferenceComparisonSchema>;

/** A metric without numbers, because something is wrong with its values: no decision rests on it. */
export const unusableComparisonSchema = z.object({
  ...common,
  kind: z.literal("unusable"),
  /** A sentence without its full stop. */
  reason: z.string(),
});
export type UnusableComparison = z.infer<typeof unusableComparisonSchema>;

/** Both models on the same records, by one metric. */
export const comparisonSchema = z.discriminatedUnion("kind", [
  binaryComparisonSchema,
  numericComparisonSchema,
  preferenceComparisonSchema,
  unusableComparisonSchema,
]);
export type Comparison = z.infer<typeof comparisonSchema>;
