import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareAll, compareArms } from "../../src/domain/comparison.ts";
import { comparisonSchema, type Comparison } from "../../src/domain/comparison-schema.ts";
import { contrastOf, type Contrast } from "../../src/domain/contrast.ts";
import { judgeGuard } from "../../src/domain/guard-judgement.ts";
import type { Judgement } from "../../src/domain/judgement.ts";
import { judgePrimary } from "../../src/domain/primary-judgement.ts";
import type { ScoredAnswers } from "../../src/domain/evaluation.ts";
import type { Metric, MetricPack, MetricValue } from "../../src/domain/metrics/metric.ts";

const accuracy: Metric = {
  name: "accuracy",
  title: "Accuracy",
  unit: "ratio",
  better: "higher",
  kind: "binary",
  unanswered: false,
};
const f1: Metric = { ...accuracy, name: "f1", kind: "mean", unanswered: 0 };
const latency: Metric = {
  ...accuracy,
  name: "latency_ms",
  unit: "ms",
  better: "lower",
  kind: "mean",
  unanswered: null,
};
const largest: Metric = { ...latency, name: "largest", kind: "statistic" };
const failed: Metric = { ...accuracy, name: "failed", better: "lower", unanswered: true, over: "asked" };
const preference: Metric = { ...accuracy, name: "preference", kind: "preference", unanswered: null };

function pack(...metrics: Metric[]): MetricPack {
  const sizes = (values: readonly MetricValue[]) => (weights?: Uint32Array) =>
    Math.max(...values.map((value, index) => ((weights?.[index] ?? 1) > 0 ? Number(value) : 0)));
  return { name: "own", metrics, score: () => ({}), statistics: { largest: sizes } };
}

/** Values of records `r0`, `r1` and so on; null as the answer of those that got none. */
function scored(columns: Record<string, MetricValue[]>, overrides: Partial<ScoredAnswers> = {}): ScoredAnswers {
  const length = Math.max(...Object.values(columns).map((values) => values.length));
  const ids = Array.from({ length }, (_, index) => `r${String(index).padStart(3, "0")}`);
  return {
    ids,
    answered: ids.map(() => true),
    subsets: { test: [...ids.keys()] },
    leftOut: {},
    columns,
    unusable: {},
    ...overrides,
  };
}

function compareOne(
  metric: Metric,
  champion: MetricValue[] | null,
  challenger: MetricValue[],
  overrides: { champion?: Partial<ScoredAnswers>; challenger?: Partial<ScoredAnswers> } = {},
): Comparison {
  const [comparison, ...others] = compareAll({
    champion: champion && scored({ [metric.name]: champion }, overrides.champion),
    challenger: scored({ [metric.name]: challenger }, overrides.challenger),
    packs: [pack(metric)],
    alpha: 0.05,
    resamples: 200,
  });
  expect(others).toEqual([]);
  // What cannot be stored cannot be checked later.
  expect(comparisonSchema.parse(JSON.parse(JSON.stringify(comparison)))).toEqual(comparison);
  if (comparison === undefined) throw new Error("nothing was compared");
  return comparison;
}

const numbers = (length: number, of: (index: number) => number): number[] => Array.from({ length }, (_, i) => of(i));

describe("compareAll", () => {
  it("counts pairs of right and wrong", () => {
    const [right, wrong] = [true, false];
    expect(compareOne(accuracy, [right, right, wrong, wrong, wrong], [right, wrong, right, right, wrong])).toEqual({
      metric: "accuracy",
      subset: "test",
      unit: "ratio",
      better: "higher",
      kind: "binary",
      total: 5,
      championRight: 2,
      challengerRight: 3,
      gained: 2,
      lost: 1,
      worstCase: null,
    });
  });

  it("counts the challenger alone without a champion", () => {
    expect(compareOne(accuracy, null, [true, false, true])).toMatchObject({
      total: 3,
      championRight: null,
      challengerRight: 2,
    });
  });

  it("counts no record that only one was asked, or that has no value", () => {
    const [one, other] = [{ ids: ["a", "b", "c", "d"] }, { ids: ["d", "e", "b", "c"] }];
    expect(
      compareOne(accuracy, [true, true, null, false], [true, true, false, null], { champion: one, challenger: other }),
    ).toMatchObject({ total: 2, championRight: 1, challengerRight: 1, gained: 1, lost: 1 });
  });

  it("is not usable when one model has values for just some of what both answered", () => {
    const champion = numbers(100, () => 0).map((_, index) => index % 2 === 0);
    const without = (count: number) => champion.map((value, index) => (index < count ? null : value));
    expect(compareOne(accuracy, champion, without(5))).toMatchObject({
      kind: "binary",
      total: 95,
      worstCase: { missing: 5, total: 100, championRight: 50, challengerRight: 47, gained: 0, lost: 3 },
    });
    for (const one of [compareOne(accuracy, champion, without(6)), compareOne(accuracy, without(6), champion)]) {
      const reason = "6 of 100 records have a value of accuracy for one of both models only";
      expect(one).toMatchObject({ kind: "unusable", reason });
    }
    const silent = { challenger: { answered: champion.map((_, index) => index >= 50) } };
    expect(compareOne(accuracy, champion, without(50), silent)).toMatchObject({
      kind: "binary",
      total: 50,
      worstCase: { missing: 50, total: 100, lost: 25 },
    });
  });

  it("gives the champion what it left without an answer, were it at its best", () => {
    const silent = { champion: { answered: [true, false, false, true] } };
    expect(compareOne(accuracy, [true, false, false, false], [true, true, false, true], silent)).toMatchObject({
      championRight: 1,
      gained: 2,
      lost: 0,
      worstCase: { missing: 2, total: 4, championRight: 3, challengerRight: 3, gained: 1, lost: 1 },
    });
    const errors: Metric = { ...accuracy, name: "errors", better: "lower", unanswered: true };
    expect(compareOne(errors, [false, true, true, true], [false, false, true, true], silent)).toMatchObject({
      gained: 0,
      lost: 1,
      worstCase: { missing: 2, total: 4, championRight: 1, challengerRight: 2, gained: 1, lost: 0 },
    });
  });

  it("counts nothing against the challenger where neither model answered, as on questions that nobody can", () => {
    const isShort = Array.from({ length: 100 }, (_, index) => index >= 3);
    const [champion, challenger] = [isShort.with(50, false), isShort];
    const silent = { champion: { answered: isShort }, challenger: { answered: isShort } };
    expect(compareOne(accuracy, champion, challenger, silent)).toMatchObject({ gained: 1, worstCase: null });
    const oneMore = { ...silent, champion: { answered: isShort.with(50, false) } };
    expect(compareOne(accuracy, champion, challenger, oneMore)).toMatchObject({
      total: 100,
      worstCase: { missing: 1, total: 100, championRight: 97, challengerRight: 97, gained: 0, lost: 0 },
    });
    const verdicts = isShort.map((is) => (is ? "gained" : "tie"));
    const both = { champion: { ids: verdicts.map((_, i) => `r${String(i).padStart(3, "0")}`), answered: isShort } };
    expect(compareOne(preference, [null], verdicts, { ...silent, ...both })).toMatchObject({ worstCase: null });
    const largestOf = isShort.map((is, index) => (is ? index : 9999));
    expect(compareOne(largest, largestOf, largestOf, silent)).toMatchObject({ total: 100, worstCase: null });
  });

  it("forgives no missing answer where the metric is about just these", () => {
    const silent = { champion: { answered: [true, false, false, true] } };
    expect(compareOne(failed, [false, true, true, false], [false, false, false, false], silent)).toMatchObject({
      championRight: 2,
      lost: 2,
      worstCase: null,
    });
  });

  it("compares means, their difference and what it would be at worst", () => {
    const champion = numbers(40, (index) => (index % 10) / 10);
    const challenger = champion.map((value) => Math.min(1, value + 0.1));
    const silent = { champion: { answered: champion.map((_, index) => index !== 0) } };
    const comparison = compareOne(f1, champion, challenger, silent);
    if (comparison.kind !== "mean") throw new Error(JSON.stringify(comparison));
    expect(comparison.champion).toBeCloseTo(0.45, 12);
    expect(comparison.challenger).toBeCloseTo(0.55, 12);
    expect(comparison.difference?.value).toBeCloseTo(0.1, 12);
    expect(comparison.difference?.p).toBeLessThan(0.05);
    expect(comparison.worstCase).toMatchObject({ missing: 1, total: 40 });
    expect(comparison.worstCase?.difference?.value).toBeCloseTo(0.1 - 1 / 40, 12);
  });

  it("leaves questions that the champion did not answer out of what has no best value", () => {
    const champion = numbers(30, (index) => 100 + index);
    const silent = { champion: { answered: champion.map((_, index) => index !== 29) } };
    const comparison = compareOne({ ...latency, unanswered: 9999 }, champion.with(29, 9999), champion, silent);
    if (comparison.kind !== "mean") throw new Error(JSON.stringify(comparison));
    expect(comparison.difference?.value).toBeCloseTo((129 - 9999) / 30, 9);
    expect(comparison.worstCase).toMatchObject({ missing: 1, total: 29, difference: { value: 0 } });
  });

  it.each<[string, Metric, boolean]>([
    ["what is a mean of ratios", f1, true],
    ["what is a mean of ratios, also where it did not answer", { ...f1, unanswered: null }, false],
  ])(
    "takes the challenger at its worst, and the champion at its best, where they have no value: %s",
    (_, metric, is) => {
      const champion = numbers(40, (index) => (index % 10) / 10);
      const answered = champion.map((_, index) => is || index !== 3);
      const challenger: MetricValue[] = [...champion];
      const comparison = compareOne(metric, [...champion].fill(0.5), challenger.with(3, null), {
        challenger: { answered },
      });
      const other = compareOne(
        metric,
        champion.map((value, index) => (index === 3 ? null : value)),
        champion,
      );
      // 0.5 lost by the challenger; 0.7 won by the champion.
      expect(comparison).toMatchObject({ total: 39, worstCase: { missing: 1, total: 40 } });
      expect(comparison).toHaveProperty("worstCase.difference.value", expect.closeTo((18 - 0.3 - 20) / 40, 12));
      expect(other).toHaveProperty("worstCase.difference.value", expect.closeTo((0.3 - 1) / 40, 12));
    },
  );

  it("takes the worst value that was seen where there is no worst one, also of what the challenger did not answer", () => {
    const champion = numbers(100, (index) => 100 + index);
    const challenger: MetricValue[] = champion.map((value) => value - 10);
    const silent = { challenger: { answered: champion.map((_, index) => index !== 99) } };
    for (const metric of [latency, largest]) {
      const comparison = compareOne(metric, champion, challenger.with(99, null), silent);
      expect(comparison).toMatchObject({ total: 99, worstCase: { missing: 1, total: 100 } });
      const atWorst = metric === latency ? (-10 * 99 + 0) / 100 : 0;
      expect(comparison).toHaveProperty("worstCase.difference.value", expect.closeTo(atWorst, 9));
    }
  });

  it("knows no worst case of a statistic of values that are no numbers", () => {
    const values = numbers(30, (index) => index).map((index): MetricValue => [index]);
    const [comparison] = compareAll({
      champion: scored({ largest: values }),
      challenger: scored({ largest: values.with(7, null) }),
      packs: [{ ...pack(largest), statistics: { largest: (of) => () => of.length } }],
      alpha: 0.05,
      resamples: 200,
    });
    expect(comparison).toMatchObject({ kind: "statistic", total: 29, worstCase: { missing: 1, difference: null } });
  });

  it("counts answers without a verdict as the champion's preferred ones at worst", () => {
    const ids = numbers(5, (i) => i).map((i) => `r00${i}`);
    expect(
      compareOne(preference, [null], ["gained", "gained", null, "tie", null], { champion: { ids } }),
    ).toMatchObject({
      total: 3,
      gained: 2,
      worstCase: { missing: 2, total: 5, gained: 2, lost: 2 },
    });
  });

  it("never promotes for what is missing: whatever the missing values are, they would not have kept the champion", () => {
    const record = fc.record({ champion: fc.boolean(), challenger: fc.integer({ min: 0, max: 9 }).map((n) => n > 1) });
    const lost = fc.constantFrom("none", "none", "none", "none", "none", "none", "champion", "challenger");
    const policy = { minGain: 0.01, alpha: 0.05 };
    const verdict = (champion: MetricValue[], challenger: MetricValue[], judge: (contrast: Contrast) => Judgement) => {
      const comparison = compareOne(accuracy, champion, challenger);
      const contrast = contrastOf(comparison, policy.alpha);
      return contrast === null ? "none" : judge(contrast).verdict;
    };
    const judges = [
      (contrast: Contrast) => judgePrimary(contrast, policy),
      (contrast: Contrast) => judgeGuard(contrast, { metric: "accuracy", on: "test", margin: 0.02 }, policy.alpha),
    ];
    let promoted = 0;
    fc.assert(
      fc.property(fc.array(fc.tuple(record, lost), { minLength: 60, maxLength: 60 }), fc.nat(3), (records, spared) => {
        let left = spared;
        const masks = records.map(([, who]) => (who === "none" || left-- <= 0 ? "none" : who));
        const of = (name: "champion" | "challenger") => records.map(([values]) => values[name]);
        const masked = (name: "champion" | "challenger") =>
          of(name).map((value, index) => (masks[index] === name ? null : value));
        for (const judge of judges) {
          if (verdict(masked("champion"), masked("challenger"), judge) !== "promote") continue;
          if (masks.some((mask) => mask !== "none")) promoted++;
          expect(verdict(of("champion"), of("challenger"), judge)).toBe("promote");
        }
      }),
      { numRuns: 300, seed: 7 },
    );
    expect(promoted).toBeGreaterThan(50);
  });

  it("compares statistics of all records together", () => {
    const champion = numbers(30, (index) => 100 + index);
    expect(
      compareOne(
        largest,
        champion,
        champion.map((value) => value * 2),
      ),
    ).toMatchObject({
      kind: "statistic",
      champion: 129,
      challenger: 258,
      difference: { value: 129, ratio: { lower: expect.closeTo(2, 9), upper: expect.closeTo(2, 9) } },
    });
  });

  it("counts what a judge preferred, and nothing without a champion", () => {
    const verdicts = ["gained", "gained", "lost", "tie", "split", null];
    expect(
      compareOne(preference, [null], verdicts, {
        champion: { ids: numbers(6, (i) => i).map((i) => `r00${i}`), subsets: {} },
      }),
    ).toEqual({
      metric: "preference",
      subset: "test",
      unit: "ratio",
      better: "higher",
      kind: "preference",
      total: 5,
      gained: 2,
      lost: 1,
      agreed: 4,
      worstCase: { missing: 1, total: 6, gained: 2, lost: 2 },
    });
    const alone = {
      champion: null,
      challenger: scored({ preference: verdicts }),
      packs: [pack(preference)],
      alpha: 0.05,
    };
    expect(compareAll(alone)).toEqual([]);
  });

  it("gives the champion the preference where it was silent, as the challenger must not win by that", () => {
    const ids = numbers(5, (i) => i).map((i) => `r00${i}`);
    const silent = { ids, subsets: {}, answered: [false, true, true, true, false] };
    expect(
      compareOne(preference, [null], ["gained", "gained", "lost", "tie", "tie"], { champion: silent }),
    ).toMatchObject({ gained: 2, lost: 1, worstCase: { missing: 2, total: 5, gained: 1, lost: 3 } });
  });

  it("compares every metric on every subset of the challenger's", () => {
    const subsets = { test: [0, 1, 2], retention: [3, 4], "labels.platform=ps5": [0, 2] };
    const columns = { accuracy: [true, false, true, true, false], failed: [false, false, false, false, false] };
    const comparisons = compareAll({
      champion: scored(columns, { subsets: {} }),
      challenger: scored(columns, { subsets }),
      packs: [pack(failed), pack(accuracy)],
      alpha: 0.05,
    });
    expect(comparisons.map(({ metric, subset, total }) => [subset, metric, total])).toEqual([
      ["test", "failed", 3],
      ["test", "accuracy", 3],
      ["retention", "failed", 2],
      ["retention", "accuracy", 2],
      ["labels.platform=ps5", "failed", 2],
      ["labels.platform=ps5", "accuracy", 2],
    ]);
  });

  it.each<[string, Metric, MetricValue[] | null, MetricValue[], RegExp]>([
    ["a value is NaN", f1, [0.5, 0.5, Number.NaN], [0.5, 0.5, 0.5], /no finite number/],
    ["a value is infinite", latency, [1, 2, 3], [1, 2, Infinity], /no finite number/],
    ["a value is text", f1, [0.5, 0.5, "0.5"], [0.5, 0.5, 0.5], /no finite number/],
    ["right or wrong is a number", accuracy, [true, true, 1], [true, true, true], /neither true nor false/],
    ["a judge's verdict is none", preference, [null, null], ["gained", "win"], /no verdict/],
    ["there is one record only", f1, [0.5], [0.5], /1 records only/],
    ["there is none", latency, [], [], /0 records only/],
    ["a first model's value is NaN", f1, null, [0.5, Number.NaN, 0.5], /no finite number/],
    ["a ratio is above 1", f1, [0.5, 0.6, 0.7], [0.5, 0.6, 1.7], /outside 0 to 1/],
    ["a statistic has no value", { ...largest, name: "none" }, [1, 2, 3], [1, 2, 3], /no statistic none/],
    ["a statistic is infinite", largest, [1, 2, 3], [1, 2, Infinity], /no value over the records of the challenger/],
  ])("is not usable when %s", (_, metric, champion, challenger, reason) => {
    expect(compareOne(metric, champion, challenger)).toMatchObject({
      kind: "unusable",
      metric: metric.name,
      reason: expect.stringMatching(reason),
    });
  });

  it("is not usable where the pack says so, fails, or did not measure one of both", () => {
    const broken = { unusable: { f1: "metric pack own failed: no" } };
    expect(compareOne(f1, [0.5, 0.5], [0.5, 0.5], { champion: broken })).toMatchObject({
      kind: "unusable",
      reason: "metric pack own failed: no",
    });
    expect(compareOne(f1, [0.5, 0.5], [0.5, 0.5], { champion: { columns: {} } })).toMatchObject({
      kind: "unusable",
      reason: "f1 was not measured for the champion",
    });
    const throwing: MetricPack = {
      ...pack(largest),
      statistics: {
        largest: () => () => {
          throw new Error("division by zero");
        },
      },
    };
    const columns = { largest: [1, 2, 3] };
    const arms = { champion: scored(columns), challenger: scored(columns), packs: [throwing], alpha: 0.05 };
    expect(compareAll(arms)).toMatchObject([{ kind: "unusable", reason: "metric pack own failed with Error" }]);
  });

  it("gives the same numbers in whatever order the answers are", () => {
    const value = fc.nat(1000).map((thousandths) => thousandths / 1000);
    fc.assert(
      fc.property(fc.array(fc.tuple(value, value), { minLength: 25, maxLength: 40 }), fc.nat(), (pairs, turn) => {
        const [one, other] = [scored({ f1: pairs.map(([a]) => a) }), scored({ f1: pairs.map(([, b]) => b) })];
        const turned = (arm: ScoredAnswers): ScoredAnswers => {
          const by = turn % arm.ids.length;
          const move = <T>(list: T[]): T[] => [...list.slice(by), ...list.slice(0, by)];
          return { ...arm, ids: move(arm.ids), columns: { f1: move(arm.columns["f1"] ?? []) } };
        };
        const how = { packs: [pack(f1)], alpha: 0.05, resamples: 100 };
        const straight = compareAll({ champion: one, challenger: other, ...how });
        expect(compareAll({ champion: one, challenger: turned(other), ...how })).toEqual(straight);
        expect(compareAll({ champion: turned(one), challenger: turned(other), ...how })).toEqual(straight);
      }),
      { numRuns: 20 },
    );
  });
});

describe("compareArms", () => {
  it("hands over one comparison at a time", () => {
    const columns = { accuracy: [true, false], failed: [false, false] };
    const arms = { champion: null, challenger: scored(columns), packs: [pack(accuracy, failed)], alpha: 0.05 };
    const comparing = compareArms(arms);
    expect(comparing.next().value).toMatchObject({ metric: "accuracy" });
    expect(comparing.next().value).toMatchObject({ metric: "failed" });
    expect(comparing.next().done).toBe(true);
  });
});
