import { createReadStream } from "node:fs";
import { testItemOf } from "../../activities/test-records.ts";
import type { TestRecord } from "../domain/evaluation-schema.ts";
import { textLines } from "../domain/lines.ts";
import { whyNotTrainable } from "../domain/record.ts";
import { chatItemSchema } from "../domain/record-schema.ts";
import { UsageError } from "./usage-error.ts";

/**
 * The questions of a chat-format JSONL file, one by one; blank lines do not count, and what is there twice is a question
 * once. Throws UsageError that names the file and the line: a score over what happens to parse would be another score.
 */
export async function* testFileQuestions(path: string): AsyncGenerator<TestRecord> {
  const seen = new Set<string>();
  let number = 0;
  for await (const line of linesOf(path)) {
    number++;
    if (line.trim() === "") continue;
    const record = readLine(line, `${path}: line ${number}`);
    if (seen.has(record.id)) continue;
    seen.add(record.id);
    yield record;
  }
  if (seen.size === 0) throw new UsageError(`${path}: there is no question in it`);
}

async function* linesOf(path: string): AsyncGenerator<string> {
  try {
    yield* textLines(createReadStream(path));
  } catch (cause) {
    const isText = !(cause instanceof TypeError);
    const why = isText ? (cause instanceof Error ? cause.message : String(cause)) : "it is not UTF-8";
    throw new UsageError(`${path}: ${why}`, { cause });
  }
}

function readLine(line: string, place: string): TestRecord {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new UsageError(`${place}: is not JSON`);
  }
  const parsed = chatItemSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new UsageError(`${place}: ${issue?.path.join(".") || "the line"}: ${issue?.message ?? "is not valid"}`);
  }
  const reason = whyNotTrainable(parsed.data);
  if (reason !== null) throw new UsageError(`${place}: ${reason}`);
  return testItemOf(parsed.data, "test", null);
}
