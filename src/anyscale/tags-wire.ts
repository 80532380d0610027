/** Wire shapes of tags; see `wire.ts`. */
import { z } from "zod";

/** What can have tags. */
export type TaggedResource = "job" | "service" | "job_queue";

/** All tags of one resource. */
export const resourceTagsSchema = z.object({
  tags: z.array(z.object({ key: z.string(), value: z.string() })).nullish(),
});
