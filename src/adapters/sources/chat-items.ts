import { compileMapping } from "../../domain/mapping.ts";
import type { Mapping } from "../../domain/mapping-schema.ts";
import { chatItemSchema, type ChatItem } from "../../domain/record-schema.ts";
import { isPlainChatItem, maxLineBytes } from "../../domain/record.ts";
import type { SourceItem } from "../../ports.ts";
import type { RawItem } from "./item-reader.ts";
import type { Line } from "./line-splitter.ts";

/** What became of an item: what a source delivers, or why it was left out on purpose. */
export type ItemOutcome = SourceItem | { at: string; leftOut: string };

/** What decides on that. */
interface Making {
  map?: Mapping | undefined;
  since?: string | undefined;
}

/** A file that lines are of. */
interface LinesOf {
  /** What people know it by. */
  key: string;
  /** ISO-8601. */
  modifiedAt: string;
}

/**
 * What makes of each item what the source delivers: by its mapping, or taken as a chat record where there is none. `raw` is
 * the item as it was received.
 */
export function createItemMapper(source: Making): (item: RawItem, raw: string) => ItemOutcome {
  const make = source.map === undefined ? toChat : compileMapping(source.map);
  const since = source.since === undefined ? null : { text: source.since, ms: Date.parse(source.since) };
  return (item, raw) => {
    const { id, at, receivedAt } = item;
    const common = { sourceItem: id, at, receivedAt, raw };
    if (item.problem !== undefined) return { ...common, reason: item.problem };
    if (raw.length > maxLineBytes) return { ...common, raw: raw.slice(0, 1000), reason: tooLong(raw) };
    const made = make(item.value);
    if ("leftOut" in made) return { at, leftOut: made.leftOut };
    if ("reason" in made) return { ...common, reason: made.reason };
    const { chat } = made;
    const time = chat.receivedAt ?? receivedAt;
    if (since !== null && Date.parse(time) < since.ms)
      return { at, leftOut: `since: received ${time}, before ${since.text}` };
    return { ...common, sourceItem: chat.id ?? id, receivedAt: time, chat };
  };
}

/** As {@link createItemMapper}, for lines of JSON. */
export function createLineMapper(source: Making): (file: LinesOf, line: Line) => ItemOutcome {
  if (source.map === undefined && source.since === undefined) return toItem;
  const map = createItemMapper(source);
  return (file, line) => map(rawItem(file, line), line.text);
}

/** A line that is a chat record already. Large sources are nothing but those: no object more than needed is made of each. */
export function toItem({ key, modifiedAt }: LinesOf, line: Line): SourceItem {
  const at = `${key}#${line.number}`;
  const common = { sourceItem: at, at, receivedAt: modifiedAt, raw: line.text };
  if (line.problem !== null) return { ...common, reason: line.problem };
  const value = parseLine(line.text);
  if (value === undefined) return { ...common, reason: notJson };
  const made = toChat(value);
  if ("reason" in made) return { ...common, reason: made.reason };
  const { id = at, receivedAt = modifiedAt } = made.chat;
  return { sourceItem: id, at, receivedAt, raw: line.text, chat: made.chat };
}

/** A line as an item that a mapping can work on. */
export function rawItem({ key, modifiedAt }: LinesOf, line: Line): RawItem {
  const at = `${key}#${line.number}`;
  const common = { id: at, at, receivedAt: modifiedAt };
  if (line.problem !== null) return { ...common, value: line.text, problem: line.problem };
  const value = parseLine(line.text);
  return value === undefined ? { ...common, value: line.text, problem: notJson } : { ...common, value };
}

const notJson = "not JSON";

/** Undefined, which no JSON is, for what is no JSON. */
function parseLine(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A chat record as it is, or why it is none. */
function toChat(value: unknown): { chat: ChatItem } | { reason: string } {
  if (isPlainChatItem(value)) return { chat: value };
  const parsed = chatItemSchema.safeParse(value);
  if (parsed.success) return { chat: parsed.data };
  const issue = parsed.error.issues[0];
  return { reason: issue ? `${issue.path.join(".") || "item"}: ${issue.message}` : "not a chat record" };
}

function tooLong(raw: string): string {
  return `item of ${raw.length} characters: longer than ${maxLineBytes}`;
}
