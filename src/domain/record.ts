import type { ChatItem, Message, TrainingRecord } from "./record-schema.ts";
import type { SplitName } from "./dataset-version-schema.ts";
import type { Split } from "./pipeline-schema.ts";

/** Longest line of a source, in bytes; a longer one is quarantined, not read into memory. */
export const maxLineBytes = 1024 * 1024;

const roles: ReadonlySet<unknown> = new Set<Message["role"]>(["system", "user", "assistant", "tool"]);
/** Times that every calendar has: the last days of months are left to the schema. */
const plainTime = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?Z$/;

/**
 * Whether a JSON value is a chat item at first sight, as almost all are. False decides nothing: the schema does, and says
 * what is wrong. True only where the schema agrees; a large source is read several times faster for it.
 */
export function isPlainChatItem(value: unknown): value is ChatItem {
  if (!isObject(value)) return false;
  const { messages, id, receivedAt, author, group, labels } = value;
  if (!Array.isArray(messages) || messages.length === 0) return false;
  for (const message of messages) if (!isPlainMessage(message)) return false;
  if (!isPlainName(id) || !isPlainName(author) || !isPlainName(group)) return false;
  if (receivedAt !== undefined && !(typeof receivedAt === "string" && plainTime.test(receivedAt))) return false;
  return labels === undefined || (isObject(labels) && Object.values(labels).every(isPlainLabel));
}

function isPlainMessage(value: unknown): boolean {
  if (!isObject(value) || !roles.has(value["role"])) return false;
  const { content } = value;
  if (typeof content !== "string") return false;
  const first = content.charCodeAt(0);
  return (first > 0x20 && first < 0x7f) || content.trim() !== "";
}

function isPlainName(value: unknown): boolean {
  return value === undefined || (typeof value === "string" && value.length > 0 && value.length <= 200);
}

function isPlainLabel(value: unknown): boolean {
  return typeof value === "string" || typeof value === "boolean" || Number.isFinite(value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !Object.hasOwn(value, "__proto__");
}

/**
 * What the record's id is the sha256 of: role and content of each message, in order. Nothing else of an item matters to
 * whether it is the same example.
 */
export function canonicalMessages(messages: readonly Message[]): string {
  return `[${messages.map(canonicalMessage).join(",")}]`;
}

/** The canonical messages of a record, and those of its question, which its group is named by when it has no other. */
export function canonicalForms(messages: readonly Message[]): { messages: string; question: string } {
  const each = messages.map(canonicalMessage);
  return { messages: `[${each.join(",")}]`, question: `[${each.slice(0, -1).join(",")}]` };
}

function canonicalMessage({ role, content }: Message): string {
  return `{"role":"${role}","content":${JSON.stringify(content)}}`;
}

/** A record as a line of a part: its JSON, of messages that are rendered already (by {@link canonicalForms}). */
export function renderRecord(id: string, messages: string, rest: Omit<TrainingRecord, "id" | "messages">): string {
  const { source, sourceItem, receivedAt, author, group, labels } = rest;
  const tail = JSON.stringify({ source, sourceItem, receivedAt, author, group, labels });
  return `{"id":"${id}","messages":${messages},${tail.slice(1)}`;
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
