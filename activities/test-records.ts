import { createHash } from "node:crypto";
import type { TestRecord } from "../src/domain/evaluation-schema.ts";
import { canonicalForms, questionAndAnswer } from "../src/domain/record.ts";
import type { ChatItem, TrainingRecord } from "../src/domain/record-schema.ts";
import { pseudonym } from "./chunk-writer.ts";

/** Which set of a test set's file a record belongs to. */
export type TestSetName = TestRecord["set"];

/** A record of a dataset as a question; only records of its test split should become one. */
export function testRecordOf(record: TrainingRecord, set: TestSetName): TestRecord {
  const { id, source, author, group, labels, messages } = record;
  const { question, answer } = questionAndAnswer(messages);
  return { id, set, question, expected: answer, source, author, group, labels };
}

/**
 * An item of a chat-format file as a question, under the id that the same example has in a dataset. Without a key the
 * author is dropped, as when data are read in.
 */
export function testItemOf(item: ChatItem, set: TestSetName, authorKey: string | null): TestRecord {
  const { messages, question: canonicalQuestion } = canonicalForms(item.messages);
  const { question, answer } = questionAndAnswer(item.messages);
  const { author, group, labels = {} } = item;
  return {
    id: sha256(messages),
    set,
    question,
    expected: answer,
    source: null,
    author: author === undefined || authorKey === null ? null : pseudonym(author, authorKey),
    group: group ?? sha256(canonicalQuestion),
    labels,
  };
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
