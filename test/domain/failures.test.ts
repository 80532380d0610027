import { describe, expect, it } from "vitest";
import { failureTypes, isRetryable, PreconditionFailed, TypedFailure } from "../../src/domain/failures.ts";

describe("isRetryable", () => {
  it("is true for what another attempt can mend, and for nothing else", () => {
    expect(failureTypes.filter(isRetryable)).toEqual([
      "Conflict",
      "RateLimited",
      "Unavailable",
      "StillWaiting",
      "Internal",
    ]);
  });
});

describe("TypedFailure", () => {
  it("keeps its cause and the wait that was asked for", () => {
    const cause = new Error("socket hang up");
    const failure = new TypedFailure("RateLimited", "too many", { cause, retryAfterMs: 0 });
    expect([failure.type, failure.message, failure.cause, failure.retryAfterMs]).toEqual([
      "RateLimited",
      "too many",
      cause,
      0,
    ]);
    expect(new TypedFailure("Internal", "x").retryAfterMs).toBeNull();
  });

  it("names the key of a conditional write that lost", () => {
    const failure = new PreconditionFailed("registry/games.json");
    expect([failure.type, failure.message]).toEqual(["Conflict", expect.stringContaining("registry/games.json")]);
  });
});
