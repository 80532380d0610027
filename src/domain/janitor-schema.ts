import { z } from "zod";

/** What nobody waits for any more. */
export const orphanSchema = z.discriminatedUnion("kind", [
  /** A training job whose workflow has ended without it. */
  z.object({
    kind: z.literal("job"),
    id: z.string(),
    name: z.string(),
    pipeline: z.string(),
    model: z.string(),
    why: z.string(),
  }),
  /** A version beside the champion whose cycle and rollout have ended. */
  z.object({
    kind: z.literal("version"),
    service: z.string(),
    version: z.string(),
    pipeline: z.string(),
    why: z.string(),
  }),
  /** A service with a first model that nobody made champion. */
  z.object({
    kind: z.literal("service"),
    service: z.string(),
    version: z.string(),
    pipeline: z.string(),
    why: z.string(),
  }),
]);
export type Orphan = z.infer<typeof orphanSchema>;
