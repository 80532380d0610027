import { describe, expect, it } from "vitest";
import { rolloutChange, rolloutLines } from "../../src/cli/rollout-lines.ts";
import { initialRollout, viewOfRollout, type RolloutView } from "../../src/domain/rollout.ts";

const error = {
  gate: "error rate",
  verdict: "pass" as const,
  reason: "error rate: 0 of 24 probe questions got no answer",
};
const view = (overrides: Partial<RolloutView> = {}): RolloutView => ({
  ...viewOfRollout(initialRollout()),
  pipeline: "games",
  model: "games-2",
  champion: "games-1",
  phase: "step",
  percent: 50,
  steps: [10, 50, 100],
  done: [
    { percent: 10, seconds: 300, looks: 11 },
    { percent: 50, seconds: 2.5, looks: 1 },
  ],
  gates: [error],
  nextCheckAt: "2026-01-01T00:00:30.000Z",
  waitUntil: "2026-01-01T00:05:00.000Z",
  ...overrides,
});

describe("rolloutLines", () => {
  it("says where a rollout is, what was before, what its gates say and what comes next", () => {
    expect(rolloutLines(view(), 100)).toEqual([
      "model    games-2 beside games-1",
      "phase    step, until 2026-01-01T00:05:00.000Z at the earliest",
      "traffic  ████████████░░░░░░░░░░░░ 50 %",
      "plan     10 %, 50 %, 100 %",
      "         10 % for 300 s, 11 looks",
      "         50 % for 2.5 s, 1 look",
      "pass     error rate: 0 of 24 probe questions got no answer",
      "next     news by 2026-01-01T00:00:30.000Z",
    ]);
  });

  it("breaks what is too long for the terminal, below where it began", () => {
    const lines = rolloutLines(view({ waitUntil: null }), 40);
    expect(lines.every((line) => line.length <= 40)).toBe(true);
    expect(lines.slice(6, 8)).toEqual(["pass     error rate: 0 of 24 probe", "         questions got no answer"]);
  });

  it("says who has paused it and why, what is waited for, and the last orders", () => {
    const orders = ["pause", "resume", "pause", "approve"] as const;
    const given = orders.map((order) => ({ order, reason: "because", by: "ann" }));
    const lines = rolloutLines(
      view({ paused: { reason: "too many complaints", by: "ann" }, approvalUntil: "2026-01-02", orders: given }),
      100,
    );
    expect(lines).toContain("phase    step, paused by ann: too many complaints");
    expect(lines).toContain("approval wanted until 2026-01-02: tuneloop rollout approve games --reason WHY, or reject");
    expect(lines.filter((line) => line.startsWith("order"))).toEqual([
      "order    resumed by ann: because",
      "order    paused by ann: because",
      "order    approved by ann: because",
    ]);
  });

  it("lets no reason steer the terminal", () => {
    const lines = rolloutLines(view({ paused: { reason: "a\u001b[2Jb\nc", by: null } }), 100);
    expect(lines[1]).toBe("phase    step, paused: a\\u{1b}[2Jb c");
  });

  it("says that the provider has steps of its own", () => {
    expect(rolloutLines(view({ steps: [] }), 100)).toContain("plan     the provider's own steps");
  });
});

describe("rolloutChange", () => {
  it("is one line for logs", () => {
    expect(rolloutChange(view())).toBe("games-2 50 % step: error rate pass");
    expect(rolloutChange(view({ gates: [], paused: { reason: "x", by: null } }))).toBe("games-2 50 % step (paused)");
  });
});
