import { describe, expect, it } from "vitest";
import { judgeMargin } from "../../../src/domain/statistics/non-inferiority.ts";

describe("judgeMargin", () => {
  it.each([
    [-0.019, 0.03, "within"],
    [-0.02, 0.03, "within"],
    [-0.021, 0.03, "undecided"],
    [-0.05, -0.02, "undecided"],
    [-0.05, -0.021, "worse"],
    [0.01, 0.03, "within"],
    [Number.NaN, Number.NaN, "undecided"],
  ])("says of a gain between %f and %f against a margin of 0.02 that it is %s", (lower, upper, verdict) => {
    expect(judgeMargin({ lower, upper }, 0.02)).toBe(verdict);
  });
});
