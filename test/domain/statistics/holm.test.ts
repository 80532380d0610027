import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { holm } from "../../../src/domain/statistics/holm.ts";
import reference from "./reference.json" with { type: "json" };

describe("holm", () => {
  it.each(reference.holm)("agrees with statsmodels on $ps", ({ ps, adjusted }) => {
    for (const [index, p] of holm(ps).entries()) expect(p).toBeCloseTo(adjusted[index] ?? Number.NaN, 12);
  });

  it("is between the p-value and Bonferroni's, in the same order", () => {
    const p = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.array(p, { minLength: 1, maxLength: 30 }), (ps) => {
        const adjusted = holm(ps);
        for (const [index, p] of ps.entries()) {
          expect(adjusted[index]).toBeGreaterThanOrEqual(p);
          expect(adjusted[index]).toBeLessThanOrEqual(Math.min(1, p * ps.length));
          for (const [other, q] of ps.entries())
            if (p < q) expect(adjusted[index]).toBeLessThanOrEqual(adjusted[other]!);
        }
      }),
    );
  });

  it("has nothing to adjust of nothing", () => {
    expect(holm([])).toEqual([]);
  });
});
