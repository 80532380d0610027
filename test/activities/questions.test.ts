import { describe, expect, it } from "vitest";
import { askQuestion } from "../../activities/questions.ts";
import { RequestGate } from "../../activities/request-gate.ts";
import { TypedFailure } from "../../src/domain/failures.ts";
import type { ModelEndpoint } from "../../src/ports.ts";

/** Says how long it would have waited, and does not. */
class HurriedGate extends RequestGate {
  readonly pauses: number[] = [];
  override pause(milliseconds: number): void {
    this.pauses.push(milliseconds);
  }
}

describe("askQuestion", () => {
  it("waits ten minutes at most for an endpoint that asks for a year", async () => {
    let asked = 0;
    const endpoint: ModelEndpoint = {
      complete: async () => {
        if (asked++ === 0) throw new TypedFailure("RateLimited", "not now", { retryAfterMs: 365 * 86_400_000 });
        return { answer: "fine", promptTokens: null, completionTokens: null };
      },
    };
    const { signal } = new AbortController();
    const gate = new HurriedGate({ concurrency: 1, requestsPerSecond: null }, signal);
    const to = { baseUrl: "http://127.0.0.1:1", token: null, serviceVersion: null, model: "m" };
    const how = { temperature: 0, maxTokens: null, timeoutMs: 1000, tries: 1, signal };
    const question = { id: "r0", expected: "fine", messages: [{ role: "user" as const, content: "how?" }] };
    expect(await askQuestion({ endpoint, asked: to, gate, ...how }, question)).toMatchObject({ answer: "fine" });
    expect(gate.pauses).toEqual([600_000]);
  });
});
