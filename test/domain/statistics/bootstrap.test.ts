import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  bootstrapInterval,
  pairedBootstrap,
  resamplesFor,
  type Resampling,
  type WeightedStatistic,
} from "../../../src/domain/statistics/bootstrap.ts";
import { pairedRatioInterval } from "../../../src/domain/statistics/paired-proportions.ts";
import reference from "./reference.json" with { type: "json" };

function mean(values: readonly number[]): WeightedStatistic {
  return (weights) => {
    let [sum, total] = [0, 0];
    for (const [index, value] of values.entries()) {
      sum += value * (weights?.[index] ?? 1);
      total += weights?.[index] ?? 1;
    }
    return sum / total;
  };
}

const compare = (champion: number[], challenger: number[], how: Partial<Resampling> = {}) =>
  pairedBootstrap(
    { champion: mean(champion), challenger: mean(challenger), pooled: mean([...champion, ...challenger]) },
    { records: champion.length, alpha: 0.05, ...how },
  );

describe("pairedBootstrap", () => {
  describe.each(reference.bootstrap)("of $champion.length records at $confidence", (sample) => {
    const { champion, challenger, confidence } = sample;
    const resampled = compare(champion, challenger, { alpha: 1 - confidence, resamples: 20_000 });
    const width = sample.student[1]! - sample.student[0]!;

    it("sees the difference", () => {
      expect(resampled?.difference.value).toBeCloseTo(sample.value, 8);
    });

    it("gives an interval about as wide as Student's, and wider than plain percentiles by SciPy", () => {
      const { lower, upper } = resampled!.difference.twoSided;
      expect(Math.abs((upper - lower) / width - 1)).toBeLessThan(0.04);
      expect(upper - lower).toBeGreaterThan((sample.percentile[1]! - sample.percentile[0]!) * 0.99);
      expect(Math.abs(lower - sample.percentile[0]!) / width).toBeLessThan(0.06);
      expect(Math.abs(upper - sample.percentile[1]!) / width).toBeLessThan(0.06);
    });

    it("gives the p-value of SciPy's permutation test, or a larger one", () => {
      const { p } = resampled!.difference;
      expect(p).toBeGreaterThanOrEqual(sample.swapP * 0.9 - 0.005);
      expect(p).toBeLessThan(1.5 * Math.max(sample.swapP, sample.studentP) + 0.01);
    });
  });

  it("gives the same numbers for the same input, to the last digit", () => {
    const { champion, challenger } = reference.bootstrap[1]!;
    const resampled = compare(champion, challenger);
    expect(resampled).toEqual(compare(champion, challenger));
    expect(resampled).not.toEqual(compare(champion, challenger, { seed: 43 }));
    expect(resampled?.difference).toMatchInlineSnapshot(`
      {
        "oneSided": {
          "lower": 0.0004361972166671002,
          "upper": 0.030180575116666608,
        },
        "p": 0.08671110503813306,
        "ratio": {
          "lower": 1.000385748078061,
          "upper": 1.0304041946448272,
        },
        "twoSided": {
          "lower": -0.0027463572999997243,
          "upper": 0.03249746985000013,
        },
        "value": 0.015461879616666563,
      }
    `);
  });

  it("turns round when the models change places", () => {
    // Sums of such fractions are exact in whatever order.
    const value = fc.nat(64).map((count) => count / 64);
    fc.assert(
      fc.property(fc.array(fc.tuple(value, value), { minLength: 20, maxLength: 40 }), (pairs) => {
        const [a, b] = [pairs.map(([one]) => one), pairs.map(([, other]) => other)];
        const [one, other] = [compare(a, b, { resamples: 200 }), compare(b, a, { resamples: 200 })];
        expect(one?.difference.value).toBeCloseTo(-other!.difference.value, 12);
        expect(one?.difference.p).toBeCloseTo(other!.difference.p, 12);
        expect(one?.difference.twoSided.lower).toBeCloseTo(-other!.difference.twoSided.upper, 12);
        expect(one?.championInterval).toEqual(other?.challengerInterval);
      }),
      { numRuns: 30 },
    );
  });

  it("tells nothing of equal models, and does not take agreement on few records for agreement on all", () => {
    const same = Array.from({ length: 100 }, (_, index) => (index % 10) / 10);
    const unbounded = compare(same, same)!.difference;
    expect(unbounded).toMatchObject({ value: 0, p: 1, twoSided: { lower: 0, upper: 0 } });
    const { p, oneSided } = compare(same, same, { bounds: { lower: 0, upper: 1 } })!.difference;
    expect(p).toBe(1);
    // 1.645 * sqrt(2) / 102: what the interval of Bonett and Price is for pairs without a difference.
    expect(oneSided.upper).toBeCloseTo(0.0228, 4);
    expect(oneSided.lower).toBeCloseTo(-oneSided.upper, 12);
  });

  it("tells a difference of four records that all went one way no more often than a coin does", () => {
    const champion = Array.from({ length: 20 }, () => 0.5);
    const challenger = champion.map((value, index) => (index < 4 ? 1 : value));
    // Four heads or four tails: 0.125, however few resamples of the bootstrap have none of the four.
    expect(compare(champion, challenger)?.difference.p).toBeCloseTo(0.125, 1);
  });

  it("tells a difference that all records show", () => {
    const champion = Array.from({ length: 20 }, (_, index) => index / 100);
    expect(
      compare(
        champion,
        champion.map((value) => value + 0.1 + value / 10),
      )?.difference.p,
    ).toBeLessThan(0.01);
  });

  it("leaves the ratio of values with bounds the room of a record that nobody has seen", () => {
    const bounds = { lower: 0, upper: 1 };
    const right = Array.from({ length: 100 }, (_, index) => (index < 80 ? 1 : 0));
    const { ratio, oneSided } = compare(right, right, { bounds })!.difference;
    // The same room as the difference has, so that a share of 0.8 and as many points are one margin.
    expect(ratio?.lower).toBeCloseTo(1 + oneSided.lower / 0.8, 9);
    expect(ratio?.upper).toBeCloseTo(1 + oneSided.upper / 0.8, 9);
    // At least what is left for pairs of right and wrong.
    expect(ratio?.lower).toBeLessThan(pairedRatioInterval({ both: 80, gained: 0, lost: 0 }, 0.9).lower);
    // Where one model is better, it hardly matters any more.
    const better = right.map((_, index) => (index < 95 ? 1 : 0));
    const [within, without] = [compare(right, better, { bounds })!, compare(right, better)!].map(
      ({ difference }) => difference.ratio?.lower ?? Number.NaN,
    );
    expect(within! / without!).toBeGreaterThan(0.99);
    expect(within! / without!).toBeLessThan(1);
    expect(compare(right, right)!.difference.ratio).toEqual({ lower: 1, upper: 1 });
  });

  it("gives a ratio only where the champion's value is above 0 in all resamples", () => {
    const fast = Array.from({ length: 50 }, (_, index) => 100 + index);
    const slow = fast.map((value) => value * 1.2);
    expect(compare(fast, slow)?.difference.ratio?.lower).toBeCloseTo(1.2, 6);
    const rare = fast.map((_, index) => (index === 0 ? 1 : 0));
    expect(compare(rare, fast)?.difference.ratio).toBeNull();
  });

  it("has no numbers where a statistic has none", () => {
    const values = [1, 2, 3, 4, 5];
    const none: WeightedStatistic = (weights) => (weights === undefined ? 1 : null);
    const resampling = { records: 5, alpha: 0.05 };
    expect(pairedBootstrap({ champion: none, challenger: none, pooled: none }, resampling)).toBeNull();
    const usual = { champion: mean(values), challenger: mean(values), pooled: mean([...values, ...values]) };
    expect(pairedBootstrap({ ...usual, champion: () => null }, resampling)).toBeNull();
    expect(pairedBootstrap({ ...usual, champion: () => Number.NaN }, resampling)).toBeNull();
  });
});

describe("bootstrapInterval", () => {
  const sample = reference.bootstrap[2]!;

  it("is the interval of the same model in a comparison", () => {
    const { champion, challenger } = sample;
    expect(bootstrapInterval(mean(champion), { records: champion.length, alpha: 0.05 })).toEqual(
      compare(champion, challenger)?.championInterval,
    );
  });

  it("stays within its bounds, and leaves room where all records are at one of them", () => {
    const bounds = { lower: 0, upper: 1 };
    const interval = bootstrapInterval(() => 1, { records: 30, alpha: 0.05, bounds });
    expect(interval?.upper).toBe(1);
    expect(interval?.lower).toBeCloseTo(1 - 1.96 / 32, 3);
  });

  it("does not exist where the statistic does not", () => {
    expect(bootstrapInterval(() => null, { records: 30, alpha: 0.05 })).toBeNull();
  });
});

describe("resamplesFor", () => {
  it.each([
    [0.05, 2000],
    [0.2, 2000],
    [0.01, 10_000],
    [0.001, 20_000],
  ])("at %f is %i", (alpha, resamples) => {
    expect(resamplesFor(alpha)).toBe(resamples);
  });
});
