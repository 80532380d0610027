import { describe, expect, it } from "vitest";
import { bar } from "../../src/cli/bar.ts";
import { changeLine, stateLines as linesOf, type ShownState } from "../../src/cli/state-lines.ts";
import { initialRollout, viewOfRollout } from "../../src/domain/rollout.ts";
import { initialState, viewOf } from "../../src/domain/pipeline.ts";
import type { PipelineState } from "../../src/domain/workflow-input-schema.ts";

const view = (overrides: Partial<PipelineState> = {}, rollout: ShownState["rollout"] = null): ShownState => ({
  ...viewOf({ ...initialState(), ...overrides }, "games", 200),
  rollout,
});
const stateLines = (shown: ShownState) => linesOf(shown, 120);
const aRollout = {
  ...viewOfRollout(initialRollout()),
  workflowId: "retrain/games/13/roll-out",
  model: "games-13",
  champion: "games-12",
  target: "promoted" as const,
  phase: "step" as const,
  percent: 50,
  steps: [10, 50, 100],
  paused: { reason: "too many complaints about answers in German since this morning", by: "ann" },
  gates: ["error rate", "p95 latency", "quality", "users' feedback"].map((gate) => ({
    gate,
    verdict: "pass" as const,
    reason: `${gate}: fine`,
  })),
};
const reading = {
  sources: 4,
  read: 2,
  failed: 1,
  received: 1000,
  perSource: {
    slack: { received: 300, perSecond: 10, etaSeconds: 90 },
    discord: { received: 50, perSecond: 0.5, etaSeconds: null },
  },
  failedSources: { zendesk: "Refused: no" },
};

describe("stateLines", () => {
  it("says what a pipeline is doing, and nothing of sources that are not read", () => {
    const lines = stateLines(view({ champion: "games-3", dataset: { version: 4, records: 700 } }));
    expect(lines).toEqual([
      "pipeline  games",
      "status    Waiting for 0 more new records: 700 of 200 are there.",
      "champion  games-3",
      "dataset   version 4, 700 records",
      "new       700 of 200 records since the last cycle",
      "cycle     none running",
      "last      no cycle yet",
      "updates   0 applied, 0 duplicates, 0 rejected",
    ]);
  });

  it("draws a bar for all sources and for each that can tell how much it has", () => {
    const lines = stateLines(view({ update: "pipeline/games/update-1", reading })).slice(-3);
    expect(lines).toEqual([
      `sources   ${bar(0.75)} 2 of 4 sources read, 1 failed; 1,350 items`,
      `          slack   ${bar(0.25)} 300 items, 10/s, 2 min left`,
      "          discord 50 items, 0.5/s",
    ]);
  });

  it("says which sources failed when they were read last, and why", () => {
    expect(stateLines(view({ failedSources: { zendesk: "Refused: invalid_auth" } })).at(-1)).toBe(
      "failed    zendesk: Refused: invalid_auth",
    );
  });

  it("says what was decided, what waits for an answer, and how to give it", () => {
    const waiting = {
      cycle: "games-4",
      workflowId: "retrain/games/4",
      until: "2026-01-02T00:00:00.000Z",
      onDeadline: "keep",
      answer: null,
    } as const;
    const decided = { cycle: "retrain/games/4", lastDecision: { id: "games-4", outcome: "promote" } } as const;
    const lines = stateLines(view({ ...decided, approval: waiting }));
    expect(lines).toContain("decision  promote, games-4 (tuneloop explain games-4)");
    expect(lines).toContain(
      "approval  wanted for games-4 until 2026-01-02T00:00:00.000Z: tuneloop approve games --reason WHY, or reject",
    );
    const answer = { answer: "rejected", by: "bob", reason: "not on a Friday", at: "2026-01-01T00:00:00Z" } as const;
    expect(stateLines(view({ ...decided, approval: { ...waiting, answer } }))).toContain(
      "approval  games-4: rejected by bob: not on a Friday",
    );
  });

  it("says how far a rollout is, and how to watch it, also in 60 columns", () => {
    const lines = linesOf(view({ cycle: "retrain/games/13", champion: "games-12" }, aRollout), 60);
    expect(lines.every((line) => line.length <= 60)).toBe(true);
    expect(lines.slice(lines.indexOf("cycle     retrain/games/13") + 1, -2)).toEqual([
      "rollout   games-13 beside games-12: step",
      "traffic   ████████████░░░░░░░░░░░░ 50 %",
      "          paused by ann: too many complaints about answers",
      "          in German since this morning",
      "gates     error rate pass, p95 latency pass, quality pass,",
      "          users' feedback pass",
      "          tuneloop rollout watch games",
    ]);
    const bare = { ...aRollout, champion: null, gates: [], paused: null };
    expect(stateLines(view({}, bare))).toContain("rollout   games-13: step");
    expect(changeLine(view({}, bare))).toContain("games-13 50 % step");
  });

  it("says until when a step of a rollout waits for somebody, and how to answer", () => {
    const waiting = { ...aRollout, phase: "approval" as const, approvalUntil: "2026-01-02T00:00:00.000Z" };
    expect(stateLines({ ...view({}, waiting), name: "games" })).toContain(
      "approval  wanted until 2026-01-02T00:00:00.000Z: tuneloop rollout approve games --reason WHY, or reject",
    );
  });

  it("says which orders are still to be carried out", () => {
    const ordered = view({
      cycle: "retrain/games/13",
      runNowWanted: true,
      paused: true,
      pausedBy: "ann",
      rollBackWanted: { reason: "too many complaints", by: null, to: null, replaceOthers: false },
    });
    expect(stateLines(ordered)).toEqual(
      expect.arrayContaining([
        "run now   ordered: the next cycle begins as soon as retrain/games/13 has ended",
        "pipeline  paused by ann",
        "rollback  ordered: too many complaints",
      ]),
    );
    const waiting = stateLines(view({ runNowWanted: true, rollBack: "roll-back/games/1", lastRollBack: "x" }));
    expect(waiting).toContain("run now   ordered: the next cycle begins as soon as there is something to train on");
    expect(waiting).toContain("rollback  roll-back/games/1 is running");
    const over = "roll-back/games/1: games-1 is champion again";
    expect(stateLines(view({ lastRollBack: over }))).toContain(`rollback  ${over}`);
  });

  it("lets no reason from outside steer the terminal", () => {
    const lines = stateLines(view({ failedSources: { zendesk: "\u001b[2Jgone\nforged  line" } }));
    expect(lines.join("")).not.toMatch(/\p{Cc}/u);
    expect(changeLine(view({ pauseReason: "a\u0007b", paused: true }))).not.toMatch(/\p{Cc}/u);
  });
});

describe("changeLine", () => {
  it("says in one line where the pipeline stands and how far its sources are", () => {
    expect(changeLine(view({ update: "pipeline/games/update-1", reading }))).toBe(
      "Reading the sources (pipeline/games/update-1): 2 of 4 sources read, 1 failed; 1,350 items. " +
        "slack: 300 items, 10/s, 2 min left; discord: 50 items, 0.5/s",
    );
  });
});

describe("bar", () => {
  it.each([
    [-1, 0],
    [0, 0],
    [0.5, 12],
    [1, 24],
    [7, 24],
  ])("of %d has %i of 24 columns full", (ratio, full) => {
    expect(bar(ratio)).toBe("█".repeat(full) + "░".repeat(24 - full));
  });
});
