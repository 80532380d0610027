import { describe, expect, it } from "vitest";
import { scoreAnswers } from "../../src/domain/evaluation.ts";
import { measureAlone } from "../../src/domain/measure.ts";
import { builtInPacks } from "../../src/domain/metrics/built-in-packs.ts";
import { makePacks } from "../../src/domain/metrics/choices.ts";
import { wilsonInterval } from "../../src/domain/statistics/binomial.ts";
import { aPrediction, aTestRecord } from "../support/builders.ts";

const context = { vocabulary: { functions: [], attributeTypes: [] }, prices: null };
const packs = makePacks(
  ["exact-match", "latency"].map((pack) => ({ pack, options: {} })),
  context,
  builtInPacks,
);
const records = Array.from({ length: 40 }, (_, index) => aTestRecord(`r${index}`));

describe("measureAlone", () => {
  it("gives a ratio Wilson's interval, counts what has no answer as wrong, and says what it is without that", () => {
    const predictions = records.map(({ id }, index) => {
      if (index < 30) return aPrediction(id, { answer: `answer to ${id}` });
      return aPrediction(id, index < 35 ? { answer: "wrong" } : { answer: null, error: "HTTP 503" });
    });
    const { metrics } = measureAlone(scoreAnswers(records, predictions, { packs }), packs);
    expect(metrics.find(({ metric }) => metric === "exact_match")).toMatchObject({
      title: expect.any(String),
      subset: "test",
      unit: "ratio",
      value: 0.75,
      interval: wilsonInterval(30, 40),
      ofAnswered: 30 / 35,
      records: 40,
    });
    const latency = metrics.find(({ metric }) => metric === "latency_ms");
    expect(latency).toMatchObject({ value: 1, records: 35, ofAnswered: null });
  });

  it("says why a metric has no value", () => {
    const [one = aTestRecord("r")] = records;
    const { metrics, unusable } = measureAlone(scoreAnswers([one], [aPrediction(one.id)], { packs }), packs);
    expect(unusable["latency_ms"]).toContain("latency_ms has a value for 1 records only");
    expect(metrics.find(({ metric }) => metric === "latency_ms")).toMatchObject({ value: null, interval: null });
  });
});
