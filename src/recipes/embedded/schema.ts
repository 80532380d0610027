import type { Frame } from "./frame.ts";
import { learnOrder } from "./order.ts";
import { findTokens, tokenise } from "./tokeniser.ts";
import { UnsuitableDataError } from "./unsuitable-data-error.ts";

/**
 * How an attribute gets its value: `copy` takes words of the text, `list` joins several of its known items by `, `,
 * `choice` is one of its known values.
 */
export type AttributeKind = "copy" | "list" | "choice";

/** What the training outputs tell of one attribute. */
export interface Attribute {
  name: string;
  kind: AttributeKind;
  /** Values seen (`copy`, `choice`) or items seen (`list`, in the order they are written). Never the empty value. */
  values: string[];
  /** Whether it occurs with an empty value, as a question for it. */
  allowsEmpty: boolean;
  /** Whether a list's items keep one order; otherwise they follow the text. */
  ordered: boolean;
}

/** The language of the training outputs. */
export interface FrameSchema {
  functions: string[];
  /** In the order in which outputs write them. */
  attributes: Attribute[];
  /** Whether outputs keep to that order; otherwise slots follow the text. */
  ordered: boolean;
  /** The fewest slots an output had: a shorter answer would be none that was ever trained. */
  minSlots: number;
}

/** One training input, without its template, and the frame it should give. */
export interface FrameExample {
  text: string;
  frame: Frame;
}

/** A value counts as copied when this share of an attribute's values occurs in the text word by word. */
const COPY_SHARE = 0.97;
/** An attribute can be a list when more than this share of its values has a comma. */
const LIST_SHARE = 0.05;

/** More values of one attribute than these are free text; weights for each would fill the memory and learn nothing. */
const MOST_LABELS = 1000;

/**
 * Learns functions, attributes, their kinds and orders from training examples, and from nothing else. Throws
 * `UnsuitableDataError` when an attribute that is not copied has more than 1,000 values.
 */
export function learnSchema(examples: readonly FrameExample[]): FrameSchema {
  const functions = new Set<string>();
  const seen = new Map<string, { value: string; text: string }[]>();
  for (const { frame, text } of examples) {
    functions.add(frame.fn);
    for (const { attribute, value } of frame.slots) {
      const uses = seen.get(attribute) ?? [];
      seen.set(attribute, uses);
      uses.push({ value, text });
    }
  }
  const order = learnOrder(examples.map(({ frame }) => frame.slots.map((slot) => slot.attribute)));
  return {
    functions: [...functions],
    attributes: order.names.map((name) => learnAttribute(name, seen.get(name) ?? [])),
    ordered: order.consistent,
    minSlots: examples.reduce((fewest, { frame }) => Math.min(fewest, frame.slots.length), Infinity),
  };
}

/** The items of a list value. */
export function itemsOf(value: string): string[] {
  return value.split(",").flatMap((item) => item.trim() || []);
}

function learnAttribute(name: string, uses: readonly { value: string; text: string }[]): Attribute {
  const filled = uses.filter(({ value }) => value !== "");
  const values = [...new Set(filled.map(({ value }) => value))];
  const base = { name, allowsEmpty: filled.length < uses.length, ordered: true };
  const copied = filled.filter(({ value, text }) => findTokens(tokenise(text), wordsOf(value)) >= 0).length;
  if (filled.length > 0 && copied >= filled.length * COPY_SHARE) return { ...base, kind: "copy", values };
  const lists = filled.map(({ value }) => itemsOf(value));
  if (lists.filter((items) => items.length > 1).length > filled.length * LIST_SHARE && recombines(values)) {
    const order = learnOrder(lists);
    return { ...base, kind: "list", values: order.names, ordered: order.consistent };
  }
  if (values.length > MOST_LABELS) {
    throw new UnsuitableDataError(
      `attribute ${name} has ${values.length} different values that are not words of the text: the embedded recipe learns at most ${MOST_LABELS}`,
    );
  }
  return { ...base, kind: "choice", values };
}

/** Lower-case words of a value, as the tokeniser sees them in a text. */
export function wordsOf(value: string): string[] {
  return tokenise(value).map((token) => token.lower);
}

/** Whether most items of the values with commas occur in other values too, so that such a value is made of parts. */
function recombines(values: readonly string[]): boolean {
  const valuesWith = new Map<string, number>();
  for (const value of values) {
    for (const item of itemsOf(value)) valuesWith.set(item, (valuesWith.get(item) ?? 0) + 1);
  }
  const parts = values.map(itemsOf).filter((items) => items.length > 1);
  const items = new Set(parts.flat());
  return [...items].filter((item) => (valuesWith.get(item) ?? 0) > 1).length * 2 > items.size;
}
