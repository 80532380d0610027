import { describe, expect, it } from "vitest";
import { drawChart } from "../../src/report/charts.ts";
import { learningSpec } from "../../src/report/chart-specs.ts";
import type { LearningPoint } from "../../src/domain/report-schema.ts";

const point = (cycle: string, trainedRecords: number): LearningPoint => ({
  cycle,
  endedAt: "2026-01-01T12:00:00.000Z",
  outcome: "promoted",
  trainedRecords,
  testSet: "0".repeat(64),
  metric: "accuracy",
  measured: { value: 0.8, interval: { lower: 0.7, upper: 0.9 }, ofAnswered: null },
});

describe("learningSpec", () => {
  it.each([
    ["one cycle", [point("games-1", 200)], "200"],
    ["cycles of a thousand records and more", [point("games-1", 200), point("games-2", 1200)], "1,200"],
  ])("counts records in whole numbers, of %s", async (_, points, most) => {
    const svg = await drawChart({ spec: learningSpec(points, "ratio", "accuracy"), label: "learning" });
    const texts = [...svg.matchAll(/>([^<>]+)<\/text>/g)].map(([, text]) => text ?? "");
    const ticks = texts.slice(0, texts.indexOf("training records"));
    expect(ticks).toContain(most);
    expect(ticks.filter((tick) => !/^\d{1,3}(,\d{3})*$/.test(tick))).toEqual([]);
  });
});
