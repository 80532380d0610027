import { readFileSync } from "node:fs";
import { chatItemSchema } from "../domain/record-schema.ts";
import { pairOf } from "../recipes/embedded/learn.ts";
import type { TextPair } from "../recipes/embedded/learn.ts";
import { UsageError } from "./usage-error.ts";

/** What a chat-format file holds. */
export interface ChatFile {
  path: string;
  pairs: TextPair[];
  /** Lines left out, in file order. */
  badLines: { line: number; reason: string }[];
}

/**
 * Reads a JSONL file of chat items; blank lines do not count. Lines that are no examples are left out and listed. Throws
 * `UsageError` with file, line and reason when the file cannot be read or has no example at all.
 */
export function readChatFile(path: string): ChatFile {
  const file: ChatFile = { path, pairs: [], badLines: [] };
  for (const [number, text] of textOf(path).split("\n").entries()) {
    if (text.trim() === "") continue;
    const pair = readLine(text);
    if (typeof pair === "string") file.badLines.push({ line: number + 1, reason: pair });
    else file.pairs.push(pair);
  }
  if (file.pairs.length === 0) {
    const [first] = file.badLines;
    const reason = first === undefined ? "the file is empty" : `line ${first.line}: ${first.reason}`;
    throw new UsageError(`${path}: no example in it, ${reason}`);
  }
  return file;
}

function textOf(path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(path));
  } catch (cause) {
    const reason =
      cause instanceof TypeError ? "it is not UTF-8" : cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`${path}: ${reason}`, { cause });
  }
}

/** The example on a line, or why there is none. */
function readLine(text: string): TextPair | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "is not JSON";
  }
  const parsed = chatItemSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return `${issue?.path.join(".") || "the line"}: ${issue?.message ?? "is not valid"}`;
  }
  return pairOf(parsed.data.messages) ?? "messages: expected a user turn and, after it, an assistant turn";
}
