import { wordsOf } from "./schema.ts";
import type { PlainText } from "./text-features.ts";
import { tokenise } from "./tokeniser.ts";

/**
 * How much of a label's own words a text has: all in a row, all in a row but as part of a longer label's words, all
 * apart, some, none; or `wordless` when the label has no word that tells anything.
 */
export type Evidence = "whole" | "covered" | "apart" | "some" | "none" | "wordless";

/** A word is common when it is in more than this share of the texts in which no true label has it. */
const COMMON_SHARE = 0.1;

interface LabelWords {
  words: string[];
  telling: string[];
}

/** Looks for the words of one attribute's labels, and of its name, in texts. */
export class EvidenceFinder {
  readonly #labels: LabelWords[];
  readonly #name: LabelWords;

  /** `common` words tell nothing about this attribute. */
  constructor(name: string, labels: readonly string[], common: ReadonlySet<string>) {
    const wordsFor = (label: string): LabelWords => {
      const words = stemsOf(label);
      return { words, telling: words.filter((word) => /[\p{L}\p{N}]/u.test(word) && !common.has(word)) };
    };
    this.#labels = labels.map(wordsFor);
    this.#name = wordsFor(name);
  }

  /** Evidence for each label. */
  ofLabels(text: PlainText): Evidence[] {
    const words = text.words.map(stem);
    const present = new Set(words);
    const starts = this.#labels.map((label) => (present.has(label.words[0] ?? "") ? startOf(words, label.words) : -1));
    return this.#labels.map((label, number) => {
      const start = starts[number] ?? -1;
      if (start < 0 || label.telling.length === 0) return shareOf(present, label.telling);
      const covered = this.#labels.some((longer, other) => {
        const from = starts[other] ?? -1;
        const reaches = from + longer.words.length >= start + label.words.length;
        return longer.words.length > label.words.length && from >= 0 && from <= start && reaches;
      });
      return covered ? "covered" : "whole";
    });
  }

  /** Evidence for the attribute itself: a text that says Linux speaks of `has_linux_release`, perhaps to deny it. */
  ofName(text: PlainText): { evidence: Evidence; negated: boolean } {
    return {
      evidence: shareOf(new Set(text.words.map(stem)), this.#name.telling),
      negated: text.words.some((word, at) => text.negated[at] === true && this.#name.telling.includes(stem(word))),
    };
  }
}

/**
 * The words of labels that tell nothing: they are in more than a tenth of the training texts of which no label with that
 * word is true.
 */
export function findCommonWords(
  labels: readonly string[],
  texts: readonly { stems: ReadonlySet<string>; labels: readonly string[] }[],
): string[] {
  const wordsOfLabels = new Map(labels.map((label) => [label, stemsOf(label)]));
  const trueWords = texts.map((text) => new Set(text.labels.flatMap((label) => wordsOfLabels.get(label) ?? [])));
  return [...new Set([...wordsOfLabels.values()].flat())].filter((word) => {
    const without = texts.filter((_, number) => trueWords[number]?.has(word) !== true);
    return without.filter(({ stems }) => stems.has(word)).length > without.length * COMMON_SHARE;
  });
}

/** Different stems of a text's words and signs. */
export function textStems(text: string): ReadonlySet<string> {
  return new Set(tokenise(text).map((token) => stem(token.lower)));
}

/** Stems of a label's words; `_` and `-` part words as white space does. */
export function stemsOf(label: string): string[] {
  return wordsOf(label).map(stem);
}

/** Enough of a stem that `sports` meets `sport`. */
export function stem(word: string): string {
  return word.length > 3 && word.endsWith("s") && !word.endsWith("ss") ? word.slice(0, -1) : word;
}

function shareOf(words: ReadonlySet<string>, telling: readonly string[]): Evidence {
  if (telling.length === 0) return "wordless";
  let found = 0;
  for (const word of telling) if (words.has(word)) found++;
  if (found === telling.length) return "apart";
  return found > 0 ? "some" : "none";
}

function startOf(words: readonly string[], run: readonly string[]): number {
  for (let start = 0; start + run.length <= words.length; start++) {
    if (run.every((word, offset) => words[start + offset] === word)) return start;
  }
  return -1;
}
