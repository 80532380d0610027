import { createHash } from "node:crypto";
import { z } from "zod";
import { TypedFailure } from "../../domain/failures.ts";
import { objectKeys } from "../../domain/object-keys.ts";
import type { ObjectStore, ObjectSummary } from "../../ports.ts";

/** Bytes kept of the hash of an object's key and ETag: enough to tell a million objects apart. */
const markBytes = 8;
/** Objects remembered in the cursor itself; more of them go to a file in the store, and the cursor names it. */
const marksInline = 8;

/**
 * Where a pass over a prefix ended. Objects may arrive in any order of names and times, so a cursor remembers which
 * ones were read, not how far: nothing is skipped. `partial` is an object read up to a line.
 */
export const s3CursorSchema = z.object({
  marks: z.string().optional(),
  file: z
    .string()
    .regex(/^cursors\/[a-z0-9-]+\/[0-9a-f]{64}\.bin$/)
    .optional(),
  partial: z.object({ key: z.string(), etag: z.string(), lines: z.int() }).optional(),
});
export type S3Cursor = z.infer<typeof s3CursorSchema>;

/** Stands for an object in this state; another one when it changes. */
export function markOf({ key, etag }: ObjectSummary): string {
  return createHash("sha256").update(`${key}\n${etag}`).digest().subarray(0, markBytes).toString("base64url");
}

/** The objects read. Throws NotFound when the file that lists them is gone. */
export async function loadMarks(own: ObjectStore, cursor: S3Cursor): Promise<string[]> {
  const packed = cursor.marks === undefined ? null : Buffer.from(cursor.marks, "base64url");
  const bytes = packed ?? (cursor.file === undefined ? Buffer.alloc(0) : (await own.get(cursor.file))?.body);
  if (bytes === undefined) {
    throw new TypedFailure(
      "NotFound",
      `${cursor.file}: the list of objects read is gone; start the source without its cursor`,
    );
  }
  const marks: string[] = [];
  for (let at = 0; at < bytes.length; at += markBytes)
    marks.push(bytes.subarray(at, at + markBytes).toString("base64url"));
  return marks;
}

/** What a cursor holds of the objects read. */
export async function saveMarks(
  own: ObjectStore,
  source: string,
  marks: string[],
): Promise<Pick<S3Cursor, "marks" | "file">> {
  const bytes = Buffer.concat(marks.toSorted().map((mark) => Buffer.from(mark, "base64url")));
  if (marks.length <= marksInline) return { marks: bytes.toString("base64url") };
  const file = objectKeys.cursor(source, createHash("sha256").update(bytes).digest("hex"));
  await own.put(file, bytes);
  return { file };
}
