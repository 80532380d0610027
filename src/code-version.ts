import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { CodeVersion } from "./domain/decision-record-schema.ts";

const packageSchema = z.object({ version: z.string() });
const commitPattern = /^[0-9a-f]{40,64}$/;

/** Version of this package, and the commit of git where it runs from a checkout. */
export function codeVersion(): CodeVersion {
  const root = rootAbove(dirname(fileURLToPath(import.meta.url)));
  const { version } = packageSchema.parse(JSON.parse(readFileSync(join(root, "package.json"), "utf8")));
  return { version, commit: commitOf(join(root, ".git")) };
}

function rootAbove(directory: string): string {
  if (existsSync(join(directory, "package.json")) || directory === dirname(directory)) return directory;
  return rootAbove(dirname(directory));
}

/** What HEAD points at; null where that cannot be read off its files. */
export function commitOf(gitDirectory: string): string | null {
  try {
    const head = readFileSync(join(gitDirectory, "HEAD"), "utf8").trim();
    const [, ref] = /^ref: (refs\/\S+)$/.exec(head) ?? [];
    const commit = ref === undefined ? head : (looseRef(gitDirectory, ref) ?? packedRef(gitDirectory, ref) ?? "");
    return commitPattern.test(commit) ? commit : null;
  } catch {
    return null;
  }
}

function looseRef(gitDirectory: string, ref: string): string | null {
  const file = join(gitDirectory, ref);
  return existsSync(file) ? readFileSync(file, "utf8").trim() : null;
}

function packedRef(gitDirectory: string, ref: string): string | null {
  const lines = readFileSync(join(gitDirectory, "packed-refs"), "utf8").split("\n");
  return lines.find((line) => line.endsWith(` ${ref}`))?.split(" ")[0] ?? null;
}
