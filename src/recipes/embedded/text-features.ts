import type { Span } from "./tagger.ts";
import type { Token } from "./tokeniser.ts";

/** A text as the heads see it: copied values replaced by their attribute, the scope of each negation marked. */
export interface PlainText {
  words: string[];
  /** Whether the word stands behind a negation, before its clause ends. */
  negated: boolean[];
  /** Token at which each word starts. */
  positions: number[];
}

const NEGATIONS = new Set(["not", "n't", "no", "never", "without", "neither", "nor", "none", "nothing", "cannot"]);
const SCOPE_ENDS = new Set([".", "?", "!", ";", ":", "but", "however", "though", "although"]);

/** Replaces spans by `_attribute_` and marks negation, which reaches over commas: `not on Steam, Linux or Mac`. */
export function plainText(tokens: readonly Token[], spans: readonly Span[]): PlainText {
  const starts = new Map(spans.map((span) => [span.start, span]));
  const text: PlainText = { words: [], negated: [], positions: [] };
  let negated = false;
  for (let at = 0; at < tokens.length;) {
    const span = starts.get(at);
    const word = span === undefined ? (tokens[at]?.lower ?? "") : `_${span.attribute}_`;
    if (SCOPE_ENDS.has(word)) negated = false;
    text.words.push(word);
    text.negated.push(negated);
    text.positions.push(at);
    if (NEGATIONS.has(word)) negated = true;
    at = span === undefined ? at + 1 : span.end;
  }
  return text;
}

/** Runs of up to three words, pairs up to five apart, how the text and its sentences begin and
 * end, and what is negated. */
export function functionFeatures(text: PlainText): string[] {
  const words = ["<s>", ...text.words, "</s>"];
  const features = ["bias"];
  words.forEach((word, at) => {
    features.push(`1=${word}`, `2=${word} ${words[at + 1] ?? ""}`, `3=${words.slice(at, at + 3).join(" ")}`);
    for (let gap = 2; gap <= 5; gap++) {
      const other = words[at + gap];
      if (other !== undefined) features.push(`skip=${word} ${other}`);
    }
  });
  for (let length = 2; length <= 4; length++) {
    features.push(`first=${text.words.slice(0, length).join(" ")}`, `last=${text.words.slice(-length).join(" ")}`);
  }
  text.words.forEach((word, at) => {
    if (text.negated[at] === true) features.push(`not=${word}`);
  });
  for (const sentence of sentencesOf(text.words)) {
    const last = sentence.at(-1) ?? "";
    features.push(`sentence=${sentence[0]} ${last}`, `sentence=${sentence.slice(0, 2).join(" ")} ${last}`);
  }
  return features;
}

function sentencesOf(words: readonly string[]): string[][] {
  const sentences: string[][] = [[]];
  words.forEach((word, at) => {
    sentences.at(-1)?.push(word);
    if (/^[.?!]$/.test(word) && at < words.length - 1) sentences.push([]);
  });
  return sentences;
}

/** Feature of one word for the attribute heads. */
export function wordFeature(text: PlainText, at: number): string {
  return `${text.negated[at] === true ? "not" : "1"}=${text.words[at] ?? ""}`;
}

/** Single words, what is negated, and the function that the text was taken for: local evidence only. */
export function attributeFeatures(text: PlainText, fn: string): string[] {
  const features = ["bias", `fn=${fn}`];
  text.words.forEach((word, at) => {
    features.push(`1=${word}`);
    if (text.negated[at] === true) features.push(`not=${word}`);
  });
  return features;
}
