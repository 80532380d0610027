import { RETRIEVAL_FORMAT, termsOf } from "./retrieval-model.ts";
import type { SavedRetrieval } from "./retrieval-model.ts";

/** One training question, without its template, and what was answered to it. */
export interface KnownAnswer {
  question: string;
  answer: string;
}

/** Makes a retrieval model; the same records in the same order give the same model, byte by byte. */
export function indexAnswers(template: string, known: readonly KnownAnswer[], minSimilarity: number): SavedRetrieval {
  const answers = new Map<string, number>();
  const postings = new Map<string, { pairs: number[]; last: number }>();
  const records = known.map(({ question, answer }, record) => {
    for (const [term, count] of termsOf(question)) {
      const entry = postings.get(term) ?? { pairs: [], last: 0 };
      entry.pairs.push(record - entry.last, count);
      entry.last = record;
      postings.set(term, entry);
    }
    const number = answers.get(answer) ?? answers.size;
    answers.set(answer, number);
    return number;
  });
  return {
    format: RETRIEVAL_FORMAT,
    task: "retrieval",
    template,
    minSimilarity,
    answers: [...answers.keys()],
    records,
    postings: Object.fromEntries(Array.from(postings, ([term, { pairs }]) => [term, pairs])),
  };
}
