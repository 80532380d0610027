import { describe, expect, it } from "vitest";
import { listChanges } from "../../src/domain/changes.ts";
import { mcNemarExact } from "../../src/domain/statistics/binomial.ts";
import { alone, latencies, pairs } from "../support/comparisons.ts";

describe("listChanges", () => {
  it("lists what changed beyond chance, the surest first, with p-values adjusted for all that was looked at", () => {
    const changes = listChanges(
      [
        pairs(100, 20, 4, 20, { metric: "a" }),
        pairs(100, 9, 4, 31, { metric: "b" }),
        pairs(100, 4, 40, 0, { metric: "c" }),
        latencies(500, 400, 10),
      ],
      0.05,
    );
    expect(changes.better.map(({ comparison }) => comparison.metric)).toEqual(["latency_ms", "a"]);
    expect(changes.better[0]?.gain).toBe(100);
    expect(changes.better[1]?.p).toBeCloseTo(2 * mcNemarExact(20, 4), 12);
    expect(changes.worse).toMatchObject([{ comparison: { metric: "c" }, gain: -36 / 144 }]);
  });

  it("does not list what only one of many tests shows", () => {
    const noise = Array.from({ length: 20 }, (_, index) => pairs(100, 10, 9, 20, { metric: `m${index}` }));
    const lucky = pairs(100, 16, 5, 20, { metric: "lucky" });
    expect(mcNemarExact(16, 5)).toBeLessThan(0.05);
    expect(listChanges([lucky, ...noise], 0.05).better).toEqual([]);
    expect(listChanges([lucky], 0.05).better).toHaveLength(1);
  });

  it("leaves out what has no direction, no champion or no numbers", () => {
    const broken = { ...pairs(1, 50, 0, 49), kind: "unusable", reason: "it is broken" } as const;
    const aimless = pairs(1, 50, 0, 49, { better: "neither" });
    expect(listChanges([aimless, alone(50, 60), broken], 0.05)).toEqual({ looked: 0, better: [], worse: [] });
  });
});
