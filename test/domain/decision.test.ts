import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BinaryComparison, Comparison } from "../../src/domain/comparison-schema.ts";
import { decisionPolicySchema, type DecisionPolicy } from "../../src/domain/decide-schema.ts";
import type { Decision } from "../../src/domain/decision-schema.ts";
import { decide, fewestRecords, mostFailedRatio } from "../../src/domain/decision.ts";
import { recordsToTell } from "../../src/domain/statistics/binomial.ts";

const measure = { subset: "test", kind: "binary", unit: "ratio", better: "higher" } as const;

const policy = (overrides: Partial<DecisionPolicy> = {}): DecisionPolicy =>
  decisionPolicySchema.parse({ primary: "accuracy_output_fn", guards: [], ...overrides });

/** How two models answered: right together, gained, lost, wrong together. */
function pairs(
  both: number,
  gained: number,
  lost: number,
  neither: number,
  metric = "accuracy_output_fn",
): BinaryComparison {
  const total = both + gained + lost + neither;
  return { ...measure, metric, total, championRight: both + lost, challengerRight: both + gained, gained, lost };
}

const alone = (right: number, total: number): BinaryComparison => ({
  ...measure,
  metric: "accuracy_output_fn",
  total,
  championRight: null,
  challengerRight: right,
  gained: 0,
  lost: 0,
});

/** The decision between models that answered every question. */
const decideAnswered = (comparisons: Comparison[], chosen: DecisionPolicy): Decision =>
  decide(comparisons, { champion: null, challenger: { asked: 100, failed: 0 } }, chosen);

describe("decide", () => {
  it.each<[string, Comparison, string, Partial<DecisionPolicy>?]>([
    ["better beyond noise", pairs(100, 20, 4, 20), "promote"],
    ["worse beyond noise", pairs(100, 4, 20, 20), "keep"],
    ["better within noise", pairs(100, 6, 4, 20), "inconclusive"],
    ["worse within noise", pairs(100, 4, 6, 20), "inconclusive"],
    ["equal on few records, where a gain is not ruled out", pairs(15, 0, 0, 5), "inconclusive"],
    ["equal on so many records that a gain is ruled out", pairs(900, 0, 0, 100), "keep"],
    ["better beyond noise by less than the gain wanted", pairs(9000, 60, 20, 920), "keep"],
    ["better by exactly the gain wanted", pairs(80, 10, 0, 10), "promote", { minGain: 0.1 }],
    ["better by one record less than the gain wanted", pairs(80, 10, 0, 11), "keep", { minGain: 0.1 }],
    ["better beyond noise with no gain wanted", pairs(9000, 60, 20, 920), "promote", { minGain: 0 }],
    ["equal with no gain wanted", pairs(900, 0, 0, 100), "inconclusive", { minGain: 0 }],
    ["p just above alpha", pairs(80, 5, 0, 15), "inconclusive", { alpha: 0.05 }],
    ["p just below alpha", pairs(80, 6, 0, 14), "promote", { alpha: 0.05 }],
  ])("%s: %o is %s", (_, comparison, outcome, overrides) => {
    const decision = decideAnswered([comparison], policy(overrides));
    expect(decision.outcome).toBe(outcome);
    expect(decision.reasons[0]).toContain("accuracy_output_fn");
  });

  it("says the numbers a decision rests on", () => {
    expect(decideAnswered([pairs(100, 20, 4, 20)], policy()).reasons).toEqual([
      "accuracy_output_fn: challenger 83.3 %, champion 72.2 % of 144 records; 20 answers got right, 4 got wrong " +
        "(exact McNemar p = 0.0015, difference 4.3 to 17.6 points with 95.0 % confidence): the challenger is better.",
    ]);
  });

  it("says how many records it would take when it cannot tell", () => {
    const [reason] = decideAnswered([pairs(100, 6, 4, 20)], policy({ minGain: 0.05 })).reasons;
    expect(reason).toMatch(
      /: the difference is within noise\. To tell a gain of 5\.0 points from none takes about \d+ rec/,
    );
    // Ten of 130 answers differ, twelve of 132 in the estimate that never is 0.
    const needed = recordsToTell({ discordance: 12 / 132, gain: 0.05 }, 0.05);
    expect(reason).toContain(`about ${needed} records (80.0 % power).`);
  });

  it.each([
    ["any gain counts", pairs(100, 6, 4, 20), { minGain: 0 }],
    ["there were as many", pairs(700, 113, 88, 99), { minGain: 0.05 }],
  ])("says no number of records when %s", (_, comparison, overrides) => {
    const { outcome, reasons } = decideAnswered([comparison], policy(overrides));
    expect(outcome).toBe("inconclusive");
    expect(reasons[0]).toMatch(/within noise\.$/);
  });

  it("names the range of a first champion's metric and its level", () => {
    expect(decideAnswered([alone(12, 20)], policy()).reasons).toEqual([
      "There is no champion yet. accuracy_output_fn is 60.0 % of 20 records, 38.7 to 78.1 % with 95.0 % confidence: " +
        "whether that is above the floor of 40.0 % cannot be told.",
    ]);
  });

  it.each<[string, Comparison[]]>([
    ["nothing was measured", []],
    ["only another metric was measured", [pairs(100, 20, 4, 20, "accuracy_attr_types")]],
    ["there is one record too few", [pairs(fewestRecords - 7, 6, 0, 0)]],
    ["a count is NaN", [{ ...pairs(100, 20, 4, 20), challengerRight: Number.NaN }]],
    ["a count is NaN without a champion", [{ ...alone(40, 40), total: Number.NaN }]],
    ["a count is negative", [{ ...pairs(100, 20, 4, 20), lost: -1 }]],
    ["a count is a fraction", [{ ...pairs(100, 20, 4, 20), gained: 0.5 }]],
    ["there are too few records for a first champion", [alone(fewestRecords - 1, fewestRecords - 1)]],
  ])("is inconclusive when %s", (_, comparisons) => {
    expect(decideAnswered(comparisons, policy()).outcome).toBe("inconclusive");
  });

  it.each([
    [40, 40, 0.4, "promote"],
    [20, 40, 0.4, "inconclusive"],
    [12, 20, 0.4, "inconclusive"],
    [16, 40, 0.8, "keep"],
    [10, 40, 0.4, "inconclusive"],
    [9, 40, 0.4, "keep"],
    [0, 40, 0.4, "keep"],
    [0, 40, 0, "inconclusive"],
    [30, 50, 0.4, "promote"],
  ])("without a champion and with %i of %i right over a floor of %f says %s", (right, total, floor, outcome) => {
    expect(decideAnswered([alone(right, total)], policy({ floor })).outcome).toBe(outcome);
  });

  describe("with questions that got no answer", () => {
    const better = [pairs(300, 60, 10, 30)];
    const most = mostFailedRatio * 400;
    const answers = (champion: number | null, challenger: number) => ({
      champion: champion === null ? null : { asked: 400, failed: champion },
      challenger: { asked: 400, failed: challenger },
    });

    it.each([
      ["all of the champion's", answers(400, 0)],
      ["one more than may be of the champion's", answers(most + 1, 0)],
      ["one more than may be of the challenger's", answers(0, most + 1)],
      ["one more than may be of a first challenger's", answers(null, most + 1)],
      ["no number of them", answers(Number.NaN, 0)],
    ])("is inconclusive when it is %s", (_, given) => {
      expect(decide(better, given, policy()).outcome).toBe("inconclusive");
    });

    it("decides when it is as many as may be", () => {
      expect(decide(better, answers(most, most), policy()).outcome).toBe("promote");
    });

    it.each([
      ["8 silent of 8 gained", 8, 8, "inconclusive"],
      ["8 silent of 13 gained", 13, 8, "inconclusive"],
      ["8 silent of 14 gained", 14, 8, "promote"],
    ])(
      "promotes only what is better also if the champion knew what it did not say: %s",
      (_, gained, silent, outcome) => {
        const decision = decide([pairs(340, gained, 0, 60 - gained)], answers(silent, 0), policy({ minGain: 0 }));
        expect(decision.outcome).toBe(outcome);
        const why = "the challenger is better, but for the 8 questions that the champion gave no answer to.";
        expect(decision.reasons[0]?.endsWith(why)).toBe(outcome === "inconclusive");
      },
    );

    it("takes the silence off the gain that is wanted as well", () => {
      const chosen = policy({ minGain: 0.03 });
      expect(decide([pairs(300, 20, 0, 80)], answers(8, 0), chosen).outcome).toBe("promote");
      expect(decide([pairs(300, 20, 0, 80)], answers(9, 0), chosen).outcome).toBe("inconclusive");
    });

    it("names who did not answer, and both when both did not", () => {
      expect(decide(better, answers(400, 21), policy()).reasons).toEqual([
        "The champion gave no answer to 400 of 400 questions; a decision needs answers to at least 95.0 %.",
        "The challenger gave no answer to 21 of 400 questions; a decision needs answers to at least 95.0 %.",
      ]);
    });
  });

  describe("with a guard", () => {
    const better = pairs(300, 60, 10, 30);
    const guarded = policy({ guards: [{ metric: "accuracy_attr_types", on: "test", margin: 0.02 }] });
    const guard = (both: number, gained: number, lost: number, neither: number): BinaryComparison =>
      pairs(both, gained, lost, neither, "accuracy_attr_types");

    it.each([
      ["promotes when the guard did not get worse", better, guard(395, 3, 0, 2), "promote"],
      ["keeps when the guard got clearly worse", better, guard(300, 0, 60, 40), "keep"],
      ["is inconclusive when a loss is not ruled out", better, guard(60, 10, 10, 40), "inconclusive"],
      ["is inconclusive when the guard has too few records", better, guard(5, 5, 0, 5), "inconclusive"],
      ["keeps a better champion whatever the guard says", pairs(300, 10, 60, 30), guard(395, 3, 0, 2), "keep"],
      ["keeps when the guard is worse and the primary undecided", pairs(9, 6, 4, 9), guard(300, 0, 60, 40), "keep"],
    ])("%s", (_, primary, measured, outcome) => {
      expect(decideAnswered([primary, measured], guarded).outcome).toBe(outcome);
    });

    it("names the level of a guard's range, which is tested on one side", () => {
      expect(decideAnswered([better, guard(395, 3, 0, 2)], guarded).reasons[1]).toBe(
        "accuracy_attr_types: difference -0.2 to 1.7 points with 90.0 % confidence: within the 2.0 points allowed.",
      );
    });

    it("tests for a loss on one side only, at alpha", () => {
      const close = policy({ guards: [{ metric: "accuracy_attr_types", on: "test", margin: 0.0125 }] });
      expect(decideAnswered([better, guard(391, 3, 3, 3)], close).outcome).toBe("promote");
      const closer = policy({ guards: [{ metric: "accuracy_attr_types", on: "test", margin: 0.0115 }] });
      expect(decideAnswered([better, guard(391, 3, 3, 3)], closer).outcome).toBe("inconclusive");
    });

    it("is inconclusive and names the guard that was not measured", () => {
      const { outcome, reasons } = decideAnswered([better], guarded);
      expect(outcome).toBe("inconclusive");
      expect(reasons[1]).toBe("The guard metric accuracy_attr_types was not measured.");
    });

    it("promotes a first champion without asking the guard, which has nothing to compare with", () => {
      expect(decideAnswered([alone(40, 40)], guarded).outcome).toBe("promote");
    });
  });

  const counts = fc.tuple(fc.nat(400), fc.nat(80), fc.nat(80), fc.nat(400));
  const policies = fc.record({
    minGain: fc.double({ min: 0, max: 0.2, noNaN: true }),
    alpha: fc.double({ min: 0.001, max: 0.49, noNaN: true }),
  });

  it("never promotes a model over itself", () => {
    fc.assert(
      fc.property(fc.nat(5000), fc.nat(5000), policies, (right, wrong, chosen) => {
        expect(decideAnswered([pairs(right, 0, 0, wrong)], policy(chosen)).outcome).not.toBe("promote");
      }),
    );
  });

  it("never promotes both of two models over each other, and only the one with more right answers", () => {
    fc.assert(
      fc.property(counts, policies, ([both, gained, lost, neither], chosen) => {
        const one = decideAnswered([pairs(both, gained, lost, neither)], policy(chosen)).outcome;
        const other = decideAnswered([pairs(both, lost, gained, neither)], policy(chosen)).outcome;
        expect([one, other]).not.toEqual(["promote", "promote"]);
        if (one === "promote") expect(gained).toBeGreaterThan(lost);
        if (one === "promote") expect(other).toBe("keep");
      }),
    );
  });

  it("is never less kind to a challenger that got one more answer right", () => {
    const rank = { keep: 0, inconclusive: 1, promote: 2 };
    fc.assert(
      fc.property(counts, ([both, gained, lost, neither]) => {
        const before = decideAnswered([pairs(both, gained, lost, neither + 1)], policy()).outcome;
        const after = decideAnswered([pairs(both, gained + 1, lost, neither)], policy()).outcome;
        expect(rank[after]).toBeGreaterThanOrEqual(rank[before]);
      }),
    );
  });

  it("always gives a reason", () => {
    fc.assert(
      fc.property(counts, ([both, gained, lost, neither]) => {
        expect(decideAnswered([pairs(both, gained, lost, neither)], policy()).reasons.length).toBeGreaterThan(0);
      }),
    );
  });
});
