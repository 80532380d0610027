import { z } from "zod";
import { mappingSchema, type Mapping } from "./mapping-schema.ts";
import { requestFields, secretNameSchema, webAddressSchema } from "./source-fields-schema.ts";

/** Threads that somebody answered: who asked is the user, everybody else the assistant. */
export const slackMapping: Mapping = {
  where: { path: "replies.0", exists: true },
  messages: [
    { role: "user", text: "{text|}" },
    {
      each: "replies",
      role: { user: { path: "user", sameAs: "$.user" }, otherwise: "assistant" },
      text: "{text|}",
    },
  ],
  author: "{user}",
  group: "{channel}-{ts}",
  labels: {
    channel: "{channel}",
    reactions: "{all_reactions.*.name}",
    solved: { path: "all_reactions.*.name", contains: "white_check_mark" },
  },
};

/** Channels of a Slack workspace: an item for each thread and for each message that nobody answered. */
export const slackSourceSchema = z.strictObject({
  ...requestFields,
  kind: z.literal("slack"),
  /** Names the variable that holds the bot token, `xoxb-...`. */
  tokenSecret: secretNameSchema,
  /** Ids, as in the channel's details or address. */
  channels: z
    .array(z.string().regex(/^[CGD][A-Z0-9]{2,30}$/, "must be the id of a channel such as C06HELP4U2X, not its name"))
    .min(1)
    .max(100)
    .refine((channels) => new Set(channels).size === channels.length, "names a channel twice"),
  /** Threads that began this many days before the newest message met are read again: they may have grown. */
  revisitDays: z.int().min(0).max(365).default(7),
  /** Where the Web API is. */
  apiUrl: webAddressSchema.default("https://slack.com/api"),
  map: mappingSchema.default(slackMapping),
});
export type SlackSource = z.infer<typeof slackSourceSchema>;
