import { describe, expect, it } from "vitest";
import { randomWords, xoshiro } from "../../../src/domain/statistics/random.ts";
import reference from "./reference.json" with { type: "json" };

describe("xoshiro", () => {
  it("gives the words of the published algorithm", () => {
    const [a = 0, b = 0, c = 0, d = 0] = reference.randomWords.state;
    const next = xoshiro([a, b, c, d]);
    expect(reference.randomWords.words.map(() => next())).toEqual(reference.randomWords.words);
  });
});

describe("randomWords", () => {
  it("gives the same words for the same seed and others for the next", () => {
    const words = (seed: number): number[] => {
      const next = randomWords(seed);
      return Array.from({ length: 50 }, () => next());
    };
    expect(words(42)).toEqual(words(42));
    expect(words(42).filter((word) => words(43).includes(word))).toEqual([]);
  });

  it("spreads its words evenly", () => {
    const next = randomWords(0);
    const buckets = Array.from({ length: 16 }, () => 0);
    for (let draw = 0; draw < 160_000; draw++) buckets[next() >>> 28]! += 1;
    // Five standard deviations of a bucket's count are 484.
    for (const bucket of buckets) expect(Math.abs(bucket - 10_000)).toBeLessThan(484);
  });
});
