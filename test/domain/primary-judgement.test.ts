import { describe, expect, it } from "vitest";
import type { Comparison } from "../../src/domain/comparison-schema.ts";
import { contrastOf } from "../../src/domain/contrast.ts";
import type { DecisionPolicy } from "../../src/domain/decide-schema.ts";
import type { Judgement } from "../../src/domain/judgement.ts";
import { judgePrimary } from "../../src/domain/primary-judgement.ts";
import { recordsForPairs } from "../../src/domain/statistics/power.ts";
import { aPolicy, latencies, pairs, preferences } from "../support/comparisons.ts";

function judge(comparison: Comparison, overrides: Partial<DecisionPolicy> = {}): Judgement {
  const policy = aPolicy(overrides);
  const contrast = contrastOf(comparison, policy.alpha);
  if (contrast === null) throw new Error("there is nothing to judge");
  return judgePrimary(contrast, policy);
}

describe("judgePrimary", () => {
  it.each<[string, Comparison, string, Partial<DecisionPolicy>?]>([
    ["better beyond noise", pairs(100, 20, 4, 20), "promote"],
    ["worse beyond noise", pairs(100, 4, 20, 20), "keep"],
    ["better within noise", pairs(100, 6, 4, 20), "inconclusive"],
    ["worse within noise", pairs(100, 4, 6, 20), "inconclusive"],
    ["equal on few records, where a gain is not ruled out", pairs(15, 0, 0, 5), "inconclusive"],
    ["equal on so many records that a gain is ruled out", pairs(900, 0, 0, 100), "keep"],
    ["better beyond noise, with the gain wanted ruled out", pairs(9000, 60, 20, 920), "keep"],
    ["better by exactly the gain wanted", pairs(80, 10, 0, 10), "promote", { minGain: 0.1 }],
    ["better, by one record less than the gain wanted", pairs(80, 10, 0, 11), "inconclusive", { minGain: 0.1 }],
    ["better beyond noise with no gain wanted", pairs(9000, 60, 20, 920), "promote", { minGain: 0 }],
    ["equal with no gain wanted", pairs(900, 0, 0, 100), "inconclusive", { minGain: 0 }],
    ["p just above alpha", pairs(80, 5, 0, 15), "inconclusive", { alpha: 0.05 }],
    ["p just below alpha", pairs(80, 6, 0, 14), "promote", { alpha: 0.05 }],
    ["failing less often", pairs(2, 4, 30, 364, { better: "lower" }), "promote"],
    ["failing more often", pairs(2, 30, 4, 364, { better: "lower" }), "keep"],
    ["faster", latencies(500, 400, 10), "promote", { minGain: 50 }],
    ["faster by too little", latencies(500, 480, 5), "keep", { minGain: 50 }],
    ["faster, perhaps by enough", latencies(500, 460, 10), "inconclusive", { minGain: 50 }],
    ["slower", latencies(500, 600, 10), "keep", { minGain: 50 }],
    ["as fast as noise tells", latencies(500, 495, 40), "inconclusive", { minGain: 50 }],
    ["preferred by a judge", preferences(60, 20, 10, 10), "promote"],
    ["not preferred by a judge", preferences(20, 60, 10, 10), "keep"],
    ["preferred no more than chance", preferences(22, 20, 10, 10), "inconclusive"],
  ])("%s: %o is %s", (_, comparison, verdict, overrides) => {
    expect(judge(comparison, overrides).verdict).toBe(verdict);
  });

  it("says the numbers of a mean in its own unit and direction", () => {
    expect(judge(latencies(500, 400, 10), { minGain: 50 })).toEqual({
      verdict: "promote",
      reason:
        "latency_ms: challenger 400 ms, champion 500 ms over 400 records (paired bootstrap p < 0.0001, " +
        "difference −120 to −80.4 ms with 95 % confidence): the challenger is better.",
      wouldChange: ["A minimum gain above about 100 ms, or an alpha below 0.0001, would have kept the champion."],
    });
  });

  it("says what a judge preferred", () => {
    expect(judge(preferences(60, 20, 10, 10)).reason).toMatch(
      /^judge_preference: the challenger's answer preferred on 60, the champion's on 20 of 100 records \(sign test p < 0\.0001/,
    );
  });

  it("counts for the better what a failing metric lost", () => {
    expect(judge(pairs(2, 4, 30, 364, { better: "lower" })).reason).toContain("better on 30, worse on 4");
  });

  it("plans for the gain that was seen where that is large", () => {
    const { wouldChange } = judge(pairs(100, 9, 3, 20), { minGain: 0.01 });
    // Twelve of 132 answers differ, fourteen of 134 in the estimate that never is 0.
    const plan = { discordance: 14 / 134, gain: 6 / 132, leastGain: 0.01 };
    expect(wouldChange).toEqual([
      `If the challenger really is better by 4.5 points, about ${recordsForPairs(plan, 0.05)} records would show it in 80 % of all cases.`,
    ]);
  });

  it("plans for twice the least gain that counts where little was seen", () => {
    const [sentence] = judge(pairs(100, 6, 6, 20), { minGain: 0.02 }).wouldChange;
    expect(sentence).toMatch(/^If the challenger really is better by 4\.0 points, about \d{3} records would show it/);
  });

  it("says that there were enough records for a large gain where there were", () => {
    expect(judge(pairs(1000, 104, 98, 98), { minGain: 0.02 }).wouldChange).toEqual([
      "A gain of 4.0 points would most likely have been found; smaller ones take more records.",
    ]);
  });

  it("plans nothing where any gain counts and none was seen", () => {
    expect(judge(pairs(100, 4, 6, 20), { minGain: 0 }).wouldChange).toEqual([]);
  });

  it("says what it takes on as many records where the challenger is not better", () => {
    expect(judge(pairs(100, 4, 20, 20)).wouldChange).toEqual([
      expect.stringMatching(/^On 144 records it takes a challenger that is better by about \d\.\d points\.$/),
    ]);
  });

  describe("with questions on which one model has no answer or no value", () => {
    it.each([
      ["8 of 8 gained", 8, "inconclusive"],
      ["8 of 13 gained", 13, "inconclusive"],
      ["8 of 14 gained", 14, "promote"],
    ])("is for what is better also if all of them spoke against it: %s", (_, gained, verdict) => {
      const worst = { missing: 8, total: 400, championRight: 348, challengerRight: 340 + gained };
      const worstCase = { ...worst, gained: gained - 8, lost: 0 };
      const { reason, ...judgement } = judge(pairs(340, gained, 0, 60 - gained, { worstCase }), { minGain: 0 });
      expect(judgement.verdict).toBe(verdict);
      const why = "the challenger is better, but for the 8 questions on which one of both has no answer or no value.";
      expect(reason.endsWith(why)).toBe(verdict === "inconclusive");
    });

    it("takes them off the gain that is wanted as well", () => {
      const without = (missing: number) => {
        const worst = { missing, total: 400, championRight: 300 + missing, challengerRight: 320 };
        return pairs(300, 20, 0, 80, { worstCase: { ...worst, gained: 20 - missing, lost: 0 } });
      };
      expect(judge(without(8), { minGain: 0.03 }).verdict).toBe("promote");
      expect(judge(without(9), { minGain: 0.03 }).verdict).toBe("inconclusive");
    });

    it("does so for means", () => {
      const { difference } = latencies(500, 495, 40);
      const worstCase = { missing: 10, total: 390, difference };
      expect(judge(latencies(500, 400, 10, { worstCase }), { minGain: 50 }).verdict).toBe("inconclusive");
    });
  });
});
