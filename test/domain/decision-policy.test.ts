import { describe, expect, it } from "vitest";
import { decideSchema } from "../../src/domain/decide-schema.ts";
import { settlePolicy } from "../../src/domain/decision-policy.ts";

const suggested = {
  primary: "accuracy",
  guards: [
    { metric: "macro_f1", margin: 0.05 },
    { metric: "accuracy", margin: 0.02 },
  ],
};

describe("settlePolicy", () => {
  it("takes what the pack suggests where nothing is named, but no guard on the primary metric", () => {
    expect(settlePolicy(decideSchema.parse({ minGain: 0.03 }), suggested)).toMatchObject({
      primary: "accuracy",
      minGain: 0.03,
      guards: [{ metric: "macro_f1", margin: 0.05, on: "test" }],
    });
  });

  it("takes what is named as it is", () => {
    const guards = [{ metric: "latency_ms", relativeMargin: 0.2, on: "retention" }];
    expect(settlePolicy(decideSchema.parse({ primary: "macro_f1", guards }), suggested)).toMatchObject({
      primary: "macro_f1",
      guards,
    });
    expect(settlePolicy(decideSchema.parse({ guards: [] }), suggested).guards).toEqual([]);
  });

  it("guards what the pack would have decided by where another primary metric is named", () => {
    expect(settlePolicy(decideSchema.parse({ primary: "macro_f1" }), suggested).guards).toEqual([
      { metric: "accuracy", margin: 0.02, on: "test" },
    ]);
  });
});
