import { setTimeout as delay } from "node:timers/promises";
import type { Prediction, TestRecord } from "../src/domain/evaluation-schema.ts";
import { isRetryable, PreconditionFailed, TypedFailure } from "../src/domain/failures.ts";
import type { ObjectStore } from "../src/ports.ts";
import { parsePredictions } from "./predictions.ts";

/** Writes of one state before a failing storage fails the evaluation: half a minute. */
const writeTries = 8;
const firstPauseMs = 250;

/** What is asked again of the questions without an answer: each that might get one, or those only whose requests failed. */
export type AskedAgain = "all" | "unavailable";

/** Whether there is nothing to be gained by asking again. */
function isFinal({ answer, failure }: Prediction, again: AskedAgain): boolean {
  return answer !== null || failure === "unusable" || (failure === "refused" && again === "unavailable");
}

/**
 * The answers to the questions of one shard, stored as they come: all that have come while the last write was under way go
 * into the next one. The object always holds its answers in the order of the questions, and what failed stays in it until
 * it has been asked again: who reads it meanwhile finds as many as there were. Nobody else writes it: each write is made
 * on what the last one left, and fails as a Conflict when another worker has been there.
 */
export class PredictionShard {
  /** Questions without a final answer yet, as places among the shard's questions. */
  readonly open: readonly number[];
  /** What is stored and final. */
  readonly known: readonly Prediction[];
  readonly #store: ObjectStore;
  readonly #key: string;
  #etag: string | null;
  #lines: (Buffer | null)[];
  #awaited: number;
  #next: PromiseWithResolvers<void> | null = null;
  #isWriting = false;

  private constructor(
    store: ObjectStore,
    key: string,
    { again, ...stored }: { etag: string | null; answers: (Prediction | null)[]; again: AskedAgain },
  ) {
    const isOpen = (prediction: Prediction | null): boolean => prediction === null || !isFinal(prediction, again);
    this.#store = store;
    this.#key = key;
    this.#etag = stored.etag;
    this.known = stored.answers.flatMap((prediction) => (isOpen(prediction) ? [] : (prediction ?? [])));
    this.open = stored.answers.flatMap((prediction, index) => (isOpen(prediction) ? [index] : []));
    this.#lines = stored.answers.map((prediction) => (prediction === null ? null : lineOf(prediction)));
    this.#awaited = this.open.length;
  }

  /** Reads what is stored of the answers to these questions. Throws InvalidData naming a line that is no prediction. */
  static async open(
    store: ObjectStore,
    key: string,
    questions: readonly TestRecord[],
    again: AskedAgain,
  ): Promise<PredictionShard> {
    const stored = await store.get(key);
    const known = stored === null ? [] : parsePredictions(key, stored.body);
    const byId = new Map(known.map((prediction) => [prediction.id, prediction]));
    const answers = questions.map(({ id }) => byId.get(id) ?? null);
    return new PredictionShard(store, key, { etag: stored?.etag ?? null, answers, again });
  }

  /** Resolves when the answer to the question at this place is stored. */
  add(place: number, prediction: Prediction): Promise<void> {
    this.#lines[place] = lineOf(prediction);
    this.#awaited--;
    this.#next ??= Promise.withResolvers();
    const { promise } = this.#next;
    if (!this.#isWriting) void this.#writeAll();
    return promise;
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    for (let commit = this.#next; commit !== null; commit = this.#next) {
      this.#next = null;
      try {
        await this.#write();
        commit.resolve();
      } catch (error) {
        commit.reject(error);
      }
    }
    this.#isWriting = false;
  }

  async #write(): Promise<void> {
    const isLast = this.#awaited === 0;
    const body = Buffer.concat(this.#lines.flatMap((line) => line ?? []));
    for (let attempt = 1; ; attempt++) {
      try {
        this.#etag = await this.#put(body);
        break;
      } catch (error) {
        if (!(error instanceof TypedFailure) || !isRetryable(error.type) || error instanceof PreconditionFailed)
          throw error;
        if (attempt === writeTries) throw error;
        await delay(firstPauseMs * 2 ** (attempt - 1));
      }
    }
    // What will not change is not held in memory.
    if (isLast) this.#lines = [];
  }

  async #put(body: Buffer): Promise<string> {
    const condition = this.#etag === null ? { ifNoneMatch: "*" as const } : { ifMatch: this.#etag };
    try {
      const { etag } = await this.#store.put(this.#key, body, { condition, contentType: "application/jsonl" });
      return etag;
    } catch (error) {
      if (!(error instanceof PreconditionFailed)) throw error;
      // Our own write, if its answer was lost on the way.
      const there = await this.#store.get(this.#key);
      if (there?.body.equals(body)) return there.etag;
      throw error;
    }
  }
}

function lineOf(prediction: Prediction): Buffer {
  return Buffer.from(`${JSON.stringify(prediction)}\n`);
}
