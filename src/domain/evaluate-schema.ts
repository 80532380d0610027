import { z } from "zod";
import { secretNameSchema, webAddressSchema } from "./source-fields-schema.ts";
import { slugSchema } from "./slug-schema.ts";

/** A metric pack, with its options, and of one that is not part of Tuneloop the hash of its file. */
const chosenPackSchema = z.strictObject({
  pack: slugSchema,
  options: z.record(z.string(), z.json()).default({}),
  /** sha256 (hex) of the file of a pack of one's own: no other file is taken for it. Set by each cycle; a definition may. */
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, "must be the sha256 of the pack's file, in hexadecimal")
    .optional(),
});

/** A metric pack by name, `functional-representation`, or with options, `{ pack: json, options: { fields: [...] } }`. */
export const metricChoiceSchema = z.union([
  slugSchema.transform((pack): z.infer<typeof chosenPackSchema> => ({ pack, options: {} })),
  chosenPackSchema,
]);
export type MetricChoice = z.infer<typeof metricChoiceSchema>;

/** An OpenAI-compatible endpoint that is not a service of ours. */
export const endpointSchema = z.strictObject({
  /** Base URL, with or without `/v1`; `/v1/chat/completions` is asked. */
  url: webAddressSchema,
  /** What its requests name as `model`. */
  model: z.string().min(1).max(200),
  /** Name of the variable in the worker's environment that holds the bearer token; none when it is left out. */
  tokenSecret: secretNameSchema.optional(),
});

const usdPerMillion = z.number().min(0).max(10_000);

export const evaluateSchema = z.strictObject({
  /** `auto` takes the pack that fits the answers of the test set. */
  metrics: z.union([z.literal("auto"), z.array(metricChoiceSchema).min(1).max(20)]).default("auto"),
  /** The base model, asked the same questions beside champion and challenger; it takes no part in the decision. */
  base: endpointSchema.nullable().default(null),
  /** Training examples shown to the base model with each question, besides asking it without any; 0 only asks without. */
  fewShot: z.int().min(0).max(32).default(0),
  /** Questions that are asked, drawn by `seed`; null asks all. */
  sampleSize: z.int().min(20).nullable().default(null),
  seed: z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .default(42),
  /** Questions in flight at one model at a time. */
  concurrency: z.int().min(1).max(1024).default(128),
  /** Requests to one model, retries included; null for no limit but `concurrency`. */
  requestsPerSecond: z.number().gt(0).max(10_000).nullable().default(null),
  /** Of one request. */
  timeoutSeconds: z.number().gt(0).max(3600).default(60),
  temperature: z.number().min(0).max(2).default(0),
  /** Longest answer in tokens; null leaves it to the endpoint. */
  maxTokens: z.int().min(1).max(1_000_000).nullable().default(null),
  /** Record fields by whose values metrics are also given, such as `source` or `labels.platform`. */
  slices: z
    .array(
      z.string().regex(/^(source|author|group|labels\.[^.=\s]+)$/, "must be source, author, group or labels.<name>"),
    )
    .max(10)
    .default([]),
  /** `s3://` URI of a chat-format JSONL file of old skills that must not be forgotten; null for none. */
  retentionSet: z
    .string()
    .regex(/^s3:\/\/.+\/.+$/, "must be s3://bucket/key")
    .nullable()
    .default(null),
  /** Prices of the served models' tokens, for `cost_per_1000`; null leaves cost out. */
  prices: z
    .strictObject({ promptUsdPerMillion: usdPerMillion, completionUsdPerMillion: usdPerMillion })
    .nullable()
    .default(null),
});
export type EvaluatePolicy = z.infer<typeof evaluateSchema>;
