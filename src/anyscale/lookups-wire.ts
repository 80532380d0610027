/** Wire shapes of the look-ups that precede a submit or an apply; see `wire.ts`. */
import { z } from "zod";

/** Anything that is looked up for its id alone: project, compute config. */
export const identifiedSchema = z.object({ id: z.string().min(1) });

/** The owner of the token. */
export const userSchema = z.object({ id: z.string(), email: z.string(), name: z.string() });
export type User = z.infer<typeof userSchema>;

/** A cloud; jobs and services run in one. */
export const cloudSchema = z.object({ id: z.string().min(1), name: z.string() });

/** A build of an image; the id of one that has `succeeded` never changes its meaning. */
export const buildSchema = z.object({ id: z.string().min(1), status: z.string() });

/** Where to put one file of the cloud's bucket. `file_uri` is what configs name, `url` is what receives the bytes. */
export const presignedUploadSchema = z.object({
  file_uri: z.string(),
  url: z.string(),
  file_exists: z.boolean(),
});
