import { describe, expect, it } from "vitest";
import { chooseRollout } from "../../src/cli/running-rollouts.ts";
import { initialRollout, viewOfRollout, type RolloutView } from "../../src/domain/rollout.ts";

const rollout = (workflowId: string, view: Partial<RolloutView>) => ({
  workflowId,
  view: { ...viewOfRollout(initialRollout()), ...view },
});
const silent = rollout("silent", { target: "silent", phase: "starting" });
const withdrawal = rollout("withdraw", { target: "withdrawn", phase: "going back" });
const unknown = rollout("new", { target: null });
const waiting = rollout("waiting", { target: "promoted", phase: "starting" });

describe("chooseRollout", () => {
  it.each(["step", "approval", "bake", "completing", "going back"] as const)(
    "takes the one that moves users' traffic among all others: %s",
    (phase) => {
      const moving = rollout("moving", { target: "promoted", phase });
      const all = [silent, waiting, unknown, moving, withdrawal];
      expect(chooseRollout(all)).toBe(moving);
      expect(chooseRollout(all.toReversed())).toBe(moving);
    },
  );

  it("takes the newest that is about to when none does", () => {
    const older = rollout("older", { target: "promoted", phase: "starting" });
    expect(chooseRollout([silent, waiting, older])).toBe(waiting);
  });

  it("takes none of those that move nobody's", () => {
    expect(chooseRollout([silent, withdrawal, unknown])).toBeNull();
    expect(chooseRollout([])).toBeNull();
  });
});
