/**
 * Logistic heads over binary features: one softmax per choice, one sigmoid per list item, trained together by AdaGrad.
 *
 * Duchi, Hazan and Singer, "Adaptive Subgradient Methods" (JMLR 2011): each weight's step shrinks with the gradients it
 * has seen, so that a rare word that decides moves as far as a frequent one that does not. Features are not normalised:
 * the one word that decides must not be diluted by the length of its text. Besides its own weights every label shares
 * weights per `Evidence` with all other labels, which is what carries over to labels that were seen a few times only.
 */
import { z } from "zod";
import type { Random } from "./random.ts";
import { shuffledOrder } from "./random.ts";
import { FeatureIndex, roundWeights, savedWeightsSchema, SparseWeights } from "./weights.ts";

/**
 * Labels that are decided together: exactly `one` of them is true (softmax), or `any` number (sigmoids). The label null
 * says that there is nothing.
 */
export const headSchema = z.object({ kind: z.enum(["one", "any"]), labels: z.array(z.string().nullable()) });
export type Head = z.infer<typeof headSchema>;

/** Heads as the model file holds them. */
export const savedHeadsSchema = z.object({
  heads: z.array(headSchema),
  weights: savedWeightsSchema,
  shared: savedWeightsSchema,
});
export type SavedHeads = z.infer<typeof savedHeadsSchema>;

/** What is known of one text: feature names, and per label the names of its evidence. */
export interface Observation {
  features: readonly string[];
  evidence: readonly (readonly string[])[];
}

/** How heads are trained. */
export interface HeadOptions {
  learningRate: number;
  l2: number;
  /** Share of the features that an example hides in each epoch, 0..1. */
  dropout: number;
}

/** Shared weights move this much faster: few examples should first try what holds for all labels. */
const SHARED_RATE = 3;
/** Gradients below this move nothing worth the time. */
const SMALLEST_GRADIENT = 0.003;

/** Turns scores into probabilities in place, head by head. */
function toProbabilities(scores: Float64Array, heads: readonly Head[]): void {
  let from = 0;
  for (const head of heads) {
    const to = from + head.labels.length;
    if (head.kind === "any") {
      for (let label = from; label < to; label++) scores[label] = 1 / (1 + Math.exp(-(scores[label] ?? 0)));
    } else {
      const top = Math.max(...scores.subarray(from, to));
      let sum = 0;
      for (let label = from; label < to; label++) sum += scores[label] = Math.exp((scores[label] ?? 0) - top);
      for (let label = from; label < to; label++) scores[label] = (scores[label] ?? 0) / sum;
    }
    from = to;
  }
}

/** Learns from observations and the labels that are true of them. */
export class HeadTrainer {
  readonly #heads: readonly Head[];
  readonly #labels: number;
  readonly #options: HeadOptions;
  readonly #index = new FeatureIndex();
  readonly #sharedIndex = new FeatureIndex();
  readonly #knownRows = new Map<string, Int32Array>();
  readonly #examples: { rows: Int32Array; shared: Int32Array[]; truth: Uint8Array }[] = [];
  #weights = new Float32Array(0);
  #squares = new Float32Array(0);
  #shared = new Float32Array(0);
  #sharedSquares = new Float32Array(0);

  constructor(heads: readonly Head[], options: HeadOptions) {
    this.#heads = heads;
    this.#labels = heads.reduce((sum, head) => sum + head.labels.length, 0);
    this.#options = options;
  }

  /** Adds a text; `truth` has a 1 per true label, over all heads in a row. All are added before the first epoch. */
  add(observation: Observation, truth: Uint8Array): void {
    this.#examples.push({
      rows: Int32Array.from(new Set(observation.features), (name) => this.#index.intern(name)),
      shared: observation.evidence.map((names) => this.#sharedRows(names)),
      truth,
    });
  }

  /** Most labels of most texts have the same evidence: its rows are kept once. */
  #sharedRows(names: readonly string[]): Int32Array {
    const key = names.join("\n");
    const known = this.#knownRows.get(key) ?? Int32Array.from(names, (name) => this.#sharedIndex.intern(name));
    this.#knownRows.set(key, known);
    return known;
  }

  /** One pass over all texts in random order; answers the summed log loss. */
  epoch(random: Random): number {
    if (this.#weights.length === 0) {
      this.#weights = new Float32Array(this.#index.rows.size * this.#labels);
      this.#squares = new Float32Array(this.#weights.length);
      this.#shared = new Float32Array(this.#sharedIndex.rows.size);
      this.#sharedSquares = new Float32Array(this.#shared.length);
    }
    const { dropout } = this.#options;
    const scores = new Float64Array(this.#labels);
    let loss = 0;
    for (const number of shuffledOrder(this.#examples.length, random)) {
      const example = this.#examples[number];
      if (example === undefined) continue;
      const rows = dropout === 0 ? example.rows : example.rows.filter(() => random() >= dropout);
      this.#score(scores, rows, example.shared);
      toProbabilities(scores, this.#heads);
      loss += this.#loss(scores, example.truth);
      this.#learn(scores, rows, example.shared, example.truth);
    }
    return loss;
  }

  /** The weights, rounded. */
  finish(): SavedHeads {
    return {
      heads: [...this.#heads],
      weights: roundWeights(this.#index, this.#labels, (cell) => this.#weights[cell] ?? 0),
      shared: roundWeights(this.#sharedIndex, 1, (cell) => this.#shared[cell] ?? 0),
    };
  }

  #score(scores: Float64Array, rows: Int32Array, shared: readonly Int32Array[]): void {
    scores.fill(0);
    shared.forEach((evidence, label) => {
      for (const row of evidence) scores[label] = (scores[label] ?? 0) + (this.#shared[row] ?? 0);
    });
    for (const row of rows) {
      const at = row * this.#labels;
      for (let label = 0; label < this.#labels; label++) {
        scores[label] = (scores[label] ?? 0) + (this.#weights[at + label] ?? 0);
      }
    }
  }

  #loss(probabilities: Float64Array, truth: Uint8Array): number {
    let loss = 0;
    let from = 0;
    for (const head of this.#heads) {
      for (let label = from; label < from + head.labels.length; label++) {
        const right = probabilities[label] ?? 0;
        if (truth[label] === 1) loss -= Math.log(Math.max(right, 1e-9));
        else if (head.kind === "any") loss -= Math.log(Math.max(1 - right, 1e-9));
      }
      from += head.labels.length;
    }
    return loss;
  }

  #learn(probabilities: Float64Array, rows: Int32Array, shared: readonly Int32Array[], truth: Uint8Array): void {
    for (let label = 0; label < this.#labels; label++) {
      const gradient = (probabilities[label] ?? 0) - (truth[label] ?? 0);
      if (Math.abs(gradient) < SMALLEST_GRADIENT) continue;
      for (const row of rows) this.#step(this.#weights, this.#squares, row * this.#labels + label, 1, gradient);
      for (const row of shared[label] ?? []) this.#step(this.#shared, this.#sharedSquares, row, SHARED_RATE, gradient);
    }
  }

  #step(weights: Float32Array, squares: Float32Array, cell: number, rate: number, gradient: number): void {
    const weight = weights[cell] ?? 0;
    const slope = gradient + this.#options.l2 * weight;
    const square = (squares[cell] ?? 0) + slope * slope;
    squares[cell] = square;
    weights[cell] = weight - (rate * this.#options.learningRate * slope) / Math.sqrt(square + 1e-8);
  }
}

/** Trained heads. */
export class Heads {
  readonly heads: readonly Head[];
  readonly #weights: SparseWeights;
  readonly #shared: SparseWeights;

  constructor(saved: SavedHeads) {
    this.heads = saved.heads;
    this.#weights = new SparseWeights(saved.weights);
    this.#shared = new SparseWeights(saved.shared);
  }

  /** Probability of every label, over all heads in a row. */
  probabilities(observation: Observation): Float64Array {
    const scores = new Float64Array(this.#weights.columns);
    for (const feature of new Set(observation.features)) this.#weights.addTo(scores, feature);
    observation.evidence.forEach((names, label) => {
      for (const name of names) this.#shared.addTo(scores, name, label);
    });
    toProbabilities(scores, this.heads);
    return scores;
  }

  /** Weight of a feature for a label, to find what in a text spoke for it. */
  weight(feature: string, label: number): number {
    return this.#weights.weight(feature, label);
  }
}
