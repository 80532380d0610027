import { describe, expect, it } from "vitest";
import { chooseTask, isShort } from "../../../src/recipes/embedded/task.ts";

describe("chooseTask", () => {
  it.each([
    ["frames at 95 %", { outputs: 100, frames: 95, short: 100, distinct: 10 }, "frames"],
    [
      "labels, when a frame less than 95 % are frames",
      { outputs: 100, frames: 94, short: 100, distinct: 10 },
      "labels",
    ],
    [
      "frames before labels, as few records have few different ones",
      { outputs: 200, frames: 200, short: 200, distinct: 67 },
      "frames",
    ],
    ["labels, when each occurs twice on average", { outputs: 100, frames: 0, short: 100, distinct: 50 }, "labels"],
    ["labels, when 95 % are short", { outputs: 100, frames: 0, short: 95, distinct: 20 }, "labels"],
    ["retrieval, when one label more is seen once", { outputs: 100, frames: 0, short: 100, distinct: 51 }, "retrieval"],
    ["retrieval, when the repeated ones are long", { outputs: 100, frames: 0, short: 94, distinct: 2 }, "retrieval"],
    ["labels, up to 500 of them", { outputs: 5000, frames: 0, short: 5000, distinct: 500 }, "labels"],
    ["retrieval, above 500 labels", { outputs: 5000, frames: 0, short: 5000, distinct: 501 }, "retrieval"],
  ] as const)("chooses %s", (_, shapes, task) => {
    expect(chooseTask(shapes).task).toBe(task);
  });

  it("says by which numbers it chose", () => {
    expect(chooseTask({ outputs: 200, frames: 3, short: 150, distinct: 140 }).reason).toBe(
      "1.5 % of the 200 training outputs read as function calls, 75.0 % are one short line, with 140 different texts " +
        "among them: free text, which is looked up in the training records as it stands; no new text is written",
    );
  });
});

describe("isShort", () => {
  it.each([
    ["a".repeat(100), true],
    ["a".repeat(101), false],
    ["two\nlines", false],
    ["two\rlines", false],
    ["", true],
  ])("takes %j for a short line: %s", (output, expected) => {
    expect(isShort(output)).toBe(expected);
  });
});
