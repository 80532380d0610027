import { describe, expect, it } from "vitest";
import type { AlertDraft } from "../../src/domain/alert.ts";
import {
  goingBackAlert,
  notTakenBackAlert,
  rollbackFailsAlert,
  silentChampionAlert,
  stepApprovalAlert,
  stepHeldAlert,
  stoppedAlert,
  takenBackAlert,
} from "../../src/domain/rollout-alerts.ts";
import { initialRollout, rolloutOrders, whyNotOrder, type RolloutState } from "../../src/domain/rollout.ts";

const workflowId = "retrain/games/12/roll-out";
const aState = (overrides: Partial<RolloutState> = {}): RolloutState => ({
  ...initialRollout(),
  pipeline: "games",
  model: "games-12",
  champion: "games-11",
  target: "promoted",
  phase: "step",
  percent: 50,
  done: [
    { percent: 10, seconds: 300, looks: 10 },
    { percent: 50, seconds: 840, looks: 28 },
  ],
  gates: [
    { gate: "error rate", verdict: "pass", reason: "error rate: 0 of 224" },
    { gate: "feedback", verdict: "hold", reason: "users' feedback: 12 of 50 pieces" },
  ],
  ...overrides,
});
const commandsOf = ({ next }: AlertDraft): string[] => next.map(({ command }) => command);
/** The orders to the rollout that an alert prints, by the rollout's names. */
const ordersOf = (alert: AlertDraft): string[] =>
  commandsOf(alert).flatMap((command) => {
    const [, name] = /^tuneloop rollout (\w+) games --reason "why"$/.exec(command) ?? [];
    return rolloutOrders.filter((order) => order.toLowerCase() === name);
  });

describe("stepHeldAlert", () => {
  it("says what cannot be told, what users get, when it goes back, and how to hold, promote or go back", () => {
    const alert = stepHeldAlert(aState(), workflowId, 3600);
    expect(alert).toMatchObject({ kind: "rollout-held", severity: "warning", pipeline: "games", cycle: "games-12" });
    expect(alert.text).toEqual([
      "users' feedback: 12 of 50 pieces",
      "Users get 50 % of their answers from games-12, the others from games-11.",
      "When they still cannot tell in 60 min, all traffic goes back to games-11.",
    ]);
    expect(alert.facts).toContainEqual({ name: "met users", value: "10 % for 5 min, 50 % for 14 min" });
    expect(alert.next).toEqual([
      { what: "Watch it", command: "tuneloop rollout watch games" },
      { what: "Hold it here as long as you like", command: 'tuneloop rollout pause games --reason "why"' },
      { what: "Give it all traffic now", command: 'tuneloop rollout promote games --reason "why"' },
      { what: "Go back now", command: 'tuneloop rollout rollback games --reason "why"' },
    ]);
  });

  it.each<[string, Partial<RolloutState>, string[]]>([
    ["a step", {}, ["pause", "promote", "rollBack"]],
    ["the bake time", { phase: "bake", percent: 100 }, ["pause", "promote", "rollBack"]],
    ["all traffic, which the provider gave", { percent: 100, mode: "automatic" }, ["promote", "rollBack"]],
    ["a step that somebody has sent back", { ended: { order: "abort", reason: "no", by: null } }, []],
  ])("prints only orders that are taken: at %s", (_, overrides, orders) => {
    const state = aState(overrides);
    const printed = ordersOf(stepHeldAlert(state, workflowId, 3600));
    expect(printed).toEqual(orders);
    expect(
      printed.every((order) => whyNotOrder(state, order as (typeof rolloutOrders)[number], { reason: "why" }) === null),
    ).toBe(true);
  });
});

describe("stepApprovalAlert", () => {
  const until = "2026-01-31T12:00:00.000Z";
  const waiting = aState({ phase: "approval", percent: 10, approvalUntil: until });

  it.each([
    ["go-back", `When nobody has answered by ${until}, it goes back.`],
    ["proceed", `When nobody has answered by ${until}, it gets 100 %.`],
  ] as const)("says until when, what happens then (%s), and how to answer", (onDeadline, said) => {
    const alert = stepApprovalAlert(waiting, workflowId, { percent: 100, onDeadline });
    expect(alert.title).toBe("games-12 waits for approval of 100 % of the traffic");
    expect(alert.text).toEqual(["Users get 10 % of their answers from games-12, the others from games-11.", said]);
    expect(ordersOf(alert)).toEqual(["approve", "reject"]);
  });
});

describe("goingBackAlert", () => {
  it("says of one that was cancelled what that may mean", () => {
    const [said] = goingBackAlert(aState(), workflowId, "cancelled").text;
    expect(said).toBe("It was cancelled, or the cycle that it belongs to was cancelled or terminated.");
  });

  it.each<[string, Partial<RolloutState>, RegExp, RegExp]>([
    ["users", {}, /^games-12 goes back from 50 % of the traffic$/, /^All traffic goes to games-11, which has been up/],
    ["nobody", { percent: 0, done: [] }, /^games-12 goes back before it was seen/, /^All traffic goes to games-11/],
    [
      "all alone",
      { champion: null, percent: 0, done: [] },
      /goes back/,
      /Nobody else serves games: users get no answers/,
    ],
  ])("says from where and who serves now, after it met %s", (_, overrides, title, served) => {
    const alert = goingBackAlert(aState({ ...overrides, phase: "going back" }), workflowId, "GateFailed: slow");
    expect(alert.title).toMatch(title);
    expect(alert.text[0]).toBe("GateFailed: slow");
    expect(alert.text[1]).toMatch(served);
    // What can be read when the rollout is over, too: that is soon.
    expect(commandsOf(alert)).toEqual([`temporal workflow show --workflow-id ${workflowId}`, "tuneloop models games"]);
  });
});

describe("stoppedAlert", () => {
  it("says what is left as it is, and how to bring a champion back in its place", () => {
    const alert = stoppedAlert(aState(), workflowId, { reason: "ServiceChanged: hotfix", back: "games-11" });
    expect(alert.text.join(" ")).toContain("What others have brought up is left as it is");
    expect(commandsOf(alert)).toEqual([
      "anyscale service status --name pipeline-games",
      'tuneloop rollout rollback games --to games-11 --replace-others --reason "why"',
    ]);
    const without = stoppedAlert(aState({ champion: null }), workflowId, { reason: "hotfix", back: null });
    expect(commandsOf(without)).toEqual(["anyscale service status --name pipeline-games"]);
  });
});

describe("rollbackFailsAlert", () => {
  it.each<[string, Partial<RolloutState>, RegExp, string[]]>([
    [
      "of a share of the traffic",
      {},
      /^games-12 cannot be taken back and may still have 50 % of the traffic$/,
      ["tuneloop rollout watch games", "anyscale service rollback --name pipeline-games"],
    ],
    [
      "of a version without traffic, which cannot be watched by its pipeline's name",
      { target: "withdrawn", percent: 0, done: [] },
      /^games-12 cannot be taken down$/,
      [`temporal workflow show --workflow-id ${workflowId}`, "anyscale service rollback --name pipeline-games"],
    ],
    [
      "of a first model, beside which there is nothing to roll back to",
      { champion: null, percent: 100 },
      /may still have 100 %/,
      ["tuneloop rollout watch games", "anyscale service terminate --name pipeline-games"],
    ],
  ])("pages, and says how to do it by hand: %s", (_, overrides, title, commands) => {
    const alert = rollbackFailsAlert(aState({ ...overrides, phase: "going back" }), workflowId, "Unavailable: 500");
    expect(alert.severity).toBe("error");
    expect(alert.title).toMatch(title);
    const [see = "", byHand = ""] = commands;
    expect(commandsOf(alert)).toEqual([see, "anyscale service status --name pipeline-games", byHand]);
  });
});

describe("silentChampionAlert", () => {
  it("pages, and says that users get no answers and what may help", () => {
    const alert = silentChampionAlert(aState({ percent: 0 }), workflowId, "ProbeFailed: 8 of 8");
    expect(alert).toMatchObject({ severity: "error", title: "games-11 has all traffic again and does not answer" });
    expect(alert.text).toEqual([
      "ProbeFailed: 8 of 8",
      "games-12 was taken down and nobody else serves games: users get errors, or nothing.",
    ]);
    expect(commandsOf(alert).at(-1)).toBe('tuneloop rollout rollback games --reason "why"');
  });
});

describe("takenBackAlert", () => {
  it("says who serves, and who wanted that", () => {
    const why = "rolled back by ann: too many complaints";
    const alert = takenBackAlert({ pipeline: "games", workflowId: "roll-back/games/3", model: "games-11", why });
    expect(alert).toMatchObject({ kind: "rollout-back", title: "games: games-11 is champion again" });
    expect(alert.text).toEqual([
      "What was ordered: rolled back by ann: too many complaints.",
      "Users get all answers from games-11. The next cycle is measured against it.",
    ]);
  });
});

describe("notTakenBackAlert", () => {
  const failed = { pipeline: "games", workflowId: "roll-back/games/3", to: "games-10", replaceOthers: false, why: "w" };

  it.each([
    ["ProbeFailed: 8 of 8", 'tuneloop rollout rollback games --to games-10 --reason "why"'],
    ["RolloutLocked: games-12", 'tuneloop rollout rollback games --reason "why"'],
    ["NotFound: never had another", "tuneloop models games"],
    ["InvalidInput: to: games-10 was never champion of games", "tuneloop models games"],
  ])("says what to do about %s", (reason, command) => {
    const alert = notTakenBackAlert({ ...failed, reason });
    expect(alert).toMatchObject({ severity: "error", title: "games: games-10 could not be brought back" });
    expect(alert.text).toContain(reason);
    expect(alert.text.at(-1)).toMatch(/^The champion has kept its traffic/);
    expect(commandsOf(alert)).toEqual(["temporal workflow show --workflow-id roll-back/games/3", command]);
  });

  it("claims no traffic for the champion where others have changed the service", () => {
    const alert = notTakenBackAlert({ ...failed, reason: "ServiceChanged: hotfix" });
    expect(alert.text.at(-1)).toBe("Users go on getting their answers from what the service has now.");
    expect(commandsOf(alert).slice(1)).toEqual([
      "anyscale service status --name pipeline-games",
      'tuneloop rollout rollback games --to games-10 --replace-others --reason "why"',
    ]);
  });
});
