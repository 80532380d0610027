import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { binomialChance, binomialTail, mcNemarExact } from "../../../src/domain/statistics/binomial.ts";
import { tangoInterval } from "../../../src/domain/statistics/paired-proportions.ts";
import {
  recordsForMean,
  recordsForMeanWithin,
  recordsForPairs,
  recordsForPairsWithin,
} from "../../../src/domain/statistics/power.ts";
import reference from "./reference.json" with { type: "json" };

/** Chance that so many pairs are gained and lost among the records, summed over those that pass. */
function chanceOf(
  { records, discordance, gain }: { records: number; discordance: number; gain: number },
  passes: (gained: number, lost: number) => boolean,
): number {
  const share = (discordance + gain) / 2 / discordance;
  let chance = 0;
  for (let pairs = 0; pairs <= records; pairs++) {
    const ofPairs = binomialChance(pairs, records, discordance);
    if (ofPairs < 1e-9) continue;
    // More gained pairs never pass less: the least number that does is all there is to find.
    let [low, high] = [0, pairs + 1];
    while (low < high) {
      const gained = Math.floor((low + high) / 2);
      if (passes(gained, pairs - gained)) high = gained;
      else low = gained + 1;
    }
    chance += ofPairs * (1 - binomialTail(low - 1, pairs, share));
  }
  return chance;
}

describe("recordsForPairs", () => {
  it.each([
    [0.3, 0.1, 0.05],
    [0.2, 0.1, 0.05],
    [0.1, 0.02, 0.05],
    [0.2, 0.1, 0.01],
    [0.5, 0.15, 0.1],
    [0.4, 0.02, 0.05],
  ])("lets the exact test find a gain four times out of five: %f, %f, %f", (discordance, gain, alpha) => {
    const records = recordsForPairs({ discordance, gain }, alpha);
    const power = chanceOf({ records, discordance, gain }, (g, l) => g > l && mcNemarExact(g, l) <= alpha);
    expect(power).toBeGreaterThan(0.785);
    expect(power).toBeLessThan(0.85);
  });

  it.each([
    [0.05, 0.04, 0.05],
    [0.3, 0.3, 0.05],
  ])(
    "asks for a few records too many where nearly all that differs is gained: %f, %f, %f",
    (discordance, gain, alpha) => {
      const records = recordsForPairs({ discordance, gain }, alpha);
      const power = chanceOf({ records, discordance, gain }, (g, l) => g > l && mcNemarExact(g, l) <= alpha);
      expect(power).toBeGreaterThan(0.8);
      expect(power).toBeLessThan(0.95);
    },
  );

  it.each([
    [0.2, 0.03, 0.02],
    [0.2, 0.03, 0.01],
  ])("lets the gain that is seen be large enough as often: %f, %f, at least %f", (discordance, gain, leastGain) => {
    const records = recordsForPairs({ discordance, gain, leastGain }, 0.05);
    const power = chanceOf(
      { records, discordance, gain },
      (g, l) => g > l && mcNemarExact(g, l) <= 0.05 && (g - l) / records >= leastGain,
    );
    expect(power).toBeGreaterThan(0.785);
    expect(power).toBeLessThan(0.85);
  });

  it("takes the models to disagree at least as often as one of them gains", () => {
    expect(recordsForPairs({ discordance: 0, gain: 0.1 }, 0.05)).toBe(
      recordsForPairs({ discordance: 0.1, gain: 0.1 }, 0.05),
    );
  });

  it("asks for more where the gain is smaller, the models differ more, or more certainty is wanted", () => {
    const share = fc.double({ min: 0.01, max: 0.45, noNaN: true });
    fc.assert(
      fc.property(share, share, (gain, more) => {
        const plan = { discordance: gain + more, gain };
        const records = recordsForPairs(plan, 0.05);
        expect(recordsForPairs({ ...plan, gain: gain / 2 }, 0.05)).toBeGreaterThan(records);
        expect(recordsForPairs({ ...plan, discordance: gain + more + 0.05 }, 0.05)).toBeGreaterThanOrEqual(records);
        expect(recordsForPairs(plan, 0.01)).toBeGreaterThan(records);
        expect(recordsForPairs(plan, 0.05, 0.9)).toBeGreaterThan(records);
        expect(recordsForPairs({ ...plan, leastGain: gain * 0.9 }, 0.05)).toBeGreaterThanOrEqual(records);
      }),
    );
  });
});

describe("recordsForMean", () => {
  it.each(reference.recordsForMean)(
    "agrees with statsmodels' t-test on $deviation, $gain at $alpha and $power",
    ({ alpha, power, records, ...plan }) => {
      expect(Math.abs(recordsForMean(plan, alpha, power) - records)).toBeLessThanOrEqual(1.01);
    },
  );
});

describe("recordsForMeanWithin", () => {
  it.each(reference.recordsForMeanWithin)(
    "agrees with statsmodels' one-sided t-test on $deviation, $margin at $alpha and $power",
    ({ alpha, power, records, ...plan }) => {
      expect(Math.abs(recordsForMeanWithin(plan, alpha, power) - records)).toBeLessThanOrEqual(1.3);
    },
  );
});

describe("recordsForPairsWithin", () => {
  it.each(reference.recordsForPairsWithin)(
    "agrees with the maximised likelihood on $discordance, $margin at $alpha and $power",
    ({ alpha, power, records, ...plan }) => {
      expect(recordsForPairsWithin(plan, alpha, power)).toBe(Math.ceil(records - 1e-6));
    },
  );

  it.each([
    [0.1, 0.02, 0.05],
    [0.3, 0.05, 0.05],
    [0.05, 0.03, 0.05],
  ])("lets the score test pass equal models four times out of five: %f, %f, %f", (discordance, margin, alpha) => {
    const records = recordsForPairsWithin({ discordance, margin }, alpha);
    const power = chanceOf({ records, discordance, gain: 0 }, (gained, lost) => {
      return tangoInterval({ gained, lost, total: records }, 1 - 2 * alpha).lower >= -margin;
    });
    expect(power).toBeGreaterThan(0.77);
    expect(power).toBeLessThan(0.85);
  });
});
