/**
 * Paths into an item (`user.name`, `replies.0.text`, `reactions.*.name`) and texts with places in braces
 * (`{title|no title}`): read once, then filled in for every item.
 */

/** A path, taken apart. */
export interface Path {
  /** As it was written. */
  text: string;
  /** Whether it starts at the item (`$.author`) where paths start at an element of a list otherwise. */
  fromItem: boolean;
  /** Names of fields, numbers of elements from 0, `length`, `*` for all elements; empty for the value itself (`$`). */
  steps: string[];
}

/** A text with places to fill, taken apart. */
export type Template = (string | { path: Path; fallback: string | null })[];

/** Where paths start. */
export interface Scope {
  item: unknown;
  /** The element of a list that a message is made of; the item itself outside of lists. */
  element: unknown;
}

/** Longest text, path or value in a mapping, in characters. */
export const maxTemplateLength = 10_000;
/** Most steps of a path. */
const maxSteps = 20;

/** Takes a path apart, or says why it is none. */
export function parsePath(text: string): Path | { problem: string } {
  const fromItem = text === "$" || text.startsWith("$.");
  const rest = fromItem ? text.slice(2) : text;
  const steps = text === "$" || text === "." ? [] : rest.split(".");
  if (steps.length > maxSteps) return { problem: `"${text}" has more than ${maxSteps} steps` };
  if (steps.some((step) => step.trim() !== step || step === ""))
    return { problem: `"${text}" is not a path: write names of fields with dots between them, such as user.name` };
  const strange = /[{}|[\]]/.exec(text)?.[0];
  if (strange !== undefined)
    return {
      problem: `"${text}" is not a path: it has a ${strange}; elements of a list are written as replies.0.text`,
    };
  return { text, fromItem, steps };
}

/** Takes a text apart, or says why it is none. Braces that are meant as such are written twice. */
export function parseTemplate(text: string): Template | { problem: string } {
  const parts: Template = [];
  let literal = "";
  for (let at = 0; at < text.length; at++) {
    const sign = text.charAt(at);
    if ((sign === "{" || sign === "}") && text.charAt(at + 1) === sign) {
      literal += sign;
      at++;
    } else if (sign === "}") {
      return { problem: `there is a } without a { in "${text}"; a brace that is meant as such is written twice` };
    } else if (sign === "{") {
      const end = text.indexOf("}", at);
      if (end === -1)
        return { problem: `there is a { without a } in "${text}"; a brace that is meant as such is written twice` };
      const place = parsePlace(text.slice(at + 1, end));
      if ("problem" in place) return place;
      parts.push(...(literal === "" ? [] : [literal]), place);
      literal = "";
      at = end;
    } else {
      literal += sign;
    }
  }
  if (literal !== "") parts.push(literal);
  return parts;
}

/** The value a path leads to; undefined where there is none. A `*` gives the list of what is there for each element. */
export function valueAt(path: Path, scope: Scope): unknown {
  return follow(path.fromItem ? scope.item : scope.element, path.steps, 0);
}

/** Whether a value counts as there: not missing, null or blank text. */
export function isThere(value: unknown): boolean {
  return value !== undefined && value !== null && !(typeof value === "string" && value.trim() === "");
}

/** The filled-in text, or the path that has no value and no default, or one that is no text. */
export function fill(template: Template, scope: Scope): { text: string } | { problem: string; missing: boolean } {
  let text = "";
  for (const part of template) {
    if (typeof part === "string") {
      text += part;
      continue;
    }
    const value = valueAt(part.path, scope);
    if (!isThere(value)) {
      if (part.fallback === null)
        return { problem: `{${part.path.text}}: ${whyMissing(part.path, scope)}`, missing: true };
      text += part.fallback;
      continue;
    }
    const words = asText(value);
    if (words === null)
      return { problem: `{${part.path.text}} is ${kindOf(value)}, not text: name a field of it`, missing: false };
    text += words;
  }
  return { text };
}

/** Text, number, true or false as text; a list of those with commas; null for anything else. */
function asText(value: unknown): string | null {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean" || typeof value === "bigint") return String(value);
  if (!Array.isArray(value)) return null;
  const parts = value.filter(isThere).map((part) => (Array.isArray(part) ? null : asText(part)));
  return parts.includes(null) ? null : parts.join(", ");
}

function parsePlace(text: string): { path: Path; fallback: string | null } | { problem: string } {
  const bar = text.indexOf("|");
  const path = parsePath((bar === -1 ? text : text.slice(0, bar)).trim());
  if ("problem" in path) return path;
  return { path, fallback: bar === -1 ? null : text.slice(bar + 1) };
}

function follow(value: unknown, steps: readonly string[], from: number): unknown {
  const step = steps[from];
  if (step === undefined) return value;
  if (typeof value !== "object" || value === null) return undefined;
  if (step === "*") {
    if (!Array.isArray(value)) return undefined;
    const found = value.map((element) => follow(element, steps, from + 1)).filter((element) => element !== undefined);
    // A second * flattens: a list of lists would be of no use to a text or a condition.
    return steps.indexOf("*", from + 1) === -1 ? found : found.flat();
  }
  // Only what the item has itself: never what every object inherits.
  if (!Object.hasOwn(value, step)) return undefined;
  const next: unknown = Reflect.get(value, step);
  return follow(next, steps, from + 1);
}

/** Says what is there instead, without any of its values. */
function whyMissing(path: Path, scope: Scope): string {
  let holder = path.fromItem ? scope.item : scope.element;
  for (const step of path.steps) {
    const next = follow(holder, [step], 0);
    if (next === undefined) return `there is no ${step}${fieldsOf(holder)}`;
    if (next === null) return `${step} is null`;
    holder = next;
  }
  return "is empty";
}

function fieldsOf(value: unknown): string {
  if (Array.isArray(value)) return ` in a list of ${value.length}`;
  if (typeof value !== "object" || value === null) return ` in ${kindOf(value)}`;
  const names = Object.keys(value);
  const shown = names.slice(0, 12).map((name) => name.slice(0, 40));
  return names.length === 0 ? " in an empty object" : `, only ${shown.join(", ")}${names.length > 12 ? ", ..." : ""}`;
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
