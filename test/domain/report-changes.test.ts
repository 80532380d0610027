import { describe, expect, it } from "vitest";
import type { Prediction, TestRecord } from "../../src/domain/evaluation-schema.ts";
import type { ScoredAnswers } from "../../src/domain/evaluation.ts";
import type { Metric, MetricValue } from "../../src/domain/metrics/metric.ts";
import { changedRecords, choiceOf, reportChanges, shownChange } from "../../src/domain/report-changes.ts";

const metric = (name: string, overrides: Partial<Metric> = {}): Metric => ({
  name,
  title: name,
  unit: "ratio",
  better: "higher",
  kind: "binary",
  unanswered: false,
  ...overrides,
});
const metrics = [
  metric("right"),
  metric("also_right"),
  metric("overlap", { kind: "mean", unanswered: 0 }),
  metric("refusal", { better: "lower" }),
  metric("latency_ms", { unit: "ms", kind: "mean", better: "lower" }),
  metric("length", { unit: "characters", kind: "mean", better: "neither" }),
  metric("preferred", { kind: "preference", unanswered: null }),
];

/** Values of one record of both models, champion first. */
function changeOf(values: Record<string, [MetricValue, MetricValue]>) {
  const arm = (side: 0 | 1): ScoredAnswers => ({
    ids: ["a"],
    answered: [true],
    subsets: { test: [0] },
    leftOut: {},
    columns: Object.fromEntries(Object.entries(values).map(([name, pair]) => [name, [pair[side]]])),
    unusable: {},
  });
  return changedRecords(arm(0), arm(1), metrics, "right")[0] ?? null;
}

describe("changedRecords", () => {
  it.each([
    ["right now", { right: [false, true] }, "better"],
    ["wrong now", { right: [true, false] }, "worse"],
    [
      "right by the primary metric, wrong by others",
      { right: [false, true], also_right: [true, false], overlap: [1, 0] },
      "better",
    ],
    ["a refusal less", { refusal: [true, false] }, "better"],
    ["more overlap", { overlap: [0.2, 0.4] }, "better"],
    ["preferred by a judge", { preferred: [null, "gained"] }, "better"],
    ["not preferred by a judge", { preferred: [null, "lost"] }, "worse"],
    ["as much better as worse", { also_right: [true, false], refusal: [true, false] }, "worse"],
  ] as const)("counts what is %s", (_, values, direction) => {
    expect(changeOf(values as never)?.direction).toBe(direction);
  });

  it.each([
    ["the same", { right: [true, true] }],
    ["slower and longer", { latency_ms: [10, 900], length: [10, 900] }],
    ["hardly another overlap", { overlap: [0.8, 0.82] }],
    ["without a value on one side", { right: [null, true] }],
    ["a tie", { preferred: [null, "tie"] }],
  ] as const)("leaves out what is %s", (_, values) => {
    expect(changeOf(values as never)).toBeNull();
  });

  it("leaves out records that only one model was asked, and puts the most telling first", () => {
    const arm = (ids: string[], right: boolean[], also: boolean[]): ScoredAnswers => ({
      ids,
      answered: ids.map(() => true),
      subsets: {},
      leftOut: {},
      columns: { right, also_right: also },
      unusable: {},
    });
    const champion = arm(["a", "b", "c"], [true, true, true], [true, true, true]);
    const challenger = arm(["d", "c", "b", "a"], [false, true, false, false], [false, false, false, true]);
    expect(changedRecords(champion, challenger, metrics, "right").map(({ id }) => id)).toEqual(["b", "a", "c"]);
  });
});

describe("choiceOf", () => {
  const change = (id: number, direction: "better" | "worse") => ({ id: String(id), direction, metrics: {}, weight: 1 });
  const some = (better: number, worse: number) => [
    ...Array.from({ length: better }, (_, id) => change(id, "better")),
    ...Array.from({ length: worse }, (_, id) => change(id + 1e6, "worse")),
  ];

  it.each([
    [500, 4, 196, 4],
    [3, 500, 3, 197],
    [500, 500, 100, 100],
    [10, 10, 10, 10],
    [0, 0, 0, 0],
  ])("of %i better and %i worse shows %i and %i", (better, worse, shownBetter, shownWorse) => {
    const chosen = choiceOf(some(better, worse));
    expect(chosen.filter(({ direction }) => direction === "better")).toHaveLength(shownBetter);
    expect(chosen.filter(({ direction }) => direction === "worse")).toHaveLength(shownWorse);
  });
});

describe("reportChanges", () => {
  const record = (id: string, system: string | null, expected = "yes"): TestRecord => ({
    id,
    set: "test",
    question: [
      ...(system === null ? [] : [{ role: "system" as const, content: system }]),
      { role: "user", content: `q ${id}` },
    ],
    expected,
    source: null,
    author: null,
    group: id,
    labels: {},
  });
  const prediction = (answer: string | null): Prediction => ({
    id: "a",
    expected: "yes",
    answer,
    error: answer === null ? "HTTP 500" : null,
    latencyMs: 1,
    promptTokens: null,
    completionTokens: null,
  });
  const found = (of: TestRecord, challenger: string | null) =>
    shownChange({
      change: { id: of.id, direction: "worse", metrics: { right: "worse" }, weight: 1 },
      record: of,
      subsets: [],
      champion: prediction("yes"),
      challenger: prediction(challenger),
    });
  const changed = ["a", "b"].map((id) => ({ id, direction: "worse" as const, metrics: {}, weight: 1 }));

  it("says once what all questions begin with", () => {
    const same = reportChanges(changed, [found(record("a", "Be brief."), "no"), found(record("b", "Be brief."), "no")]);
    expect(same.instructions?.text).toBe("Be brief.");
    expect(same.shown.map(({ question }) => question.map(({ role }) => role))).toEqual([["user"], ["user"]]);
    const other = reportChanges(changed, [found(record("a", "Be brief."), "no"), found(record("b", null), "no")]);
    expect(other.instructions).toBeNull();
    expect(other.shown[0]?.question.map(({ role }) => role)).toEqual(["system", "user"]);
  });

  it("cuts long texts, not within a character, and says so; an answer that never came has its reason", () => {
    const { shown } = reportChanges(changed, [
      found(record("a", null), `${"x".repeat(1499)}${"🎮".repeat(500_000)}`),
      found(record("b", null, "y".repeat(5000)), null),
    ]);
    expect(shown[0]?.challenger.answer).toEqual({ text: "x".repeat(1499), isCut: true });
    expect(shown[1]).toMatchObject({ expected: { isCut: true }, challenger: { answer: null, error: "HTTP 500" } });
  });

  it("shows as many as fit into a page, and counts all", () => {
    const many = Array.from({ length: 200 }, (_, index) => ({ ...changed[0]!, id: String(index) }));
    const { shown, worse } = reportChanges(
      many,
      many.map(({ id }) => found(record(id, null, "<".repeat(9000)), "&".repeat(9000))),
    );
    expect(worse).toBe(200);
    expect(shown.length).toBeGreaterThan(20);
    expect(shown.length).toBeLessThan(100);
  });
});
