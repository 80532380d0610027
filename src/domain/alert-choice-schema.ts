import { z } from "zod";
import { secretNameSchema } from "./source-fields-schema.ts";

/**
 * Where people are told. `slack` with `tokenSecret` and `channel` keeps one thread per cycle that is updated in place; with
 * `webhookSecret`, whose variable holds the incoming webhook's URL, it sends one message per end of a cycle. `webhook` sends
 * signed JSON to any address. Secrets are names of variables in the worker's environment.
 */
export const alertChoiceSchema = z.union([
  z.strictObject({ kind: z.literal("log") }),
  z.strictObject({ kind: z.literal("slack"), webhookSecret: secretNameSchema }),
  z.strictObject({
    kind: z.literal("slack"),
    tokenSecret: secretNameSchema,
    channel: z.string().min(1).max(100),
    /** Another address of Slack's API, such as a stand-in. */
    apiUrl: z.url({ protocol: /^https?$/ }).optional(),
  }),
  z.strictObject({
    kind: z.literal("webhook"),
    url: z.url({ protocol: /^https?$/ }),
    /** Variable that holds the key of the signature (Standard Webhooks, `whsec_...`). */
    signingSecret: secretNameSchema,
  }),
]);
export type AlertChoice = z.infer<typeof alertChoiceSchema>;
