import { describe, expect, it } from "vitest";
import { howItEnded, whyNobody } from "../../src/cli/rollout.ts";
import { initialRollout, viewOfRollout } from "../../src/domain/rollout.ts";

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

describe("howItEnded", () => {
  const known = { pipeline: "games", model: "games-2", champion: "games-1", percent: 10 };
  const view = { ...viewOfRollout(initialRollout()), ...known };
  const id = "retrain/games/2/roll-out";

  it("leads from a terminated rollout to the command that ends what it has left", () => {
    expect(howItEnded(view, id, { status: "terminated" })).toBe(
      `${id} is terminated: games-2 keeps 10 % of the traffic until the janitor ends it; to end it now: tuneloop rollout rollback games --to games-1 --reason "why"`,
    );
  });

  it.each([{ percent: 0 }, { champion: null }, { champion: "games-2" }])(
    "says no more where nothing is left: %o",
    (of) => {
      expect(howItEnded({ ...view, ...of }, id, { status: "terminated" })).toBe(`${id} is terminated`);
    },
  );

  it("says why one has failed", () => {
    const failed = { status: "failed", error: "games-2 was aborted by ann: why" };
    expect(howItEnded(view, id, failed)).toBe(`${id} is failed: games-2 was aborted by ann: why`);
  });
});
