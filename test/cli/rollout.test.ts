import { describe, expect, it } from "vitest";
import { whyNobody } from "../../src/cli/rollout.ts";

describe("whyNobody", () => {
  const start = "start the pipeline with tuneloop start -f FILE, then order it again";

  it.each([
    ["pipeline/games", false, `no rollout of games is running, and pipeline/games neither: ${start}`],
    [
      "pipeline/games",
      true,
      `pipeline/games is not running, and no rollout brings a champion of before back: ${start}`,
    ],
    ["retrain/games/12/roll-out", true, "retrain/games/12/roll-out has just ended: see tuneloop models games"],
  ])("says what is not there, and what to do: %s, beside a rollout: %s", (workflowId, isRollingOut, said) => {
    expect(whyNobody("games", workflowId, isRollingOut)).toBe(said);
  });
});
