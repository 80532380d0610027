import { z } from "zod";
import { mappingSchema, type Mapping } from "./mapping-schema.ts";
import { requestFields, secretNameSchema, webAddressSchema } from "./source-fields-schema.ts";

/** Chains of replies: who began is the user, everybody else the assistant. */
export const discordMapping: Mapping = {
  where: { path: "replies.0", exists: true },
  messages: [
    { role: "user", text: "{content|}" },
    {
      each: "replies",
      role: { user: { path: "author.id", sameAs: "$.author.id" }, otherwise: "assistant" },
      text: "{content|}",
    },
  ],
  author: "{author.id}",
  group: "{channel_id}-{root_id}",
  labels: {
    channel: "{channel_id}",
    reactions: "{all_reactions.*.name}",
    solved: { path: "all_reactions.*.name", contains: "✅" },
  },
};

const snowflakeSchema = z
  .string()
  .regex(/^\d{15,20}$/, 'must be the id of a channel in quotes, such as "1457300000000000000"');

/** Channels of Discord: an item for each message that nobody replied to, with all it replies to. */
export const discordSourceSchema = z.strictObject({
  ...requestFields,
  kind: z.literal("discord"),
  /** Names the variable that holds the bot's token. */
  tokenSecret: secretNameSchema,
  channels: z
    .array(snowflakeSchema)
    .min(1)
    .max(100)
    .refine((channels) => new Set(channels).size === channels.length, "names a channel twice"),
  /** Messages of this many days before the newest one met are read again: they may have been answered. */
  revisitDays: z.int().min(0).max(365).default(2),
  /** Where the API is. */
  apiUrl: webAddressSchema.default("https://discord.com/api/v10"),
  map: mappingSchema.default(discordMapping),
});
export type DiscordSource = z.infer<typeof discordSourceSchema>;
