/**
 * Looks answers up: that of the training record whose question is most like the one asked, by the cosine of their words
 * and pairs of words, each weighted by how often it occurs in the question and how few questions have it (TF-IDF; Salton
 * and Buckley, "Term-weighting approaches in automatic text retrieval", 1988). Nothing is fitted and no text is written.
 */
import { z } from "zod";
import type { Answer } from "./answer.ts";
import { stem } from "./evidence.ts";
import { stripTemplate } from "./template.ts";
import { tokenise } from "./tokeniser.ts";

/** Version of a retrieval model's file; a file of another version is refused. */
export const RETRIEVAL_FORMAT = 1;

/** What is answered to a question that is like none of the known ones. */
export const NO_ANSWER = "I have no answer to that.";

/** A retrieval model as its file holds it: which words the questions have, and the answers. */
export const savedRetrievalSchema = z.object({
  format: z.literal(RETRIEVAL_FORMAT),
  task: z.literal("retrieval"),
  /** Prefix of the inputs that is no part of the question. */
  template: z.string(),
  /** Similarity below which there is no answer, 0..1. */
  minSimilarity: z.number(),
  /** Different answers. */
  answers: z.array(z.string()),
  /** Per training record the number of its answer. */
  records: z.array(z.int().min(0)),
  /**
   * Per term the records whose question has it, as distances from the one before, and how often:
   * `[3, 1, 4, 2]` is once in record 3 and twice in record 7.
   */
  postings: z.record(z.string(), z.array(z.int().min(0))),
});
export type SavedRetrieval = z.infer<typeof savedRetrievalSchema>;

/** Records that have a term, in order, and its weight in each. */
interface Postings {
  rarity: number;
  records: Int32Array;
  weights: Float64Array;
}

/** The terms of a question with how often each occurs: stems of words, numbers, and pairs of neighbours. */
export function termsOf(question: string): Map<string, number> {
  const words = tokenise(question)
    .filter(({ lower }) => /[\p{L}\p{N}]/u.test(lower))
    .map(({ lower }) => stem(lower));
  const counts = new Map<string, number>();
  const count = (term: string): void => void counts.set(term, (counts.get(term) ?? 0) + 1);
  words.forEach((word, at) => {
    count(word);
    const next = words[at + 1];
    if (next !== undefined) count(`${word} ${next}`);
  });
  return counts;
}

/** Answers questions with what was answered to the most similar training question. */
export class RetrievalModel {
  readonly task = "retrieval";
  readonly #saved: SavedRetrieval;
  readonly #postings: Map<string, Postings>;
  /** Length of each record's vector. */
  readonly #lengths: Float64Array;

  constructor(saved: SavedRetrieval) {
    this.#saved = saved;
    const squares = new Float64Array(saved.records.length);
    this.#postings = new Map(
      Object.entries(saved.postings).map(([term, pairs]) => [term, this.#unpack(pairs, squares)]),
    );
    this.#lengths = squares.map(Math.sqrt);
  }

  /**
   * The answer of the most similar record, the first of equals, or `NO_ANSWER` where that is less similar than the model
   * asks for. Costs as much as there are records that share a term with the question.
   */
  answer(input: string): Answer {
    const scores = new Float64Array(this.#saved.records.length);
    let squares = 0;
    for (const [term, count] of termsOf(stripTemplate(input, this.#saved.template))) {
      const postings = this.#postings.get(term);
      // A word that nobody has asked of yet makes a question unlike all known ones.
      const weight = weightOf(count) * (postings?.rarity ?? this.#rarity(0));
      squares += weight * weight;
      postings?.records.forEach((record, at) => {
        scores[record] = (scores[record] ?? 0) + weight * (postings.weights[at] ?? 0);
      });
    }
    let best = 0;
    let similarity = 0;
    scores.forEach((score, record) => {
      const cosine = score === 0 ? 0 : score / ((this.#lengths[record] ?? 1) * Math.sqrt(squares));
      if (cosine > similarity) [best, similarity] = [record, cosine];
    });
    const isLike = similarity > 0 && similarity >= this.#saved.minSimilarity;
    const text = isLike ? (this.#saved.answers[this.#saved.records[best] ?? 0] ?? NO_ANSWER) : NO_ANSWER;
    return { text, similarity: Math.min(1, similarity) };
  }

  /** Weighs a term's records and adds to the squared lengths of their vectors. */
  #unpack(pairs: readonly number[], squares: Float64Array): Postings {
    const rarity = this.#rarity(pairs.length / 2);
    const records = new Int32Array(pairs.length / 2);
    const weights = new Float64Array(pairs.length / 2);
    let record = 0;
    for (let at = 0; at < records.length; at++) {
      record += pairs[2 * at] ?? 0;
      const weight = weightOf(pairs[2 * at + 1] ?? 0) * rarity;
      records[at] = record;
      weights[at] = weight;
      squares[record] = (squares[record] ?? 0) + weight * weight;
    }
    return { rarity, records, weights };
  }

  #rarity(recordsWithTerm: number): number {
    return 1 + Math.log((this.#saved.records.length + 1) / (recordsWithTerm + 1));
  }
}

/** Of a term that occurs `count` times in one question. */
function weightOf(count: number): number {
  return 1 + Math.log(count);
}
