/** The credentials of a local stack: made at random once, kept in its state directory. */
import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { z } from "zod";

const credentialsSchema = z.object({
  /** Of the S3 server. */
  accessKeyId: z.string().min(1),
  /** Of the S3 server. */
  secretAccessKey: z.string().min(1),
  /** Of the emulator's API. */
  anyscaleToken: z.string().min(1),
});
/** What the servers of a local stack ask of their callers. */
export type StackCredentials = z.infer<typeof credentialsSchema>;

/** The credentials in this file; made, readable by its owner only, when it is not there. Throws when it holds others. */
export function loadCredentials(file: string): StackCredentials {
  const made: StackCredentials = {
    accessKeyId: randomBytes(10).toString("hex"),
    secretAccessKey: randomBytes(30).toString("base64url"),
    anyscaleToken: `aph0_${randomBytes(30).toString("base64url")}`,
  };
  try {
    writeFileSync(file, JSON.stringify(made), { mode: 0o600, flag: "wx" });
    return made;
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
  try {
    return credentialsSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (cause) {
    throw new Error(`${file} does not hold the stack's credentials; delete it to have new ones made`, { cause });
  }
}
