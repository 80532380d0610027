import { describe, expect, it } from "vitest";
import { randomWords, xoshiro } from "../../../src/domain/statistics/random.ts";
import reference from "./reference.json" with { type: "json" };

describe("xoshiro", () => {
  it("gives the words of the published algorithm", () => {
    const [a = 0, b = 0, c = 0, d = 0] = reference.randomWords.state;
    const fill = xoshiro([a, b, c, d]);
    const [first, second] = [new Uint32Array(3), new Uint32Array(5)];
    fill(first);
    fill(second);
    expect([...first, ...second]).toEqual(reference.randomWords.words);
  });
});

describe("randomWords", () => {
  it("gives the same words for the same seed and others for the next", () => {
    const words = (seed: number): number[] => {
      const drawn = new Uint32Array(50);
      randomWords(seed)(drawn);
      return [...drawn];
    };
    expect(words(42)).toEqual(words(42));
    expect(words(42).filter((word) => words(43).includes(word))).toEqual([]);
  });

  it("spreads its words evenly", () => {
    const drawn = new Uint32Array(160_000);
    randomWords(0)(drawn);
    const buckets = Array.from({ length: 16 }, () => 0);
    for (const word of drawn) buckets[word >>> 28]! += 1;
    // Five standard deviations of a bucket's count are 484.
    for (const bucket of buckets) expect(Math.abs(bucket - 10_000)).toBeLessThan(484);
  });
});
