import { describe, expect, it } from "vitest";
import { pickCheckpoint } from "../../src/domain/checkpoint.ts";

const values = (...found: (number | null)[]) =>
  found.map((value, at) => ({ checkpoint: at === found.length - 1 ? "final" : `step-${at + 1}`, value }));

describe("pickCheckpoint", () => {
  it.each([
    ["the highest where more is better", values(0.5, 0.9, 0.7), "higher", "step-2"],
    ["the lowest where less is better", values(0.5, 0.2, 0.7), "lower", "step-2"],
    ["of equals the one trained longest", values(0.9, 0.9, 0.7), "higher", "step-2"],
    ["the final one of equals", values(0.9, 0.5, 0.9), "higher", "final"],
    ["the final one of equals where less is better", values(0.1, 0.5, 0.1), "lower", "final"],
    ["one with a value before one without", values(0.1, null, null), "higher", "step-1"],
    ["never what is no number", values(0.1, Number.NaN, Number.POSITIVE_INFINITY), "higher", "step-1"],
    ["the final one where none has a value", values(null, null, null), "higher", "final"],
    ["the final one of none", [], "higher", "final"],
  ] as const)("picks %s", (_, candidates, better, picked) => {
    expect(pickCheckpoint(candidates, better)).toBe(picked);
  });
});
