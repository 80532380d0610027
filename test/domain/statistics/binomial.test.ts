import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { binomialChance, binomialTail, mcNemarExact, wilsonInterval } from "../../../src/domain/statistics/binomial.ts";
import reference from "./reference.json" with { type: "json" };

describe("binomialChance", () => {
  it.each(reference.binomial)("agrees with SciPy on exactly $k of $n at $p to 12 digits", ({ k, n, p, said }) => {
    expect(binomialChance(k, n, p) / said.chance).toBeCloseTo(1, 12);
  });

  it("is shared out among all counts", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.double({ min: 0, max: 1, noNaN: true }), (n, p) => {
        const all = Array.from({ length: n + 1 }, (_, k) => binomialChance(k, n, p));
        expect(all.reduce((sum, chance) => sum + chance, 0)).toBeCloseTo(1, 12);
      }),
    );
  });

  it.each([
    [-1, 5, 0.5, 0],
    [6, 5, 0.5, 0],
    [0, 5, 0, 1],
    [1, 5, 0, 0],
    [5, 5, 1, 1],
    [4, 5, 1, 0],
  ])("of %i of %i at %f is %f", (k, n, p, chance) => {
    expect(binomialChance(k, n, p)).toBe(chance);
  });
});

describe("binomialTail", () => {
  it.each(reference.binomial)("agrees with SciPy on at most $k of $n at $p to 12 digits", ({ k, n, p, said }) => {
    expect(binomialTail(k, n, p) / said.tail).toBeCloseTo(1, 12);
  });

  it("rises with the count and is the other tail's complement", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.nat(5000),
        fc.double({ min: 0.001, max: 0.999, noNaN: true }),
        (n, at, p) => {
          const k = at % n;
          const tail = binomialTail(k, n, p);
          expect(binomialTail(k + 1, n, p)).toBeGreaterThanOrEqual(tail);
          expect(tail + binomialTail(n - k - 1, n, 1 - p)).toBeCloseTo(1, 11);
        },
      ),
    );
  });
});

describe("mcNemarExact", () => {
  it.each(reference.mcNemarExact)("agrees with statsmodels on $gained gained and $lost lost", ({ gained, lost, p }) => {
    expect(mcNemarExact(gained, lost) / p).toBeCloseTo(1, 11);
  });

  it.each([
    [1, 7, 0.0703, "Fagerland, Lydersen and Laake 2013, airway hyper-responsiveness (Bentur et al. 2009)"],
    [6, 16, 0.0525, "Fagerland, Lydersen and Laake 2017, complete response to therapy (Cavo et al. 2012)"],
  ])("gives the published value for %i against %i pairs: %f (%s)", (gained, lost, p) => {
    expect(mcNemarExact(gained, lost)).toBeCloseTo(p, 4);
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

  it("falls as the split grows more uneven", () => {
    fc.assert(
      fc.property(fc.nat(500), fc.nat(500), (gained, more) => {
        expect(mcNemarExact(gained + more + 1, gained)).toBeLessThanOrEqual(mcNemarExact(gained + more, gained));
      }),
    );
  });

  it("is no number for what are no counts", () => {
    expect(mcNemarExact(Number.NaN, 3)).toBeNaN();
    expect(mcNemarExact(4, -1)).toBeNaN();
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
  ])("gives the interval of Newcombe 1998, table I, for %i of %i", (right, total, lower, upper) => {
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
