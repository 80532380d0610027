import { describe, expect, it } from "vitest";
import {
  describeOrder,
  initialRollout,
  isBrief,
  rolloutDetails,
  rolloutOrders,
  takeRolloutOrder,
  viewOfRollout,
  whyNotOrder,
  type RolloutOrder,
  type RolloutPhase,
  type RolloutState,
} from "../../src/domain/rollout.ts";
import { rolloutPolicySchema } from "../../src/domain/rollout-schema.ts";

const because = { reason: "too many complaints", by: "ann" };

function aRollout(overrides: Partial<RolloutState> = {}): RolloutState {
  const known = { pipeline: "games", model: "games-2", champion: "games-1", steps: [10, 50, 100] };
  return { ...initialRollout(), ...known, phase: "step", percent: 10, ...overrides };
}

describe("isBrief", () => {
  const atOnce = { steps: [100], soakSeconds: 0, bakeSeconds: 0 };
  const approval = { deadlineSeconds: 60 };
  it.each([
    ["silent", {}, true],
    ["withdrawn", {}, true],
    ["promoted", atOnce, true],
    ["promoted", { ...atOnce, steps: [{ percent: 50, soakSeconds: 1 }, 100] }, false],
    ["promoted", { ...atOnce, steps: [{ percent: 100, approval }] }, false],
    ["promoted", { ...atOnce, soakSeconds: 1 }, false],
    ["promoted", { ...atOnce, bakeSeconds: 1 }, false],
    ["promoted", { ...atOnce, mode: "automatic" }, false],
    ["promoted", {}, false],
  ] as const)("is one to %s by %j: %s", (target, policy, expected) => {
    expect(isBrief(target, rolloutPolicySchema.parse(policy))).toBe(expected);
  });
});

describe("whyNotOrder", () => {
  it.each([
    [undefined, "the argument must be an object"],
    [{}, "reason: say why"],
    [{ reason: " " }, "reason: say why"],
    [{ reason: "x", by: 7 }, "by: must be text"],
    [{ reason: "x", when: "now" }, "when: unknown field"],
  ])("refuses the argument %j and names the field", (request, message) => {
    expect(whyNotOrder(aRollout(), "abort", request)).toContain(message);
  });

  const phases = [
    "starting",
    "approval",
    "step",
    "bake",
    "completing",
    "promoted",
    "going back",
    "withdrawn",
    "silent",
  ] as const;
  const possible: Record<RolloutPhase, RolloutOrder[]> = {
    starting: ["pause", "promote", "abort", "rollBack"],
    approval: ["pause", "promote", "abort", "rollBack", "approve", "reject"],
    step: ["pause", "promote", "abort", "rollBack"],
    bake: ["pause", "promote", "abort", "rollBack"],
    completing: [],
    promoted: [],
    "going back": [],
    withdrawn: [],
    silent: [],
  };
  it.each(phases)("lets only orders through that mean something in the phase %s", (phase) => {
    const taken = rolloutOrders.filter((order) => whyNotOrder(aRollout({ phase }), order, because) === null);
    expect(taken.toSorted()).toEqual(possible[phase].toSorted());
  });

  it.each(["completing", "promoted"] as const)("names what to do when the old champion is gone: %s", (phase) => {
    expect(whyNotOrder(aRollout({ phase }), "rollBack", because)).toBe(
      "games-2 has all traffic and games-1 is gone: roll back with the pipeline's order rollBack once this rollout is over",
    );
  });

  it.each(["pause", "resume"] as const)("asks for no reason to %s, which moves no traffic", (order) => {
    const state = aRollout({ paused: order === "resume" ? { reason: "", by: null } : null });
    for (const request of [undefined, {}, { by: "ann" }, { reason: "" }])
      expect(whyNotOrder(state, order, request)).toBeNull();
    expect(whyNotOrder(state, order, { reason: 3 })).toBe("reason: must be text");
    expect(whyNotOrder(state, order, { why: "x" })).toBe("why: unknown field");
    expect(describeOrder({ order, reason: "", by: "ann" })).toBe(`${order}d by ann`);
  });

  it("lets a pause be followed by its end only, and the other way round", () => {
    const paused = aRollout({ paused: because });
    expect(whyNotOrder(paused, "pause", because)).toBe("the rollout is paused already by ann: too many complaints");
    expect(whyNotOrder(paused, "resume", because)).toBeNull();
    expect(whyNotOrder(aRollout(), "resume", because)).toBe("the rollout is not paused");
  });

  it.each([
    ["silent", ["abort", "rollBack"]],
    ["withdrawn", []],
  ] as const)("lets a rollout to %s be ended at most: %o", (target, possibleNow) => {
    const state = aRollout({ phase: "starting", target });
    expect(rolloutOrders.filter((order) => whyNotOrder(state, order, because) === null)).toEqual([...possibleNow]);
  });

  it("takes one answer to a step that waits, and refuses another with the first one's words", () => {
    const state = aRollout({ phase: "approval" });
    takeRolloutOrder(state, "approve", because);
    for (const order of ["approve", "reject"] as const)
      expect(whyNotOrder(state, order, because)).toBe(
        "the step has its answer already: approved by ann: too many complaints",
      );
    expect(whyNotOrder(state, "rollBack", because)).toBeNull();
  });

  it("does not pretend that steps which the provider takes can be paused", () => {
    expect(whyNotOrder(aRollout({ mode: "automatic" }), "pause", because)).toContain("steps of its own");
    expect(whyNotOrder(aRollout({ mode: "automatic", phase: "bake" }), "pause", because)).toBeNull();
  });

  it("numbers orders on though only the newest are kept", () => {
    const state = aRollout();
    const ids = Array.from({ length: 60 }, (_, index) => {
      return takeRolloutOrder(state, index % 2 === 0 ? "pause" : "resume", because).orderId;
    });
    expect(ids.slice(-2)).toEqual(["pause-59", "resume-60"]);
    expect(state.orders).toHaveLength(50);
  });

  it("takes nothing more once somebody has ended it", () => {
    const state = aRollout();
    takeRolloutOrder(state, "abort", because);
    for (const order of rolloutOrders) expect(whyNotOrder(state, order, because)).toContain("going back already");
  });
});

describe("takeRolloutOrder", () => {
  it("keeps who ordered what and why, and numbers the orders", () => {
    const state = aRollout();
    expect(takeRolloutOrder(state, "pause", because)).toEqual({ accepted: true, orderId: "pause-1" });
    expect(state.paused).toEqual(because);
    expect(takeRolloutOrder(state, "promote", { reason: "fixed" })).toEqual({ accepted: true, orderId: "promote-2" });
    expect(state).toMatchObject({ paused: null, promoteNow: true });
    expect(state.orders.map(describeOrder)).toEqual(["paused by ann: too many complaints", "promoted at once: fixed"]);
  });

  it("shows nothing of what only the rollout itself needs", () => {
    const state = aRollout();
    takeRolloutOrder(state, "rollBack", because);
    expect(Object.keys(viewOfRollout(state))).not.toContain("ended");
  });
});

describe("rolloutDetails", () => {
  it("says where it is, what the gates say and what comes next", () => {
    const gates = [{ gate: "error rate", verdict: "pass" as const, reason: "error rate: 0 of 8" }];
    const times = { nextCheckAt: "2026-01-01T00:00:30Z", waitUntil: "2026-01-01T00:05:00Z" };
    expect(rolloutDetails(aRollout({ gates, ...times }))).toBe(
      [
        "**games-2**: at 10 %, by steps of 10, 50, 100 %.",
        "Until 2026-01-01T00:05:00Z at the earliest.",
        "Traffic: games-2 10 %, games-1 90 %.",
        "Next news by 2026-01-01T00:00:30Z.",
        "- pass: error rate: 0 of 8",
      ].join("\n\n"),
    );
  });
});
