/** What files of one's own have in common, whatever port they are for. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";

/** Endings of a file that Node runs, in the order in which they are looked for. */
export const codeEndings = [".ts", ".mts", ".js", ".mjs"];

/** The file of that name in the first folder that has one; null when none has. */
export function findCode(folders: readonly string[], name: string): string | null {
  const candidates = folders.flatMap((folder) => codeEndings.map((ending) => resolve(join(folder, name + ending))));
  return candidates.find((path) => existsSync(path)) ?? null;
}

/** Errors of zod, whichever copy of it the file uses; their message as it is would be JSON. */
const issuesSchema = z.object({
  issues: z.array(z.object({ path: z.array(z.union([z.string(), z.number()])), message: z.string() })),
});

/** What the code says is wrong, in a line: of an error of zod the field and its problem. */
export function problemOf(error: unknown): string {
  const issue = issuesSchema.safeParse(error).data?.issues[0];
  const said = error instanceof Error ? error.message : String(error);
  return issue === undefined ? said : [issue.path.join("."), issue.message].filter((part) => part !== "").join(": ");
}

/** Whether an export can be called. */
export function isFunction(value: unknown): boolean {
  return typeof value === "function";
}
