import { z } from "zod";
import { mappingSchema, type Mapping } from "./mapping-schema.ts";
import { requestFields, secretNameSchema, webAddressSchema } from "./source-fields-schema.ts";

/** Public comments of tickets: customers' are the user's, agents' the assistant's. */
export const zendeskMapping: Mapping = {
  messages: [
    {
      each: "comments",
      where: { path: "public", equals: true },
      role: { user: { path: "author.role", equals: "end-user" }, otherwise: "assistant" },
      text: "{plain_body|}",
    },
  ],
  author: "{requester_id}",
  group: "{id}",
  labels: {
    status: "{status}",
    tags: "{tags}",
    satisfaction: "{satisfaction_rating.score}",
  },
};

const statuses = ["new", "open", "pending", "hold", "solved", "closed"] as const;

/** Tickets of a Zendesk account with their comments. */
export const zendeskSourceSchema = z.strictObject({
  ...requestFields,
  kind: z.literal("zendesk"),
  /** The account: `https://acme.zendesk.com`. */
  url: webAddressSchema,
  /** Names the variable that holds an API token, or an OAuth access token when there is no `email`. */
  tokenSecret: secretNameSchema,
  /** Whose API token it is: an administrator's. */
  email: z.email().optional(),
  /** Tickets in another state wait until they are in one of these; their comments are not asked for. */
  statuses: z.array(z.enum(statuses)).min(1).default(["solved", "closed"]),
  map: mappingSchema.default(zendeskMapping),
});
export type ZendeskSource = z.infer<typeof zendeskSourceSchema>;
