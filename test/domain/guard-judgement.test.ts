import { describe, expect, it } from "vitest";
import type { Comparison } from "../../src/domain/comparison-schema.ts";
import { contrastOf } from "../../src/domain/contrast.ts";
import type { Guard } from "../../src/domain/decide-schema.ts";
import { judgeGuard } from "../../src/domain/guard-judgement.ts";
import type { Judgement } from "../../src/domain/judgement.ts";
import { latencies, pairs, preferences } from "../support/comparisons.ts";

function judge(comparison: Comparison, guard: Omit<Guard, "metric" | "on">, alpha = 0.05): Judgement {
  const contrast = contrastOf(comparison, alpha);
  if (contrast === null) throw new Error("there is nothing to judge");
  return judgeGuard(contrast, { metric: comparison.metric, on: comparison.subset, ...guard }, alpha);
}

describe("judgeGuard", () => {
  it.each<[string, Comparison, Omit<Guard, "metric" | "on">, string]>([
    ["no loss that was seen, on many records", pairs(395, 3, 0, 2), { margin: 0.02 }, "promote"],
    ["no loss that was seen, on few records", pairs(90, 0, 0, 10), { margin: 0.02 }, "inconclusive"],
    ["a loss beyond doubt", pairs(300, 0, 60, 40), { margin: 0.02 }, "keep"],
    ["a loss beyond doubt that is allowed", pairs(300, 0, 60, 40), { margin: 0.3 }, "promote"],
    ["a gain beyond doubt against no margin", pairs(300, 40, 0, 60), { margin: 0 }, "promote"],
    ["failures no more often", pairs(1, 1, 1, 397, { better: "lower" }), { margin: 0.02 }, "promote"],
    ["failures more often", pairs(1, 60, 1, 338, { better: "lower" }), { margin: 0.02 }, "keep"],
    ["failures more often, where more is better", pairs(1, 60, 1, 338), { margin: 0.02 }, "promote"],
    ["slower by less than allowed", latencies(500, 520, 10), { margin: 50 }, "promote"],
    ["slower by more than allowed", latencies(500, 600, 10), { margin: 50 }, "keep"],
    ["slower by about what is allowed", latencies(500, 545, 10), { margin: 50 }, "inconclusive"],
    ["slower by less than the share allowed", latencies(500, 520, 10), { relativeMargin: 0.1 }, "promote"],
    ["slower by more than the share allowed", latencies(500, 600, 10), { relativeMargin: 0.1 }, "keep"],
    ["slower by about the share allowed", latencies(500, 545, 10), { relativeMargin: 0.1 }, "inconclusive"],
    ["right less often by a small share", pairs(380, 4, 6, 10), { relativeMargin: 0.05 }, "promote"],
    ["right less often by a large share", pairs(280, 4, 100, 16), { relativeMargin: 0.05 }, "keep"],
    ["a share of what may be none", pairs(0, 3, 0, 397), { relativeMargin: 0.05 }, "inconclusive"],
    [
      "a share of what may be 0 ms",
      latencies(5, 3, 9, { difference: { ...latencies(5, 3, 9).difference!, ratio: null } }),
      { relativeMargin: 0.5 },
      "inconclusive",
    ],
    ["not preferred much less", preferences(200, 190, 5, 5), { margin: 0.1 }, "promote"],
    ["preferred much less", preferences(20, 60, 10, 10), { margin: 0.1 }, "keep"],
  ])("%s: %o with %o is %s", (_, comparison, guard, verdict) => {
    expect(judge(comparison, guard).verdict).toBe(verdict);
  });

  it("tests for a loss on one side only, at alpha", () => {
    const measured = pairs(391, 3, 3, 3);
    expect(judge(measured, { margin: 0.0125 }).verdict).toBe("promote");
    expect(judge(measured, { margin: 0.0115 }).verdict).toBe("inconclusive");
    expect(judge(measured, { margin: 0.0125 }, 0.025).verdict).toBe("inconclusive");
  });

  it("says the numbers, the level of the range and the margin that would do", () => {
    expect(judge(pairs(391, 3, 3, 3), { margin: 0.011 })).toEqual({
      verdict: "inconclusive",
      reason:
        "accuracy: challenger 98.5 %, champion 98.5 %, difference −1.2 to +1.2 points with 90 % confidence: " +
        "a loss over 1.1 points is not ruled out.",
      wouldChange: [
        expect.stringMatching(
          /^If accuracy really is the same, about [\d,]+ records would show it in 80 % of all cases\.$/,
        ),
        "A margin of about 1.2 points for accuracy would have been kept.",
      ],
    });
  });

  it("says a relative loss as a share", () => {
    expect(judge(latencies(500, 600, 10), { relativeMargin: 0.1 })).toEqual({
      verdict: "keep",
      reason:
        "latency_ms: challenger 600 ms, champion 500 ms, +16.7 % to +23.3 % of it with 90 % confidence: " +
        "worse by more than the 10 % allowed.",
      wouldChange: ["A margin of about 23.3 % for latency_ms would have been kept."],
    });
  });

  it("names the subset that it is on", () => {
    const { reason } = judge(pairs(395, 3, 0, 2, { subset: "retention" }), { margin: 0.02 });
    expect(reason).toMatch(/^accuracy on retention: .*: within the 2\.0 points allowed\.$/);
  });

  it("is not passed by what is missing", () => {
    const worstCase = { missing: 20, total: 400, championRight: 397, challengerRight: 378, gained: 1, lost: 20 };
    const measured = pairs(377, 3, 2, 18, { worstCase });
    expect(judge({ ...measured, worstCase: null }, { margin: 0.02 }).verdict).toBe("promote");
    expect(judge(measured, { margin: 0.02 })).toMatchObject({
      verdict: "inconclusive",
      reason: expect.stringContaining(
        "within the 2.0 points allowed, but for the 20 questions on which one of both has no answer or no value.",
      ),
      wouldChange: ["Answers of both models, with a value, to all questions."],
    });
  });
});
