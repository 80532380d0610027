/**
 * A sequence tagger for copied values: averaged structured perceptron over BIO tags, decoded by Viterbi.
 *
 * Collins, "Discriminative Training Methods for Hidden Markov Models" (EMNLP 2002): decode with the present weights, and
 * where the answer differs from the truth add the truth's features and take away the answer's. The average over all
 * steps generalises better than the last weights; it is kept as `weights - sums / steps` (Daumé, 2006).
 * Viterbi costs tags^2 per token: above 40 tags each token goes on from its 8 best tags only.
 */
import { z } from "zod";
import type { Random } from "./random.ts";
import { shuffledOrder } from "./random.ts";
import { FeatureIndex, roundWeights, savedWeightsSchema, SparseWeights } from "./weights.ts";

/** A copied value's tokens: from `start` up to, not including, `end`. */
export interface Span {
  attribute: string;
  start: number;
  end: number;
}

/** A tagger as the model file holds it. `transitions` are rows of the tag before; the last row is the start. */
export const savedTaggerSchema = z.object({
  attributes: z.array(z.string()),
  emissions: savedWeightsSchema,
  transitions: savedWeightsSchema,
});
export type SavedTagger = z.infer<typeof savedTaggerSchema>;

const EXACT_TAGS = 40;
const BEAM = 8;

/** Tags: 0 is outside; attribute number a begins with 2a + 1 and goes on with 2a + 2. */
const tagCount = (attributes: readonly string[]): number => 1 + 2 * attributes.length;
const isInside = (tag: number): boolean => tag > 0 && tag % 2 === 0;

/**
 * The best sequence of tags. `emissions` is tokens x tags, `transitions` (tags + 1) x tags. A value never goes on
 * without having begun.
 */
export function bestTags(emissions: Float64Array, transitions: Float64Array, tags: number): number[] {
  const length = emissions.length / tags;
  const back = new Int32Array(length * tags);
  let scores = new Float64Array(tags);
  for (let at = 0; at < length; at++) {
    const previous = at === 0 ? [tags] : survivors(scores, tags);
    const next = new Float64Array(tags).fill(-Infinity);
    for (let tag = 0; tag < tags; tag++) {
      for (const from of previous) {
        if (isInside(tag) && from !== tag && from !== tag - 1) continue;
        const score = (at === 0 ? 0 : (scores[from] ?? 0)) + (transitions[from * tags + tag] ?? 0);
        if (score > (next[tag] ?? 0)) {
          next[tag] = score;
          back[at * tags + tag] = from;
        }
      }
      next[tag] = (next[tag] ?? 0) + (emissions[at * tags + tag] ?? 0);
    }
    scores = next;
  }
  const best = Array.from({ length }, () => 0);
  let tag = scores.indexOf(Math.max(...scores));
  for (let at = length - 1; at >= 0; at--) {
    best[at] = tag;
    tag = back[at * tags + tag] ?? 0;
  }
  return best;
}

/** The tags to go on from: all of them, or the best few when there are many. */
function survivors(scores: Float64Array, tags: number): number[] {
  const reachable = Array.from({ length: tags }, (_, tag) => tag).filter((tag) => (scores[tag] ?? 0) > -Infinity);
  if (tags <= EXACT_TAGS) return reachable;
  return reachable.sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0)).slice(0, BEAM);
}

/** Learns from tokens' features and the spans among them. */
export class TaggerTrainer {
  readonly #attributes: readonly string[];
  readonly #tags: number;
  readonly #index = new FeatureIndex();
  readonly #examples: { rows: Int32Array[]; gold: number[] }[] = [];
  #emissions = new Float32Array(0);
  #emissionSums = new Float64Array(0);
  readonly #transitions: Float64Array;
  readonly #transitionSums: Float64Array;
  #steps = 1;

  constructor(attributes: readonly string[]) {
    this.#attributes = attributes;
    this.#tags = tagCount(attributes);
    this.#transitions = new Float64Array((this.#tags + 1) * this.#tags);
    this.#transitionSums = new Float64Array((this.#tags + 1) * this.#tags);
  }

  /** Adds a text; all are added before the first epoch. */
  add(features: readonly (readonly string[])[], spans: readonly Span[]): void {
    const gold = features.map(() => 0);
    for (const { attribute, start, end } of spans) {
      const begin = 2 * this.#attributes.indexOf(attribute) + 1;
      gold.fill(begin + 1, start, end);
      gold[start] = begin;
    }
    const rows = features.map((names) => Int32Array.from(names, (name) => this.#index.intern(name)));
    this.#examples.push({ rows, gold });
  }

  /** One pass over all texts in random order. */
  epoch(random: Random): void {
    if (this.#emissions.length === 0) {
      this.#emissions = new Float32Array(this.#index.rows.size * this.#tags);
      this.#emissionSums = new Float64Array(this.#emissions.length);
    }
    for (const number of shuffledOrder(this.#examples.length, random)) {
      const example = this.#examples[number];
      if (example === undefined) continue;
      const guess = bestTags(this.#score(example.rows), this.#transitions, this.#tags);
      this.#correct(example.rows, example.gold, guess);
      this.#steps++;
    }
  }

  /** The averaged weights, rounded. */
  finish(): SavedTagger {
    const states = new FeatureIndex();
    for (let from = 0; from <= this.#tags; from++) states.intern(`after=${from}`);
    const averageOf = (weights: Float32Array | Float64Array, sums: Float64Array) => (cell: number) =>
      (weights[cell] ?? 0) - (sums[cell] ?? 0) / this.#steps;
    return {
      attributes: [...this.#attributes],
      emissions: roundWeights(this.#index, this.#tags, averageOf(this.#emissions, this.#emissionSums)),
      transitions: roundWeights(states, this.#tags, averageOf(this.#transitions, this.#transitionSums)),
    };
  }

  #score(rows: readonly Int32Array[]): Float64Array {
    const scores = new Float64Array(rows.length * this.#tags);
    rows.forEach((features, at) => {
      for (const row of features) {
        for (let tag = 0; tag < this.#tags; tag++) {
          const cell = at * this.#tags + tag;
          scores[cell] = (scores[cell] ?? 0) + (this.#emissions[row * this.#tags + tag] ?? 0);
        }
      }
    });
    return scores;
  }

  #correct(rows: readonly Int32Array[], gold: readonly number[], guess: readonly number[]): void {
    rows.forEach((features, at) => {
      const right = gold[at] ?? 0;
      const wrong = guess[at] ?? 0;
      const rightBefore = at === 0 ? this.#tags : (gold[at - 1] ?? 0);
      const wrongBefore = at === 0 ? this.#tags : (guess[at - 1] ?? 0);
      if (right === wrong && rightBefore === wrongBefore) return;
      this.#move(this.#transitions, this.#transitionSums, rightBefore * this.#tags + right, 1);
      this.#move(this.#transitions, this.#transitionSums, wrongBefore * this.#tags + wrong, -1);
      if (right === wrong) return;
      for (const row of features) {
        this.#move(this.#emissions, this.#emissionSums, row * this.#tags + right, 1);
        this.#move(this.#emissions, this.#emissionSums, row * this.#tags + wrong, -1);
      }
    });
  }

  #move(weights: Float32Array | Float64Array, sums: Float64Array, cell: number, change: number): void {
    weights[cell] = (weights[cell] ?? 0) + change;
    sums[cell] = (sums[cell] ?? 0) + change * this.#steps;
  }
}

/** Finds the values of copied attributes. */
export class Tagger {
  readonly #attributes: readonly string[];
  readonly #tags: number;
  readonly #emissions: SparseWeights;
  readonly #transitions: Float64Array;

  constructor(saved: SavedTagger) {
    this.#attributes = saved.attributes;
    this.#tags = tagCount(saved.attributes);
    this.#emissions = new SparseWeights(saved.emissions);
    this.#transitions = new Float64Array((this.#tags + 1) * this.#tags);
    const transitions = new SparseWeights(saved.transitions);
    for (let from = 0; from <= this.#tags; from++) {
      transitions.addTo(this.#transitions, `after=${from}`, from * this.#tags);
    }
  }

  /** The spans of the best tags, in text order. */
  spans(features: readonly (readonly string[])[]): Span[] {
    const tags = bestTags(this.#emit(features), this.#transitions, this.#tags);
    const spans: Span[] = [];
    tags.forEach((tag, at) => {
      const last = spans.at(-1);
      if (isInside(tag) && last !== undefined) last.end = at + 1;
      else if (tag > 0) spans.push({ attribute: this.#attributes[(tag - 1) >> 1] ?? "", start: at, end: at + 1 });
    });
    return spans;
  }

  /** The one token that comes nearest to being a value, with how far it beats (or misses) being none. */
  nearest(features: readonly (readonly string[])[]): (Span & { margin: number }) | null {
    const scores = this.#emit(features);
    let best: (Span & { margin: number }) | null = null;
    features.forEach((_, at) => {
      this.#attributes.forEach((attribute, number) => {
        const margin = (scores[at * this.#tags + 2 * number + 1] ?? 0) - (scores[at * this.#tags] ?? 0);
        if (best === null || margin > best.margin) best = { attribute, start: at, end: at + 1, margin };
      });
    });
    return best;
  }

  #emit(features: readonly (readonly string[])[]): Float64Array {
    const scores = new Float64Array(features.length * this.#tags);
    features.forEach((names, at) => {
      for (const name of names) this.#emissions.addTo(scores, name, at * this.#tags);
    });
    return scores;
  }
}
