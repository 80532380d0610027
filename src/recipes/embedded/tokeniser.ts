/** A word or a sign of a text; `start` and `end` are offsets into it, so that spans can be copied as they were written. */
export interface Token {
  /** As written. */
  text: string;
  lower: string;
  start: number;
  end: number;
}

/** The contraction `n't` and clitics such as `'s` stand alone: one carries negation, the other hides where a name ends. */
const TOKEN =
  /[\p{L}\p{N}]+?(?=n['’]t(?![\p{L}\p{N}]))|n['’]t(?![\p{L}\p{N}])|['’]\p{L}{1,2}(?![\p{L}\p{N}])|[\p{L}\p{N}]+|\S/giu;

/** Splits a text into words (runs of letters and digits) and single signs; white space separates and is dropped. */
export function tokenise(text: string): Token[] {
  return Array.from(text.matchAll(TOKEN), (match) => ({
    text: match[0],
    lower: match[0].toLowerCase().replace("’", "'"),
    start: match.index,
    end: match.index + match[0].length,
  }));
}

/** Position of the first run of tokens that spells `words` (lower case) at or after `from`, or -1. */
export function findTokens(tokens: readonly Token[], words: readonly string[], from = 0): number {
  if (words.length === 0) return -1;
  for (let start = from; start + words.length <= tokens.length; start++) {
    if (words.every((word, offset) => tokens[start + offset]?.lower === word)) return start;
  }
  return -1;
}

/**
 * The word's look: upper case `X`, lower case `x`, digits `d`, everything else itself, runs of a kind cut to two signs:
 * `2K16` is `dXdd`, `Overwatch` is `Xxx`.
 */
export function shapeOf(word: string): string {
  return word
    .replace(/\p{Lu}/gu, "X")
    .replace(/\p{L}/gu, (letter) => (letter === "X" ? "X" : "x"))
    .replace(/\p{N}/gu, "d")
    .replace(/(.)\1{2,}/gu, "$1$1");
}
