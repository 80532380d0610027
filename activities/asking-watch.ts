import type { AskingProgress, Prediction } from "../src/domain/evaluation-schema.ts";
import { TypedFailure } from "../src/domain/failures.ts";

/** Questions in a row that an endpoint may leave without an answer before nobody asks it more. */
const mostInARow = 50;
/** What the rate is taken over, in milliseconds, and how finely. */
const windowMs = 10_000;
const stepMs = 500;

/** An endpoint answers nobody: Unavailable where its requests fail, which may pass, else ServiceFailed. */
export class NoAnswers extends TypedFailure {}

/** Counts answers, and notices an endpoint that answers nobody. */
export class AskingWatch {
  readonly #records: number;
  readonly #model: string;
  #answered = 0;
  #failed = 0;
  #passing = 0;
  #asked = 0;
  #answeredNow = 0;
  #inARow = 0;
  #lastFailed: Prediction | null = null;
  #history: { ms: number; asked: number }[] = [{ ms: performance.now(), asked: 0 }];

  constructor(model: string, records: number) {
    this.#model = model;
    this.#records = records;
  }

  /** Counts a prediction that was stored before. */
  countKnown(prediction: Prediction): void {
    this.#count(prediction);
  }

  /** Counts a prediction that was just made. Throws NoAnswers when the endpoint answers nobody. */
  countAsked(prediction: Prediction): void {
    this.#count(prediction);
    this.#asked++;
    const now = performance.now();
    if (now - (this.#history.at(-1)?.ms ?? 0) >= stepMs) this.#history.push({ ms: now, asked: this.#asked });
    if (prediction.answer !== null) {
      this.#answeredNow++;
      this.#inARow = 0;
      return;
    }
    // One question's fault says nothing of the others, unless none fares better.
    if (prediction.failure === "unusable" && this.#answeredNow > 0) return;
    if (++this.#inARow < mostInARow) return;
    throw this.#silence(`answered none of the last ${mostInARow} questions`);
  }

  /** Throws as {@link countAsked} when all questions have been asked and none has an answer. */
  assertAnswers(): void {
    if (this.#answered === 0) throw this.#silence(`answered none of ${this.#records} questions`);
  }

  /** Questions without an answer. */
  get failed(): number {
    return this.#failed;
  }

  /** Those of them whose requests failed, which may fare better another time. */
  get passing(): number {
    return this.#passing;
  }

  /** How far it is by now. */
  progress(): AskingProgress {
    const now = performance.now();
    while (this.#history.length > 1 && now - (this.#history[0]?.ms ?? now) > windowMs) this.#history.shift();
    const [since = { ms: now, asked: this.#asked }] = this.#history;
    const seconds = (now - since.ms) / 1000;
    return {
      records: this.#records,
      answered: this.#answered,
      failed: this.#failed,
      perSecond: seconds < 1 ? null : Number(((this.#asked - since.asked) / seconds).toFixed(2)),
      lastFailure: this.#lastFailed?.error ?? null,
    };
  }

  #count(prediction: Prediction): void {
    if (prediction.answer !== null) {
      this.#answered++;
      return;
    }
    this.#failed++;
    if (prediction.failure === "unavailable") this.#passing++;
    this.#lastFailed = prediction;
  }

  #silence(what: string): NoAnswers {
    const { failure, error } = this.#lastFailed ?? {};
    const type = failure === "unavailable" ? "Unavailable" : "ServiceFailed";
    return new NoAnswers(type, `${this.#model} ${what}: ${error ?? "there were none"}`);
  }
}
