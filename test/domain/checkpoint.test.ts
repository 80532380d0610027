import { describe, expect, it } from "vitest";
import { chosenOf, describeChosen, pickCheckpoint } from "../../src/domain/checkpoint.ts";

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

describe("chosenOf", () => {
  const candidates = [
    { checkpoint: "step-4", value: 0.8, evaluation: "a" },
    { checkpoint: "final", value: 0.7, evaluation: "b" },
  ];

  it("has the number that it was chosen by, and the step that the model version knows", () => {
    const choice = { format: 1 as const, checkpoint: "step-4", metric: "accuracy", candidates };
    const chosen = { name: "step-4", metric: "accuracy", value: 0.8, candidates: 2 };
    expect(chosenOf(choice, [{ name: "step-4", step: 1204, files: [] }])).toEqual({ ...chosen, step: 1204 });
    expect(chosenOf(choice, [])).toEqual({ ...chosen, step: null });
  });
});

describe("describeChosen", () => {
  const chosen = { name: "step-4", step: 1204, metric: "accuracy", value: 0.8, candidates: 4 };

  it.each([
    [
      "a checkpoint",
      chosen,
      "Checkpoint step-4 (step 1,204 of the training) answers for games-2: 80.0 % by accuracy on the validation split, the best of 4 models.",
    ],
    [
      "the final model",
      { ...chosen, name: "final", step: null },
      "The final model answers for games-2: 80.0 % by accuracy on the validation split, the best of 4 models.",
    ],
    [
      "the final model where nothing told",
      { ...chosen, name: "final", step: null, value: null },
      "The final model answers for games-2: none of 4 models has a value of accuracy on the validation split.",
    ],
  ])("says which of how many, and by what number, of %s", (_, of, said) => {
    expect(describeChosen("games-2", of, "ratio")).toBe(said);
  });
});
