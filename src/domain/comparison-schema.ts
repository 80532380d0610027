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

/** Right or wrong for each record; a question without an answer counts as the metric says, which is wrong for an accuracy. */
export const binaryComparisonSchema = z.object({
  ...common,
  kind: z.literal("binary"),
  /** Records for which it holds of the champion; null without a champion. */
  championRight: z.int().min(0).nullable(),
  challengerRight: z.int().min(0),
  /** It holds of the challenger only. */
  gained: z.int().min(0),
  /** It holds of the champion only. */
  lost: z.int().min(0),
});
export type BinaryComparison = z.infer<typeof binaryComparisonSchema>;

/** A number for each model over all records, with seeded bootstrap intervals at the policy's alpha. */
export const numericComparisonSchema = z.object({
  ...common,
  kind: z.enum(["mean", "statistic"]),
  champion: z.number().nullable(),
  challenger: z.number().nullable(),
  /** Of the challenger alone, at 1 - alpha. */
  challengerInterval: intervalSchema.nullable(),
  /** Challenger minus champion; null without a champion or without enough values. */
  difference: z
    .object({
      value: z.number(),
      /** At 1 - alpha, for what is better. */
      twoSided: intervalSchema,
      /** At 1 - 2 alpha, whose lower end is the one-sided bound of a guard. */
      oneSided: intervalSchema,
      p: z.number(),
    })
    .nullable(),
});
export type NumericComparison = z.infer<typeof numericComparisonSchema>;

/** Which of both answers a judge preferred, asked in both orders. */
export const preferenceComparisonSchema = z.object({
  ...common,
  kind: z.literal("preference"),
  /** The challenger's answer was preferred in both orders. */
  gained: z.int().min(0),
  /** The champion's answer was preferred in both orders. */
  lost: z.int().min(0),
  /** Records on which the judge said the same in both orders. */
  agreed: z.int().min(0),
});
export type PreferenceComparison = z.infer<typeof preferenceComparisonSchema>;

/** Both models on the same records, by one metric. */
export const comparisonSchema = z.discriminatedUnion("kind", [
  binaryComparisonSchema,
  numericComparisonSchema,
  preferenceComparisonSchema,
]);
export type Comparison = z.infer<typeof comparisonSchema>;
