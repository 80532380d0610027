import { describe, expect, it } from "vitest";
import { contrastOf, deviationOf, gainOf } from "../../src/domain/contrast.ts";
import { mcNemarExact, wilsonInterval } from "../../src/domain/statistics/binomial.ts";
import { tangoInterval } from "../../src/domain/statistics/paired-proportions.ts";
import { alone, latencies, pairs, preferences } from "../support/comparisons.ts";

describe("contrastOf", () => {
  it("takes pairs apart by the exact test and score intervals at the policy's level", () => {
    const counts = { gained: 20, lost: 4, total: 144 };
    expect(contrastOf(pairs(100, 20, 4, 20), 0.1)).toMatchObject({
      test: "exact McNemar",
      champion: { value: 104 / 144, interval: wilsonInterval(104, 144, 0.9) },
      challenger: { value: 120 / 144 },
      difference: {
        value: 16 / 144,
        p: mcNemarExact(20, 4),
        twoSided: tangoInterval(counts, 0.9),
        oneSided: tangoInterval(counts, 0.8),
      },
    });
  });

  it("has no difference without a champion, and no numbers for what is not usable", () => {
    expect(contrastOf(alone(30, 40), 0.05)).toMatchObject({
      champion: null,
      difference: null,
      challenger: { value: 0.75 },
    });
    expect(contrastOf({ ...alone(30, 40), kind: "unusable", reason: "it is broken" }, 0.05)).toBeNull();
    expect(contrastOf(pairs(0, 0, 0, 0), 0.05)?.difference).toBeNull();
  });

  it("takes preferences for pairs of which neither model has a value of its own", () => {
    expect(contrastOf(preferences(30, 10, 5, 5), 0.05)).toMatchObject({
      test: "sign test",
      champion: null,
      challenger: null,
      difference: { value: 0.4, p: mcNemarExact(30, 10), ratio: null },
    });
  });

  it("has the worst case over the records that count then, and nothing known where no number can be given", () => {
    const worstCase = { missing: 10, total: 60, gained: 10, lost: 40 };
    expect(contrastOf({ ...preferences(30, 10, 5, 5), worstCase }, 0.05)?.worstCase).toMatchObject({
      missing: 10,
      difference: { value: -0.5 },
    });
    const unknown = { missing: 1, total: 1, difference: null };
    expect(contrastOf(latencies(500, 520, 10, { worstCase: unknown }), 0.05)?.worstCase?.difference).toMatchObject({
      p: 1,
      oneSided: { lower: -Infinity, upper: Infinity },
    });
  });

  it("leaves numbers as they were resampled", () => {
    const comparison = latencies(500, 520, 10);
    expect(contrastOf(comparison, 0.05)?.difference).toEqual(comparison.difference);
  });
});

describe("gainOf", () => {
  it("turns round where lower is better", () => {
    const { difference } = latencies(500, 520, 10);
    expect(gainOf(difference!, "lower")).toMatchObject({
      value: -20,
      twoSided: { lower: expect.closeTo(-39.6, 9), upper: expect.closeTo(-0.4, 9) },
    });
    expect(gainOf(difference!, "higher")).toBe(difference);
  });
});

describe("deviationOf", () => {
  it("is what the width of the interval came from", () => {
    expect(deviationOf(latencies(500, 520, 10).difference!, 400, 0.05)).toBeCloseTo(10 * 20, 0);
  });
});
