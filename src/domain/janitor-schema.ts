import { z } from "zod";

/** Who has left something behind, and what became of it. */
const ownerSchema = z.object({
  workflowId: z.string(),
  status: z.enum(["completed", "failed", "cancelled", "terminated", "not-found"]),
});

/** What nobody waits for any more. */
export const orphanSchema = z.discriminatedUnion("kind", [
  /** A training job whose workflow has ended without it. */
  z.object({
    kind: z.literal("job"),
    id: z.string(),
    name: z.string(),
    pipeline: z.string(),
    model: z.string(),
    /** When it was created, ISO-8601. */
    since: z.string(),
    owner: ownerSchema,
  }),
  /** A version beside the champion whose cycle and rollout have ended. */
  z.object({
    kind: z.literal("version"),
    service: z.string(),
    version: z.string(),
    pipeline: z.string(),
    champion: z.string().nullable(),
    /** Of the users' traffic. */
    percent: z.number(),
    owner: ownerSchema,
  }),
  /** A service with a first model that nobody made champion. */
  z.object({
    kind: z.literal("service"),
    service: z.string(),
    version: z.string(),
    pipeline: z.string(),
    owner: ownerSchema,
  }),
]);
export type Orphan = z.infer<typeof orphanSchema>;

/** Something of a pipeline that could not be looked at, and why. */
export const unreadSchema = z.object({ pipeline: z.string(), what: z.string(), reason: z.string() });
export type Unread = z.infer<typeof unreadSchema>;
