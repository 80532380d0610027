import type { ChatItem, Message } from "./record-schema.ts";
import type { SplitName } from "./dataset-version-schema.ts";
import type { Split } from "./pipeline-schema.ts";

/** Longest line of a source, in bytes; a longer one is quarantined, not read into memory. */
export const maxLineBytes = 1024 * 1024;

/**
 * What the record's id is the sha256 of: role and content of each message, in order. Nothing else of an item matters to
 * whether it is the same example.
 */
export function canonicalMessages(messages: readonly Message[]): string {
  return JSON.stringify(messages.map(({ role, content }) => ({ role, content })));
}

/** Why an item cannot be an example to learn from, or null when it can: it must end in the answer to a question. */
export function whyNotTrainable(item: ChatItem): string | null {
  if (!item.messages.some(({ role }) => role === "assistant"))
    return "no assistant message: there is no answer to learn";
  if (item.messages.at(-1)?.role !== "assistant") return "the last message must be the assistant's answer";
  if (!item.messages.some(({ role }) => role === "user")) return "no user message: there is no question";
  return null;
}

/** The messages a model is asked with, and the answer expected. */
export function questionAndAnswer(messages: readonly Message[]): { question: Message[]; answer: string } {
  return { question: messages.slice(0, -1), answer: messages.at(-1)?.content ?? "" };
}

/**
 * The split a group falls into, from the first 32 bits of the sha256 of its key: a group keeps its split as long as the
 * shares stay as they are, so no record ever moves between training and test.
 */
export function splitOf(groupHash: number, split: Split): SplitName {
  const point = groupHash / 2 ** 32;
  if (point < split.test) return "test";
  return point < split.test + split.valid ? "valid" : "train";
}
