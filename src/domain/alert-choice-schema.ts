import { z } from "zod";
import { secretNameSchema, webAddressSchema } from "./source-fields-schema.ts";

const logChoice = z.strictObject({ kind: z.literal("log") });

/** An incoming webhook: one message per end of a cycle. */
const slackWebhookChoice = z.strictObject({
  kind: z.literal("slack"),
  /** Variable that holds the webhook's address, which is a secret. */
  webhookSecret: secretNameSchema,
});

/** A bot: one thread per cycle, whose first message is kept up to date. */
const slackBotChoice = z.strictObject({
  kind: z.literal("slack"),
  /** Variable that holds the bot's token, `xoxb-...`. */
  tokenSecret: secretNameSchema,
  /** Id of the channel, such as C0123456789. */
  channel: z.string().min(1).max(100),
  /** Another address of Slack's API, such as a stand-in. */
  apiUrl: webAddressSchema.optional(),
});

const webhookChoice = z.strictObject({
  kind: z.literal("webhook"),
  url: webAddressSchema,
  /** Variable that holds the key of the signature (Standard Webhooks, `whsec_...`). */
  signingSecret: secretNameSchema,
});

/**
 * Where people are told. `slack` with `tokenSecret` and `channel` keeps one thread per cycle that is updated in place; with
 * `webhookSecret`, whose variable holds the incoming webhook's URL, it sends one message per end of a cycle. `webhook` sends
 * signed JSON to any address. Secrets are names of variables in the worker's environment.
 */
export const alertChoiceSchema = z.union([logChoice, slackWebhookChoice, slackBotChoice, webhookChoice], {
  error: ({ input }) => problemOf(input),
});
/** Of a pipeline; the log when it names none. */
export const alertsSchema = z
  .array(alertChoiceSchema)
  .max(20)
  .default([{ kind: "log" }]);

export type AlertChoice = z.infer<typeof alertChoiceSchema>;
export type SlackWebhookChoice = z.infer<typeof slackWebhookChoice>;
export type SlackBotChoice = z.infer<typeof slackBotChoice>;
export type WebhookChoice = z.infer<typeof webhookChoice>;

/** What is wrong with a choice, by the kind that it names; a union alone would say "Invalid input". */
function problemOf(input: unknown): string {
  const issue = optionFor(input)?.safeParse(input).error?.issues[0];
  if (issue === undefined) return "must be of kind log, slack or webhook";
  return issue.path.length === 0 ? issue.message : `${issue.path.join(".")}: ${issue.message}`;
}

function optionFor(input: unknown): z.ZodType | null {
  if (typeof input !== "object" || input === null || !("kind" in input)) return null;
  switch (input.kind) {
    case "log":
      return logChoice;
    case "slack":
      return "webhookSecret" in input && !("tokenSecret" in input) ? slackWebhookChoice : slackBotChoice;
    case "webhook":
      return webhookChoice;
    default:
      return null;
  }
}
