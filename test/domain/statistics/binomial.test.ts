import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  mcNemarExact,
  pairedDifferenceInterval,
  recordsToTell,
  wilsonInterval,
} from "../../../src/domain/statistics/binomial.ts";
import { normalQuantile } from "../../../src/domain/statistics/normal.ts";
import reference from "./reference.json" with { type: "json" };

describe("mcNemarExact", () => {
  it.each(reference.mcNemarExact)("agrees with statsmodels on $gained gained and $lost lost", ({ gained, lost, p }) => {
    expect(mcNemarExact(gained, lost) / p).toBeCloseTo(1, 9);
  });

  it("gives the published value for 1 against 7 pairs (Fagerland et al. 2013, airway hyper-responsiveness)", () => {
    expect(mcNemarExact(1, 7)).toBeCloseTo(0.0703, 4);
  });

  it("is a probability, blind to which side is which, and 1 for an even split", () => {
    const count = fc.nat(2000);
    fc.assert(
      fc.property(count, count, (gained, lost) => {
        const p = mcNemarExact(gained, lost);
        expect(p).toBeGreaterThanOrEqual(0);
        expect(p).toBeLessThanOrEqual(1);
        expect(mcNemarExact(lost, gained)).toBe(p);
        expect(mcNemarExact(gained, gained)).toBe(1);
      }),
    );
  });
});

describe("wilsonInterval", () => {
  it.each(reference.wilsonInterval)(
    "agrees with statsmodels on $right of $total at $confidence",
    ({ right, total, confidence, interval }) => {
      const { lower, upper } = wilsonInterval(right, total, confidence);
      expect(lower).toBeCloseTo(interval[0] ?? Number.NaN, 10);
      expect(upper).toBeCloseTo(interval[1] ?? Number.NaN, 10);
    },
  );

  it.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ])("gives Newcombe's published interval for %i of %i", (right, total, lower, upper) => {
    const interval = wilsonInterval(right, total);
    expect(interval.lower).toBeCloseTo(lower, 4);
    expect(interval.upper).toBeCloseTo(upper, 4);
  });

  it("ends exactly at 0 when nothing was right and at 1 when all was, so that a floor of 0 is not passed by rounding", () => {
    for (let total = 1; total <= 500; total++) {
      expect(wilsonInterval(0, total).lower).toBe(0);
      expect(wilsonInterval(total, total).upper).toBe(1);
    }
  });

  it("knows nothing of no records", () => {
    expect(wilsonInterval(0, 0)).toEqual({ lower: 0, upper: 1 });
  });
});

describe("pairedDifferenceInterval", () => {
  it.each(reference.pairedDifferenceInterval)(
    "agrees with the formula on $gained gained, $lost lost of $total at $confidence",
    ({ confidence, interval, ...pairs }) => {
      const { lower, upper } = pairedDifferenceInterval(pairs, confidence);
      expect(lower).toBeCloseTo(interval[0] ?? Number.NaN, 10);
      expect(upper).toBeCloseTo(interval[1] ?? Number.NaN, 10);
    },
  );

  it("turns round when the models change places", () => {
    fc.assert(
      fc.property(fc.nat(500), fc.nat(500), fc.nat(500), (gained, lost, same) => {
        const total = gained + lost + same;
        const one = pairedDifferenceInterval({ gained, lost, total });
        const other = pairedDifferenceInterval({ gained: lost, lost: gained, total });
        expect(one.lower).toBeCloseTo(-other.upper, 12);
        expect(one.upper).toBeCloseTo(-other.lower, 12);
        expect(one.lower).toBeLessThanOrEqual(one.upper);
      }),
    );
  });
});

describe("recordsToTell", () => {
  /** Chance that the exact test at alpha finds the gain among so many records. */
  function exactPower(records: number, discordance: number, gain: number, alpha: number): number {
    const gainedShare = (discordance + gain) / 2 / discordance;
    let power = 0;
    for (let pairs = 0; pairs <= records; pairs++) {
      const chance = binomial(records, pairs, discordance);
      if (chance < 1e-9) continue;
      for (let gained = 0; gained <= pairs; gained++) {
        if (mcNemarExact(gained, pairs - gained) <= alpha) power += chance * binomial(pairs, gained, gainedShare);
      }
    }
    return power;
  }
  function binomial(n: number, k: number, p: number): number {
    let logChance = 0;
    for (let i = 1; i <= k; i++) logChance += Math.log((n - k + i) / i);
    return Math.exp(logChance + k * Math.log(p) + (n - k) * Math.log1p(-p));
  }

  it("gives the formula's value, rounded up", () => {
    // (1.959964 * sqrt(0.3) + 0.841621 * sqrt(0.3 - 0.01)) ** 2 / 0.01 = 233.09
    expect(recordsToTell({ discordance: 0.3, gain: 0.1 }, 0.05)).toBe(234);
  });

  it.each([
    [0.3, 0.1, 0.05],
    [0.2, 0.1, 0.05],
    [0.2, 0.1, 0.01],
    [0.5, 0.15, 0.1],
  ])("lets the exact test find it four times out of five, less what exactness costs: %f, %f, %f", (...given) => {
    const [discordance, gain, alpha] = given;
    const power = exactPower(recordsToTell({ discordance, gain }, alpha), ...given);
    expect(power).toBeGreaterThan(0.74);
    expect(power).toBeLessThan(0.82);
  });

  it("takes the models to disagree at least as often as one of them gains", () => {
    expect(recordsToTell({ discordance: 0, gain: 0.1 }, 0.05)).toBe(
      recordsToTell({ discordance: 0.1, gain: 0.1 }, 0.05),
    );
  });
});

describe("normalQuantile", () => {
  it.each(reference.normalQuantile)("agrees with SciPy at $probability to 14 digits", ({ probability, quantile }) => {
    const error = Math.abs(normalQuantile(probability) - quantile);
    expect(error).toBeLessThanOrEqual(1e-14 * Math.abs(quantile));
  });

  it.each([
    [0, -Infinity],
    [1, Infinity],
    [-0.1, Number.NaN],
    [1.1, Number.NaN],
    [Number.NaN, Number.NaN],
  ])("of %f is %f", (probability, quantile) => {
    expect(normalQuantile(probability)).toBe(quantile);
  });
});
