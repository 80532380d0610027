import { describe, expect, it } from "vitest";
import { decideSchema } from "../../src/domain/decide-schema.ts";

describe("decideSchema", () => {
  it("leaves metrics to the pack, and has a default for the rest", () => {
    expect(decideSchema.parse({})).toEqual({
      primary: "auto",
      minGain: 0.01,
      alpha: 0.05,
      floor: 0.4,
      guards: "auto",
      unanswered: { maxRatio: 0.05, outcome: "inconclusive" },
      approval: "none",
    });
  });

  it.each<[string, object, string]>([
    ["a guard has no margin", { guards: [{ metric: "a" }] }, "guards.0.margin"],
    ["a guard has two", { guards: [{ metric: "a", margin: 0, relativeMargin: 0 }] }, "guards.0.margin"],
    ["a margin is negative", { guards: [{ metric: "a", margin: -0.1 }] }, "guards.0.margin"],
    ["alpha is 0", { alpha: 0 }, "alpha"],
    ["alpha is a coin's", { alpha: 0.5 }, "alpha"],
    ["the minimum gain is negative", { minGain: -0.01 }, "minGain"],
    ["more than all may go unanswered", { unanswered: { maxRatio: 1.1 } }, "unanswered.maxRatio"],
    ["silence would promote", { unanswered: { outcome: "promote" } }, "unanswered.outcome"],
  ])("refuses it when %s, and names the field", (_, decide, path) => {
    const [issue] = decideSchema.safeParse(decide).error?.issues ?? [];
    expect(issue?.path.join(".")).toBe(path);
  });
});
