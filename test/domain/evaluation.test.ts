import { describe, expect, it } from "vitest";
import { countAnswers, scoreAnswers, startScoring, summarise, tablesOf } from "../../src/domain/evaluation.ts";
import { classification } from "../../src/domain/metrics/classification.ts";
import { latency } from "../../src/domain/metrics/latency.ts";
import type { MetricPack, MetricValues } from "../../src/domain/metrics/metric.ts";
import { responses } from "../../src/domain/metrics/responses.ts";
import { aPrediction, aTestRecord, noContext } from "../support/answers.ts";

const fails = (): never => {
  throw new Error("no such label");
};

describe("countAnswers", () => {
  it("counts the questions asked and those that got no answer, an empty one being an answer", () => {
    const answers = ["yes", "", null, null].map((answer) => ({ answer }));
    expect(countAnswers(answers)).toEqual({ asked: 4, failed: 2 });
    expect(countAnswers([])).toEqual({ asked: 0, failed: 0 });
  });
});

describe("startScoring", () => {
  const packs = [responses, classification.create({}, noContext), latency.create({}, noContext)];
  const records = Array.from({ length: 60 }, (_, index) =>
    aTestRecord({ id: `r${index}`, expected: index % 2 === 0 ? "yes" : "no", labels: { third: index % 3 } }),
  );
  /** Right at every fourth, no answer at every tenth, else always yes. */
  const predictions = records.map(({ id, expected }, index) =>
    aPrediction({
      id,
      expected,
      answer: index % 10 === 0 ? null : index % 4 === 0 ? expected : "yes",
      latencyMs: index,
    }),
  );

  it("keeps values by record, with what a question without an answer counts as", () => {
    const scored = scoreAnswers(records, predictions, { packs, slices: ["labels.third"] });
    expect(scored.ids).toEqual(records.map(({ id }) => id));
    expect(scored.answered.filter((is) => !is)).toHaveLength(6);
    expect(scored.columns["failed_api_responses"]?.[0]).toBe(true);
    expect(scored.columns["accuracy"]?.slice(0, 3)).toEqual([false, false, true]);
    expect(scored.columns["macro_f1"]?.slice(0, 2)).toEqual([
      ["yes", null],
      ["no", "yes"],
    ]);
    expect(scored.columns["latency_ms"]?.slice(0, 2)).toEqual([null, 1]);
    expect(scored.subsets["labels.third=1"]).toEqual(records.flatMap((_, index) => (index % 3 === 1 ? [index] : [])));
    expect(scored.unusable).toEqual({});
  });

  it("says how many slices have too few records", () => {
    const scored = scoreAnswers(records.slice(0, 30), predictions, { packs, slices: ["labels.third", "source"] });
    expect(Object.keys(scored.subsets)).toEqual(["test", "source=slack"]);
    expect(scored.leftOut).toEqual({ "labels.third": 3 });
  });

  const broken = (score: () => MetricValues): MetricPack => ({
    name: "own",
    metrics: [
      { name: "good", title: "", unit: "ratio", better: "higher", kind: "binary", unanswered: false },
      { name: "size", title: "", unit: "points", better: "higher", kind: "mean", unanswered: 0 },
    ],
    score,
  });
  it.each<[string, () => MetricValues, Record<string, string>]>([
    [
      "NaN",
      () => ({ good: true, size: Number.NaN }),
      { size: "metric pack own gave size NaN, which is no finite number" },
    ],
    ["Infinity", () => ({ size: Infinity }), { size: "metric pack own gave size Infinity, which is no finite number" }],
    [
      "text",
      () => ({ size: "3" }),
      { size: "metric pack own gave size a value of type string, which is no finite number" },
    ],
    [
      "a number for a verdict",
      () => ({ good: 1 }),
      { good: "metric pack own gave good 1, which is neither true nor false" },
    ],
    [
      "an error",
      () => {
        throw new Error("no such field");
      },
      { good: "metric pack own failed with Error", size: "metric pack own failed with Error" },
    ],
    [
      "an error that quotes the answer",
      () => JSON.parse("a secret"),
      { good: "metric pack own failed with SyntaxError", size: "metric pack own failed with SyntaxError" },
    ],
    ["names that it does not have", () => ({ good: true, size: 1, other: 2 }), {}],
  ])("makes a metric unusable, and no other, whose pack gives %s", (_, score, unusable) => {
    const scored = scoreAnswers(records, predictions, { packs: [responses, broken(score)] });
    expect(scored.unusable).toEqual(unusable);
    for (const name of Object.keys(unusable)) expect(scored.columns[name]).toEqual(records.map(() => null));
    expect(scored.columns["failed_api_responses"]?.filter((value) => value === true)).toHaveLength(6);
    expect(Object.keys(scored.columns)).not.toContain("other");
  });

  it("keeps nothing of the answers: 50,000 of 2 kB each fit into little memory", () => {
    const scorer = startScoring({ packs, slices: ["labels.third"] });
    const before = memoryMb();
    for (let index = 0; index < 50_000; index++) {
      const [id, expected] = [`record-${index}`, index % 2 === 0 ? "yes" : "no"];
      const record = aTestRecord({ id, expected, labels: { third: index % 3 } });
      scorer.add(record, aPrediction({ id, expected, answer: `${expected} ${"because ".repeat(250)}${index}` }));
    }
    expect(scorer.scored().ids).toHaveLength(50_000);
    expect(memoryMb() - before).toBeLessThan(75);
  });
});

describe("summarise", () => {
  const packs = [responses, classification.create({}, noContext), latency.create({}, noContext)];
  const answers = ["yes", "no", null, "yes"];
  const records = answers.map((_, index) =>
    aTestRecord({ id: `r${index}`, expected: "yes", set: index === 3 ? "retention" : "test" }),
  );
  const predictions = answers.map((answer, index) =>
    aPrediction({ id: `r${index}`, expected: "yes", answer, latencyMs: 100 * index }),
  );

  it("gives metrics by subset: over the answered records, and failed responses over all", () => {
    expect(summarise(scoreAnswers(records, predictions, { packs }), packs)).toEqual({
      test: { failed_api_responses: 1 / 3, accuracy: 0.5, macro_f1: 2 / 3, latency_ms: 50, latency_p95_ms: 100 },
      retention: { failed_api_responses: 0, accuracy: 1, macro_f1: 1, latency_ms: 300, latency_p95_ms: 300 },
    });
  });

  it("says null where a statistic of one's own fails or is no number", () => {
    const [known] = packs[1]!.metrics.filter(({ kind }) => kind === "statistic");
    const failing = (statistic: () => number) => ({
      ...packs[1]!,
      metrics: [known!],
      statistics: { macro_f1: () => statistic },
    });
    for (const pack of [failing(fails), failing(() => Number.NaN)]) {
      const scored = scoreAnswers(records, predictions, { packs: [pack] });
      expect(summarise(scored, [pack])["test"]).toEqual({ macro_f1: null });
    }
  });

  it("says null and not 0 or NaN where no record counts", () => {
    const silent = predictions.map((prediction) => ({ ...prediction, answer: null }));
    expect(summarise(scoreAnswers(records, silent, { packs }), packs)["test"]).toEqual({
      failed_api_responses: 1,
      accuracy: null,
      macro_f1: null,
      latency_ms: null,
      latency_p95_ms: null,
    });
    expect(summarise(scoreAnswers([], [], { packs }), packs)).toEqual({});
  });
});

describe("tablesOf", () => {
  it("leaves out the tables of a pack that fails to make them", () => {
    const whole = classification.create({}, noContext);
    const scored = scoreAnswers(
      [aTestRecord({ id: "r0", expected: "yes" })],
      [aPrediction({ id: "r0", expected: "yes", answer: "yes" })],
      {
        packs: [whole],
      },
    );
    expect(tablesOf(scored, [{ ...whole, tables: fails }])).toEqual([]);
  });

  it("has the tables of all packs", () => {
    const packs = [responses, classification.create({}, noContext)];
    const [record, prediction] = [
      aTestRecord({ id: "a", expected: "yes" }),
      { id: "a", expected: "yes", answer: "no" },
    ];
    const tables = tablesOf(scoreAnswers([record], [aPrediction(prediction)], { packs }), packs);
    expect(tables.map(({ rows }) => rows.length)).toEqual([1, 1]);
  });
});

function memoryMb(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / 1e6;
}
