import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mcNemarExact } from "../../../src/domain/statistics/binomial.ts";
import {
  newcombePairedInterval,
  pairedRatioInterval,
  tangoInterval,
} from "../../../src/domain/statistics/paired-proportions.ts";
import reference from "./reference.json" with { type: "json" };

/** Complete response before and after therapy, Cavo et al. 2012, as worked in Fagerland, Lydersen and Laake 2017, chapter 8. */
const cavo = { both: 59, gained: 6, lost: 16, total: 161 };

const counts = fc.tuple(fc.nat(300), fc.nat(300), fc.nat(300), fc.nat(300));

function expectInterval(interval: { lower: number; upper: number }, expected: number[], digits: number): void {
  expect(interval.lower).toBeCloseTo(expected[0] ?? Number.NaN, digits);
  expect(interval.upper).toBeCloseTo(expected[1] ?? Number.NaN, digits);
}

describe("tangoInterval", () => {
  it.each(reference.tangoInterval)(
    "agrees with the maximised likelihood on $gained gained, $lost lost of $total at $confidence",
    ({ confidence, interval, ...pairs }) => {
      expectInterval(tangoInterval(pairs, confidence), interval, 5);
    },
  );

  it("gives the published interval (Fagerland et al. 2017)", () => {
    expectInterval(tangoInterval(cavo), [-0.124, -0.0054], 4);
  });

  it("turns round when the models change places, and holds the difference that was seen", () => {
    fc.assert(
      fc.property(counts, ([both, gained, lost, neither]) => {
        const total = both + gained + lost + neither;
        fc.pre(total > 0);
        const one = tangoInterval({ gained, lost, total });
        const other = tangoInterval({ gained: lost, lost: gained, total });
        expect(one.lower).toBeCloseTo(-other.upper, 9);
        expect(one.upper).toBeCloseTo(-other.lower, 9);
        expect(one.lower).toBeLessThanOrEqual((gained - lost) / total);
        expect(one.upper).toBeGreaterThanOrEqual((gained - lost) / total);
        expect(one.lower).toBeGreaterThanOrEqual(-1);
        expect(one.upper).toBeLessThanOrEqual(1);
      }),
    );
  });

  it("grows with confidence and rises with every pair gained", () => {
    fc.assert(
      fc.property(counts, ([both, gained, lost, neither]) => {
        const total = both + gained + lost + neither + 1;
        const [narrow, wide] = [0.8, 0.95].map((confidence) => tangoInterval({ gained, lost, total }, confidence));
        expect(wide!.lower).toBeLessThan(narrow!.lower + 1e-12);
        expect(wide!.upper).toBeGreaterThan(narrow!.upper - 1e-12);
        const better = tangoInterval({ gained: gained + 1, lost, total });
        expect(better.lower).toBeGreaterThanOrEqual(wide!.lower - 1e-12);
        expect(better.upper).toBeGreaterThanOrEqual(wide!.upper - 1e-12);
      }),
    );
  });

  it("leaves 0 out whenever the exact test tells a difference", () => {
    fc.assert(
      fc.property(counts, fc.double({ min: 0.001, max: 0.4, noNaN: true }), ([both, gained, lost, neither], alpha) => {
        fc.pre(mcNemarExact(gained, lost) <= alpha);
        const { lower, upper } = tangoInterval({ gained, lost, total: both + gained + lost + neither }, 1 - alpha);
        expect(lower > 0 || upper < 0).toBe(true);
      }),
    );
  });

  it("does not take agreement on few records for agreement on all", () => {
    const { lower, upper } = tangoInterval({ gained: 0, lost: 0, total: 20 }, 0.9);
    expect(upper).toBeCloseTo(2.7055 / (20 + 2.7055), 3);
    expect(lower).toBeCloseTo(-upper, 12);
    expect(tangoInterval({ gained: 0, lost: 0, total: 0 })).toEqual({ lower: -1, upper: 1 });
  });
});

describe("newcombePairedInterval", () => {
  it.each(reference.newcombePairedInterval)(
    "agrees with the formula over statsmodels' intervals on $both, $gained, $lost of $total at $confidence",
    ({ confidence, interval, ...pairs }) => {
      expectInterval(newcombePairedInterval(pairs, confidence), interval, 10);
    },
  );

  it("gives the published interval (Fagerland et al. 2017)", () => {
    expectInterval(newcombePairedInterval(cavo), [-0.1186, -0.0046], 4);
  });

  it("turns round when the models change places", () => {
    fc.assert(
      fc.property(counts, ([both, gained, lost, neither]) => {
        const total = both + gained + lost + neither;
        fc.pre(total > 0);
        const one = newcombePairedInterval({ both, gained, lost, total });
        const other = newcombePairedInterval({ both, gained: lost, lost: gained, total });
        expect(one.lower).toBeCloseTo(-other.upper, 12);
        expect(one.upper).toBeCloseTo(-other.lower, 12);
      }),
    );
  });
});

describe("pairedRatioInterval", () => {
  it("gives the published interval (Fagerland et al. 2017)", () => {
    expectInterval(pairedRatioInterval(cavo), [0.7579, 0.991], 4);
  });

  it("turns upside down when the models change places", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.nat(300), fc.nat(300), (both, gained, lost) => {
        const one = pairedRatioInterval({ both, gained, lost });
        const other = pairedRatioInterval({ both, gained: lost, lost: gained });
        expect(one.lower * other.upper).toBeCloseTo(1, 9);
        expect(one.lower).toBeLessThanOrEqual((both + gained) / (both + lost));
        expect(one.upper).toBeGreaterThanOrEqual((both + gained) / (both + lost));
      }),
    );
  });

  it("has no upper end where the champion was never right", () => {
    expect(pairedRatioInterval({ both: 0, gained: 5, lost: 0 }).upper).toBe(Infinity);
    expect(pairedRatioInterval({ both: 0, gained: 0, lost: 0 })).toEqual({ lower: 0, upper: Infinity });
  });
});
