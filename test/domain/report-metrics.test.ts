import { describe, expect, it } from "vitest";
import type { NumericComparison } from "../../src/domain/comparison-schema.ts";
import { decisionPolicySchema } from "../../src/domain/decide-schema.ts";
import type { Metric } from "../../src/domain/metrics/metric.ts";
import { reportMetrics, unusableMetrics, type MeasuredCycle } from "../../src/domain/report-metrics.ts";
import { alone, pairs } from "../support/comparisons.ts";

const metric = (name: string, overrides: Partial<Metric> = {}): Metric => ({
  name,
  title: `Title of ${name}`,
  unit: "ratio",
  better: "higher",
  kind: "binary",
  unanswered: false,
  ...overrides,
});
const latency: NumericComparison = {
  metric: "latency_ms",
  subset: "test",
  unit: "ms",
  better: "lower",
  kind: "mean",
  total: 100,
  champion: 200,
  championInterval: { lower: 190, upper: 210 },
  challenger: 230,
  challengerInterval: null,
  difference: {
    value: 30,
    twoSided: { lower: 10, upper: 50 },
    oneSided: { lower: 13, upper: 47 },
    p: 0.01,
    ratio: null,
  },
  worstCase: null,
};

const cycle = (overrides: Partial<MeasuredCycle> = {}): MeasuredCycle => ({
  policy: decisionPolicySchema.parse({
    primary: "accuracy",
    guards: [
      { metric: "format", margin: 0.02, on: "source=discord" },
      { metric: "latency_ms", relativeMargin: 0.2 },
    ],
  }),
  comparisons: [
    pairs(70, 10, 5, 15, { metric: "format", subset: "source=discord" }),
    pairs(70, 10, 5, 15, { metric: "format" }),
    latency,
    pairs(70, 10, 5, 15, { metric: "format", subset: "retention" }),
    pairs(70, 10, 5, 15),
  ],
  base: { base: [alone(20, 100)] },
  metrics: [metric("format"), metric("accuracy"), metric("latency_ms", { unit: "ms", better: "lower", kind: "mean" })],
  ofAnswered: { challenger: { test: { accuracy: 0.85, format: 0.8 } } },
  ...overrides,
});

describe("reportMetrics", () => {
  it("puts the primary metric first, then guards, the others, old skills and slices", () => {
    expect(reportMetrics(cycle()).map(({ metric, subset, role }) => [metric, subset, role])).toEqual([
      ["accuracy", "test", "primary"],
      ["latency_ms", "test", "guard"],
      ["format", "test", "reported"],
      ["format", "retention", "reported"],
      ["format", "source=discord", "guard"],
    ]);
  });

  it("gives each arm its value and interval, also the base model, and what it is of the answered questions", () => {
    const [accuracy, , format] = reportMetrics(cycle());
    expect(accuracy).toMatchObject({
      title: "Title of accuracy",
      arms: {
        base: { value: 0.2, ofAnswered: null },
        champion: { value: 0.75, ofAnswered: null },
        challenger: { value: 0.8, ofAnswered: 0.85 },
      },
      changed: { gained: 10, lost: 5 },
    });
    expect(accuracy?.arms.challenger?.interval?.lower).toBeCloseTo(0.711, 3);
    expect(format?.arms.challenger?.ofAnswered).toBeNull();
    expect(format?.arms.base).toBeUndefined();
  });

  it("holds differences against what the decision does, with the interval that it looks at", () => {
    const [accuracy, slow, , , slice] = reportMetrics(cycle());
    expect(accuracy).toMatchObject({ threshold: 0.01, difference: { value: 0.05, confidence: 0.95 } });
    expect(slow).toMatchObject({ threshold: 40, difference: { interval: { lower: 13, upper: 47 }, confidence: 0.9 } });
    expect(slice).toMatchObject({ threshold: -0.02, difference: { confidence: 0.9 } });
  });

  it("has no difference without a champion, and no value where nothing counted", () => {
    const [row] = reportMetrics(cycle({ comparisons: [alone(0, 0)], base: {} }));
    expect(row).toMatchObject({ difference: null, changed: null, arms: {} });
    expect(JSON.stringify(row)).not.toContain("null,null");
  });
});

describe("unusableMetrics", () => {
  it("names each metric without numbers once", () => {
    const broken = { ...pairs(0, 0, 0, 0), kind: "unusable" as const, reason: "metric pack x failed" };
    expect(unusableMetrics([broken, { ...broken, subset: "retention" }, pairs(1, 1, 1, 1)])).toEqual([
      { what: "accuracy", reason: "metric pack x failed" },
    ]);
  });
});
