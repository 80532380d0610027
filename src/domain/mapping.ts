import { compileTest, pathOf } from "./condition.ts";
import type { Condition, Mapping, MessageMapping, RoleChoice } from "./mapping-schema.ts";
import type { ChatItem, Message } from "./record-schema.ts";
import { fill, parseTemplate, valueAt, type Scope, type Template } from "./template.ts";

/** What becomes of an item: a chat record, nothing since it was not asked for, or a reason why it cannot be one. */
export type Mapped = { chat: ChatItem } | { leftOut: string } | { reason: string };

/** Longest id, author and group of a chat record, in characters. */
const maxNameLength = 200;
/** Seconds since 1970 from here on, in 1973; below, a number is more likely something else than a time. */
const earliestSeconds = 1e8;
/** Milliseconds since 1970 from here on; as seconds it would be the year 5138. */
const earliestMs = 1e11;

/** In the order in which roles are tried. */
const roles = ["system", "assistant", "user", "tool"] as const;

type Messages = (item: unknown) => Message[] | { reason: string };

/**
 * Takes a checked mapping apart once, for many items. The result is pure and never throws. Messages whose text comes out
 * blank are left away, those of one role in a row become one, and what follows the last answer is cut: nothing could be
 * learnt from it.
 */
export function compileMapping(mapping: Mapping): (item: unknown) => Mapped {
  const where = mapping.where === undefined ? null : compileTest(mapping.where);
  const parts = mapping.messages.map((message, index) => compileMessage(message, `messages.${index}`));
  const details = compileDetails(mapping);
  return (item) => {
    const scope = { item, element: item };
    const failed = where?.(scope) ?? null;
    if (failed !== null) return { leftOut: `where: not so: ${failed}` };
    const messages: Message[] = [];
    for (const part of parts) {
      const made = part(item);
      if ("reason" in made) return made;
      messages.push(...made);
    }
    const turns = asTurns(messages);
    if (turns.length === 0) return { reason: "messages: every one came out blank or was left away" };
    const found = details(scope);
    return "reason" in found ? found : { chat: { messages: turns, ...found.details } };
  };
}

/**
 * A time as ISO-8601 in UTC: from ISO 8601 (UTC where it names no zone), or seconds or milliseconds since 1970. Null for
 * anything else.
 */
export function instantOf(text: string): string | null {
  const trimmed = text.trim();
  if (/^\d{1,15}(\.\d{1,9})?$/.test(trimmed)) {
    const number = Number(trimmed);
    if (number < earliestSeconds) return null;
    return isoOf(number < earliestMs ? number * 1000 : number);
  }
  const match = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d{1,9}))?\s?(Z|UTC|[+-]\d\d:?\d\d)?)?$/i.exec(
    trimmed,
  );
  if (!match) return null;
  const [, day, time = "00:00", fraction = "0", zone = "Z"] = match;
  const offset = /^(Z|UTC)$/i.test(zone) ? "Z" : zone.replace(/^(.\d\d):?/, "$1:");
  const seconds = time.length === 5 ? `${time}:00` : time;
  return isoOf(Date.parse(`${day}T${seconds}.${fraction.padEnd(3, "0").slice(0, 3)}${offset}`));
}

function isoOf(ms: number): string | null {
  const date = new Date(ms);
  const year = Number.isNaN(date.getTime()) ? -1 : date.getUTCFullYear();
  return year < 0 || year > 9999 ? null : date.toISOString();
}

function compileMessage({ each, where, role, text }: MessageMapping, at: string): Messages {
  const list = each === undefined ? null : pathOf(each);
  const holds = where === undefined ? null : compileTest(where);
  const roleOf = compileRole(role);
  const template = templateOf(text);
  return (item) => {
    const elements = list === null ? [item] : (valueAt(list, { item, element: item }) ?? []);
    if (!Array.isArray(elements)) return { reason: `${at}.each: ${each} is not a list` };
    const messages: Message[] = [];
    for (const element of elements) {
      const scope = { item, element };
      if (holds !== null && holds(scope) !== null) continue;
      const role = roleOf(scope);
      if (role === null) continue;
      const filled = fill(template, scope);
      if ("problem" in filled) {
        const help = filled.missing ? "; with a default after a |, such as {text|}, it may be missing" : "";
        return { reason: `${at}.text: ${filled.problem}${help}` };
      }
      const content = filled.text.trim();
      if (content !== "") messages.push({ role, content });
    }
    return messages;
  };
}

function compileRole(choice: RoleChoice): (scope: Scope) => Message["role"] | null {
  if (typeof choice === "string") return () => choice;
  const tests = roles.flatMap((role) => {
    const condition = choice[role];
    return condition === undefined ? [] : [{ role, test: compileTest(condition) }];
  });
  return (scope) => tests.find(({ test }) => test(scope) === null)?.role ?? choice.otherwise ?? null;
}

/** Turns as a model takes them: one role after another, and an answer at the end if there is one. */
function asTurns(messages: readonly Message[]): Message[] {
  const last = messages.findLastIndex(({ role }) => role === "assistant");
  const turns: Message[] = [];
  for (const message of last === -1 ? messages : messages.slice(0, last + 1)) {
    const before = turns.at(-1);
    if (before !== undefined && before.role === message.role && message.role !== "tool")
      before.content += `\n\n${message.content}`;
    else turns.push({ ...message });
  }
  return turns;
}

type Details = Pick<ChatItem, "id" | "author" | "group" | "receivedAt" | "labels">;

/** Everything but the messages. What has no value is left away. */
function compileDetails(mapping: Mapping): (scope: Scope) => { details: Details } | { reason: string } {
  const names = (["id", "author", "group"] as const).flatMap((field) => {
    const text = mapping[field];
    return text === undefined ? [] : [{ field, template: templateOf(text) }];
  });
  const time = mapping.receivedAt === undefined ? null : templateOf(mapping.receivedAt);
  const labels = Object.entries(mapping.labels ?? {}).map(([name, label]) => ({ name, valueOf: compileLabel(label) }));
  return (scope) => {
    const details: Details = {};
    for (const { field, template } of names) {
      const name = textOrReason(template, scope, field);
      if (typeof name === "object") return name;
      if (name.length > maxNameLength) return { reason: `${field}: longer than ${maxNameLength} characters` };
      if (name !== "") details[field] = name;
    }
    const text = time === null ? "" : textOrReason(time, scope, "receivedAt");
    if (typeof text === "object") return text;
    if (text !== "") {
      const receivedAt = instantOf(text);
      if (receivedAt === null)
        return { reason: "receivedAt: is no time: ISO 8601, or seconds or milliseconds since 1970, is" };
      details.receivedAt = receivedAt;
    }
    const found: NonNullable<Details["labels"]> = {};
    for (const { name, valueOf } of labels) {
      const value = valueOf(scope);
      if (typeof value === "object") return { reason: `labels.${name}: ${value.problem}` };
      // Not by assignment: a label may be called __proto__.
      if (value !== "")
        Object.defineProperty(found, name, { value, enumerable: true, configurable: true, writable: true });
    }
    return { details: labels.length === 0 ? details : { ...details, labels: found } };
  };
}

function compileLabel(label: string | Condition): (scope: Scope) => string | number | boolean | { problem: string } {
  if (typeof label !== "string") {
    const test = compileTest(label);
    return (scope) => test(scope) === null;
  }
  const template = templateOf(label);
  const only = template.length === 1 ? template[0] : undefined;
  return (scope) => {
    const value = only === undefined || typeof only === "string" ? undefined : valueAt(only.path, scope);
    if (typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value))) return value;
    const filled = fill(template, scope);
    if ("text" in filled) return filled.text.trim();
    return filled.missing ? "" : filled;
  };
}

/** The filled-in text, empty when something of it is missing. */
function textOrReason(template: Template, scope: Scope, field: string): string | { reason: string } {
  const filled = fill(template, scope);
  if ("text" in filled) return filled.text.trim();
  return filled.missing ? "" : { reason: `${field}: ${filled.problem}` };
}

/** The schema has checked it. */
function templateOf(text: string): Template {
  const template = parseTemplate(text);
  return "problem" in template ? [text] : template;
}
