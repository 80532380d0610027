/** The metric pack for free text: how many words of the answer and of the expected one are the same. */
import type { Metric, MetricPackKind } from "./metric.ts";
import { readOptions } from "./options.ts";

/** Words of either text that are looked at for their longest common subsequence, which takes time for each pair of them. */
const mostWords = 5000;

const metrics: readonly Metric[] = [
  { name: "token_f1", title: "Token F1", unit: "ratio", better: "higher", kind: "mean", unanswered: 0 },
  { name: "rouge_l", title: "ROUGE-L", unit: "ratio", better: "higher", kind: "mean", unanswered: 0 },
];

/** Free text against one expected text. */
export const textOverlap: MetricPackKind = {
  name: "text-overlap",
  description: "free text: words in common (token F1) and in the same order (ROUGE-L)",
  options: {},
  create(options) {
    readOptions("text-overlap", options, []);
    return {
      name: "text-overlap",
      policy: { primary: "token_f1", guards: [] },
      metrics,
      score: ({ expected }, { answer }) => ({ token_f1: tokenF1(answer, expected), rouge_l: rougeL(answer, expected) }),
    };
  },
  fits: (expected) => expected.length > 0,
};

/**
 * F1 of the words of both texts as bags, 0..1: lower case, without ASCII punctuation, without the articles a, an and the.
 * Two texts without words are equal, one without is not. Source: Rajpurkar et al., EMNLP 2016, section 6.1, and `compute_f1`
 * of SQuAD 2.0's evaluation script.
 */
export function tokenF1(answer: string, expected: string): number {
  const [given, wanted] = [squadWords(answer), squadWords(expected)];
  if (given.length === 0 || wanted.length === 0) return given.length === wanted.length ? 1 : 0;
  const left = new Map<string, number>();
  for (const word of wanted) left.set(word, (left.get(word) ?? 0) + 1);
  let common = 0;
  for (const word of given) {
    const count = left.get(word) ?? 0;
    if (count === 0) continue;
    common++;
    left.set(word, count - 1);
  }
  return (2 * common) / (given.length + wanted.length);
}

function squadWords(text: string): string[] {
  const bare = text.toLowerCase().replaceAll(/[!-/:-@[-`{-~]/g, "");
  return wordsOf(bare.replaceAll(/(?<![\p{L}\p{N}_])(a|an|the)(?![\p{L}\p{N}_])/gu, " "), /\s+/u);
}

/**
 * F1 of the longest common subsequence of words, 0..1: lower case, a word being a run of letters and digits. Source: Lin,
 * ROUGE (ACL workshop 2004), section 3.1, with beta = 1 as in Google's `rouge-score` 0.1.2 without stemming, which knows
 * ASCII letters only; texts without words have 0. The subsequence is looked for in the first 5,000 words of each.
 */
export function rougeL(answer: string, expected: string): number {
  const [given, wanted] = [answer, expected].map((text) => wordsOf(text.toLowerCase(), /[^\p{L}\p{N}]+/u));
  if (given === undefined || wanted === undefined || given.length === 0 || wanted.length === 0) return 0;
  return (2 * longestCommon(given, wanted)) / (given.length + wanted.length);
}

function wordsOf(text: string, between: RegExp): string[] {
  return text.split(between).filter((word) => word !== "");
}

/** Length of the longest common subsequence, by rows. */
function longestCommon(one: readonly string[], other: readonly string[]): number {
  const places = new Map<string, number>();
  const numbered = (words: readonly string[]): Int32Array =>
    Int32Array.from(words.slice(0, mostWords), (word) => {
      const place = places.get(word) ?? places.size;
      places.set(word, place);
      return place;
    });
  const [rows, columns] = [numbered(one), numbered(other)];
  const best = new Int32Array(columns.length + 1);
  for (const row of rows) {
    let diagonal = 0;
    for (let column = 1; column < best.length; column++) {
      const above = best[column] ?? 0;
      best[column] = row === columns[column - 1] ? diagonal + 1 : Math.max(above, best[column - 1] ?? 0);
      diagonal = above;
    }
  }
  return best.at(-1) ?? 0;
}
