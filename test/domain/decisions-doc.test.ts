import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { decide } from "../../src/domain/decision.ts";
import { aPolicy, pairs } from "../support/comparisons.ts";

describe("the example of docs/decisions.md", () => {
  const text = readFileSync(new URL("../../docs/decisions.md", import.meta.url), "utf8");
  const metric = "accuracy_output_fn";
  const guards = [
    { metric: "accuracy_attr_types", margin: 0.02, on: "test" },
    { metric, margin: 0.05, on: "retention" },
  ];
  const answers = { champion: { asked: 500, failed: 0 }, challenger: { asked: 500, failed: 0 } };
  const decideWith = (both: number, gained: number, lost: number, neither: number) =>
    decide(
      [
        pairs(291, 43, 18, 48, { metric }),
        pairs(276, 30, 22, 72, { metric: "accuracy_attr_types" }),
        pairs(both, gained, lost, neither, { metric, subset: "retention" }),
      ],
      answers,
      aPolicy({ primary: metric, guards }),
    );

  it("says what the code says", () => {
    const { outcome, reasons, wouldChange } = decideWith(91, 2, 3, 4);
    for (const sentence of [outcome, ...reasons, ...wouldChange]) expect(text).toContain(`\n${sentence}\n`);
  });

  it("is right about more records", () => {
    expect(decideWith(188, 3, 3, 6).outcome).toBe("promote");
    expect(text).toContain("of which 188 both, 3 gained and 3 lost, the bound is a loss of 2.4 points");
  });
});
