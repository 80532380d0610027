import { setTimeout as delay } from "node:timers/promises";

/** What one endpoint may be asked. */
export interface Limits {
  /** Requests in flight at a time, at most. */
  concurrency: number;
  /** Requests to begin in a second, at most; null for as many as `concurrency` makes. */
  requestsPerSecond: number | null;
}

/** Requests may begin late, as timers are, and make up for so much of it. */
const catchUpMs = 10;

/**
 * Lets requests to one endpoint through, in the order in which they come: so many at a time, so many a second, and none
 * while the endpoint asks for patience. Then it lets half as many through at a time, and more again with each answer: an
 * endpoint that is asked for too much finds its own measure.
 */
export class RequestGate {
  readonly #limits: Limits;
  readonly #signal: AbortSignal;
  #turn: Promise<void> = Promise.resolve();
  #inFlight = 0;
  #width: number;
  #nextMs = 0;
  #pausedUntilMs = 0;
  #left: () => void = () => {};

  /** `signal` ends all waiting, with its reason. */
  constructor(limits: Limits, signal: AbortSignal) {
    this.#limits = limits;
    this.#signal = signal;
    this.#width = limits.concurrency;
  }

  /** Resolves when a request may begin; say {@link leave} when it has ended. Throws the signal's reason. */
  enter(): Promise<void> {
    const passed = this.#turn.then(() => this.#pass());
    this.#turn = passed.catch(() => {});
    return passed;
  }

  /** A request has ended; `answered` if it brought an answer. */
  leave({ answered }: { answered: boolean }): void {
    this.#inFlight--;
    if (answered) this.#width = Math.min(this.#limits.concurrency, this.#width + 1 / this.#width);
    this.#left();
  }

  /** The endpoint asks for patience. Of requests that were sent before it said so the first time, the others change nothing. */
  pause(milliseconds: number): void {
    const now = performance.now();
    if (now >= this.#pausedUntilMs) this.#width = Math.max(1, this.#width / 2);
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, now + milliseconds);
  }

  async #pass(): Promise<void> {
    for (;;) {
      this.#signal.throwIfAborted();
      const waitMs = Math.max(this.#pausedUntilMs, this.#nextMs) - performance.now();
      if (waitMs > 0) await delay(waitMs, undefined, { signal: this.#signal });
      else if (this.#inFlight < Math.floor(this.#width)) break;
      else await this.#room();
    }
    this.#inFlight++;
    const { requestsPerSecond } = this.#limits;
    if (requestsPerSecond === null) return;
    this.#nextMs = Math.max(this.#nextMs, performance.now() - catchUpMs) + 1000 / requestsPerSecond;
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#signal.removeEventListener("abort", done);
        resolve();
      };
      this.#left = done;
      this.#signal.addEventListener("abort", done);
    });
  }
}
