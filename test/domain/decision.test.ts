import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Comparison } from "../../src/domain/comparison-schema.ts";
import type { DecisionPolicy } from "../../src/domain/decide-schema.ts";
import type { Decision } from "../../src/domain/decision-schema.ts";
import { decide } from "../../src/domain/decision.ts";
import { fewestRecords } from "../../src/domain/judgement.ts";
import { alone, aPolicy, latencies, pairs, preferences } from "../support/comparisons.ts";

const all = { asked: 400, failed: 0 };

/** The decision between models that answered every question. */
const decideAnswered = (comparisons: Comparison[], policy: DecisionPolicy): Decision =>
  decide(comparisons, { champion: all, challenger: all }, policy);

/** The decision about a first model that answered every question. */
const decideFirst = (comparisons: Comparison[], policy: DecisionPolicy): Decision =>
  decide(comparisons, { champion: null, challenger: all }, policy);

describe("decide", () => {
  it("promotes what is better, and says by what numbers and what would have kept the champion", () => {
    expect(decideAnswered([pairs(100, 20, 4, 20)], aPolicy())).toEqual({
      outcome: "promote",
      reasons: [
        "accuracy: challenger 83.3 %, champion 72.2 % of 144 records; better on 20, worse on 4 " +
          "(exact McNemar p = 0.0015, difference +4.9 to +18.2 points with 95 % confidence): the challenger is better.",
      ],
      wouldChange: ["A minimum gain above about 11.1 points, or an alpha below 0.0015, would have kept the champion."],
    });
  });

  it("keeps the champion when there is no challenger", () => {
    expect(decide([], { champion: all, challenger: null }, aPolicy())).toEqual({
      outcome: "keep",
      reasons: ["There is no challenger to decide on."],
      wouldChange: [],
    });
  });

  it.each<[string, Comparison[]]>([
    ["nothing was measured", []],
    ["only another metric was measured", [pairs(100, 20, 4, 20, { metric: "macro_f1" })]],
    ["only a slice was measured", [pairs(100, 20, 4, 20, { subset: "source=discord" })]],
    ["there is one record too few", [pairs(fewestRecords - 7, 6, 0, 0)]],
    ["a count is NaN", [{ ...pairs(100, 20, 4, 20), challengerRight: Number.NaN }]],
    ["a count is negative", [{ ...pairs(100, 20, 4, 20), lost: -1 }]],
    ["a count is a fraction", [{ ...pairs(100, 20, 4, 20), gained: 0.5 }]],
    ["a value is infinite", [latencies(Infinity, 400, 1, { metric: "accuracy" })]],
    ["the difference could not be told", [latencies(500, 400, 1, { metric: "accuracy", difference: null })]],
    ["the metric has no direction", [pairs(100, 20, 4, 20, { better: "neither" })]],
    [
      "the metric is not usable",
      [{ ...pairs(100, 20, 4, 20), kind: "unusable", reason: "accuracy has a value that is no finite number" }],
    ],
  ])("is inconclusive for both when %s, says why and what is missing", (_, comparisons) => {
    const decisions = [decideAnswered(comparisons, aPolicy()), decideFirst(comparisons, aPolicy())];
    expect(decisions[0]?.outcome).toBe("inconclusive");
    expect(decisions[0]?.reasons[0]).toContain("accuracy");
    const isAlone = comparisons.some(({ kind, total }) => kind === "mean" && total >= fewestRecords);
    if (!isAlone) expect(decisions[1]?.outcome).toBe("inconclusive");
  });

  it("names what is wrong with a metric that is not usable", () => {
    const broken: Comparison = { ...pairs(100, 20, 4, 20), kind: "unusable", reason: "accuracy has a NaN" };
    expect(decideAnswered([broken], aPolicy())).toEqual({
      outcome: "inconclusive",
      reasons: ["accuracy cannot be used: accuracy has a NaN."],
      wouldChange: ["Values of accuracy for all records."],
    });
  });

  describe("without a champion", () => {
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
    ])("and with %i of %i right over a floor of %f says %s", (right, total, floor, outcome) => {
      expect(decideFirst([alone(right, total)], aPolicy({ floor })).outcome).toBe(outcome);
    });

    it("says the range and how many records would tell", () => {
      const { reasons, wouldChange } = decideFirst([alone(12, 20)], aPolicy());
      expect(reasons).toEqual([
        "There is no champion yet. accuracy is 60.0 % over 20 records, 38.7 to 78.1 % with 95 % confidence: " +
          "whether that is above the floor of 40.0 % cannot be told.",
      ]);
      expect(wouldChange).toEqual([
        expect.stringMatching(/^If it really is 60\.0 %, about 4\d records would show it\.$/),
      ]);
    });

    it("takes the floor for a ceiling where lower is better", () => {
      const first = (challenger: number): Comparison => {
        const { challengerInterval } = latencies(500, challenger, 10);
        return latencies(500, challenger, 10, { champion: null, difference: null, challengerInterval });
      };
      const policy = aPolicy({ primary: "latency_ms", floor: 500 });
      expect(decideFirst([first(400)], policy).outcome).toBe("promote");
      expect(decideFirst([first(490)], policy).outcome).toBe("inconclusive");
      expect(decideFirst([first(600)], policy)).toMatchObject({
        outcome: "keep",
        reasons: [
          "There is no champion yet. latency_ms is 600 ms over 400 records, 580 to 620 ms with 95 % confidence: " +
            "above the ceiling of 500 ms.",
        ],
      });
    });

    it("does not ask guards, which have nothing to compare with", () => {
      const guards = [{ metric: "macro_f1", margin: 0.02, on: "test" }];
      expect(decideFirst([alone(40, 40)], aPolicy({ guards })).outcome).toBe("promote");
    });

    it("cannot tell by a metric that compares two models", () => {
      expect(decideFirst([preferences(30, 0, 10, 0)], aPolicy({ primary: "judge_preference" })).outcome).toBe(
        "inconclusive",
      );
    });
  });

  describe("with questions that got no answer", () => {
    const better = [pairs(300, 60, 10, 30)];
    const failed = (champion: number | null, challenger: number) => ({
      champion: champion === null ? null : { asked: 400, failed: champion },
      challenger: { asked: 400, failed: challenger },
    });

    it.each([
      ["all of the champion's", failed(400, 0)],
      ["one more than may be of the champion's", failed(21, 0)],
      ["one more than may be of the challenger's", failed(0, 21)],
      ["one more than may be of a first challenger's", failed(null, 21)],
      ["no number of them", failed(Number.NaN, 0)],
      ["all there were, which is none", { champion: all, challenger: { asked: 0, failed: 0 } }],
    ])("has the policy's outcome when it is %s", (_, answers) => {
      expect(decide(better, answers, aPolicy()).outcome).toBe("inconclusive");
      const keeping = aPolicy({ unanswered: { maxRatio: 0.05, outcome: "keep" } });
      expect(decide(better, answers, keeping).outcome).toBe("keep");
    });

    it("decides when it is as many as may be", () => {
      expect(decide(better, failed(20, 20), aPolicy()).outcome).toBe("promote");
      const strict = aPolicy({ unanswered: { maxRatio: 0, outcome: "keep" } });
      expect(decide(better, failed(0, 1), strict).outcome).toBe("keep");
    });

    it("names who did not answer, and both when both did not", () => {
      expect(decide(better, failed(400, 21), aPolicy()).reasons).toEqual([
        "The champion gave no answer to 400 of 400 questions; a decision needs answers to at least 95 %.",
        "The challenger gave no answer to 21 of 400 questions; a decision needs answers to at least 95 %.",
      ]);
    });
  });

  describe("with a guard", () => {
    const better = pairs(300, 60, 10, 30);
    const guarded = aPolicy({ guards: [{ metric: "macro_f1", margin: 0.02, on: "test" }] });
    const guard = (both: number, gained: number, lost: number, neither: number): Comparison =>
      pairs(both, gained, lost, neither, { metric: "macro_f1" });

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

    it("is inconclusive and names the guard that was not measured, and where", () => {
      const guards = [{ metric: "macro_f1", margin: 0.02, on: "labels.platform=ps5" }];
      const { outcome, reasons, wouldChange } = decideAnswered([better, guard(395, 3, 0, 2)], aPolicy({ guards }));
      expect(outcome).toBe("inconclusive");
      expect(reasons[1]).toBe("macro_f1 on labels.platform=ps5 was not measured.");
      expect(wouldChange).toContain(
        "An evaluation that measures macro_f1 on labels.platform=ps5, or a policy that does not name it.",
      );
    });

    it("says of several guards only those that led to the outcome", () => {
      const guards = ["a", "b", "c"].map((metric) => ({ metric, margin: 0.02, on: "test" }));
      const { reasons } = decideAnswered(
        [
          better,
          pairs(395, 3, 0, 2, { metric: "a" }),
          pairs(300, 0, 60, 40, { metric: "b" }),
          pairs(60, 10, 10, 40, { metric: "c" }),
        ],
        aPolicy({ guards }),
      );
      expect(reasons.map((reason) => reason.slice(0, reason.indexOf(":")))).toEqual(["accuracy", "b"]);
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
        expect(decideAnswered([pairs(right, 0, 0, wrong)], aPolicy(chosen)).outcome).not.toBe("promote");
      }),
    );
  });

  it("never promotes both of two models over each other, and only the one with more right answers", () => {
    fc.assert(
      fc.property(counts, policies, ([both, gained, lost, neither], chosen) => {
        const one = decideAnswered([pairs(both, gained, lost, neither)], aPolicy(chosen)).outcome;
        const other = decideAnswered([pairs(both, lost, gained, neither)], aPolicy(chosen)).outcome;
        expect([one, other]).not.toEqual(["promote", "promote"]);
        if (one === "promote") expect(gained).toBeGreaterThan(lost);
        if (one === "promote") expect(other).toBe("keep");
      }),
    );
  });

  it("is never less kind to a challenger that got one more answer right", () => {
    const rank = { keep: 0, inconclusive: 1, promote: 2 };
    fc.assert(
      fc.property(counts, policies, ([both, gained, lost, neither], chosen) => {
        const before = decideAnswered([pairs(both, gained, lost, neither + 1)], aPolicy(chosen)).outcome;
        const after = decideAnswered([pairs(both, gained + 1, lost, neither)], aPolicy(chosen)).outcome;
        expect(rank[after]).toBeGreaterThanOrEqual(rank[before]);
      }),
      { numRuns: 300 },
    );
  });

  it("always gives reasons and what would change them, in whole sentences without odd numbers", () => {
    fc.assert(
      fc.property(counts, policies, ([both, gained, lost, neither], chosen) => {
        const guards = [{ metric: "latency_ms", relativeMargin: 0.1, on: "test" }];
        const comparisons = [pairs(both, gained, lost, neither), latencies(500 + gained, 500 + lost, 1 + both)];
        const { reasons, wouldChange } = decideAnswered(comparisons, aPolicy({ ...chosen, guards }));
        expect(reasons.length).toBeGreaterThan(0);
        for (const sentence of [...reasons, ...wouldChange]) {
          expect(sentence).toMatch(/^[\w'].*[^.]\.$/);
          expect(sentence).not.toMatch(/NaN|Infinity|undefined|null|[^\d]-0/);
        }
      }),
    );
  });
});
