import { wordsOf } from "./schema.ts";
import type { Attribute } from "./schema.ts";
import type { Token } from "./tokeniser.ts";

/** Where a text spells a known value: the attribute, and whether the token begins, continues or ends it. */
export interface Match {
  attribute: string;
  place: "begin" | "inside" | "end" | "alone";
}

/** The values of the copied attributes in the training data, looked up by their words. */
export class Gazetteer {
  /** Words joined by spaces -> attribute -> the value as it was written. */
  readonly #values = new Map<string, Map<string, string>>();
  #longest = 0;

  constructor(attributes: readonly Attribute[]) {
    for (const attribute of attributes.filter(({ kind }) => kind === "copy")) {
      for (const value of attribute.values) {
        const words = wordsOf(value);
        const key = words.join(" ");
        const written = this.#values.get(key) ?? new Map<string, string>();
        this.#values.set(key, written);
        if (!written.has(attribute.name)) written.set(attribute.name, value);
        this.#longest = Math.max(this.#longest, words.length);
      }
    }
  }

  /** The known value that these words spell, as the training data write it; undefined when there is none. */
  valueOf(words: readonly string[], attribute: string): string | undefined {
    return this.#values.get(words.join(" "))?.get(attribute);
  }

  /**
   * Marks per token, from the longest known value at each place. Values in `hidden` count as unknown: a training text
   * that always found its own values here would teach the tagger to trust nothing else.
   */
  match(tokens: readonly Token[], hidden: ReadonlySet<string>): Match[][] {
    const matches = tokens.map((): Match[] => []);
    const covered = new Map<string, number>();
    for (let start = 0; start < tokens.length; start++) {
      for (let end = Math.min(tokens.length, start + this.#longest); end > start; end--) {
        const key = tokens
          .slice(start, end)
          .map((token) => token.lower)
          .join(" ");
        if (hidden.has(key)) continue;
        for (const attribute of this.#values.get(key)?.keys() ?? []) {
          if ((covered.get(attribute) ?? 0) >= end) continue;
          covered.set(attribute, end);
          for (let at = start; at < end; at++) matches[at]?.push({ attribute, place: placeOf(at, start, end) });
        }
      }
    }
    return matches;
  }
}

function placeOf(at: number, start: number, end: number): Match["place"] {
  if (end - start === 1) return "alone";
  if (at === start) return "begin";
  return at === end - 1 ? "end" : "inside";
}
