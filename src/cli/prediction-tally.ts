import type { Prediction } from "../domain/evaluation-schema.ts";
import type { EvaluationFound } from "./evaluation-report.ts";

/** Reasons that are told apart. */
const mostReasons = 20;

/** Counts answers, tokens, and why there is no answer. */
export class Tally {
  #records = 0;
  #failed = 0;
  #promptTokens: number | null = 0;
  #completionTokens: number | null = 0;
  readonly #failures = new Map<string, number>();

  add({ answer, error, promptTokens, completionTokens }: Prediction): void {
    this.#records++;
    if (answer === null) {
      this.#failed++;
      const reason = error ?? "no reason";
      const said = this.#failures.has(reason) || this.#failures.size < mostReasons ? reason : "other reasons";
      this.#failures.set(said, (this.#failures.get(said) ?? 0) + 1);
      return;
    }
    this.#promptTokens = sum(this.#promptTokens, promptTokens);
    this.#completionTokens = sum(this.#completionTokens, completionTokens);
  }

  /** What was counted, the most frequent reasons first. */
  found(): Pick<EvaluationFound, "records" | "failed" | "failures" | "promptTokens" | "completionTokens"> {
    return {
      records: this.#records,
      failed: this.#failed,
      failures: Object.fromEntries([...this.#failures].toSorted(([, a], [, b]) => b - a)),
      promptTokens: this.#promptTokens,
      completionTokens: this.#completionTokens,
    };
  }
}

/** Of what is not known the sum is not known either. */
function sum(total: number | null, more: number | null): number | null {
  return total === null || more === null ? null : total + more;
}
