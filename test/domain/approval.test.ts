import { describe, expect, it } from "vitest";
import {
  deadlineAnswer,
  describeAnswer,
  hearAnswer,
  outcomeOf,
  readAwaited,
  takeAnswer,
  whyBadAnswer,
  type Answerable,
} from "../../src/domain/approval.ts";
import { awaitedApprovalSchema, type AwaitedApproval } from "../../src/domain/approval-schema.ts";

const given = { answer: "approved", by: "ana", reason: "looks right", at: "2026-01-01T01:00:00.000Z" } as const;
const awaited = (overrides: Partial<AwaitedApproval> = {}): AwaitedApproval => ({
  cycle: "games-12",
  workflowId: "retrain/games/12",
  until: "2026-01-02T00:00:00.000Z",
  onDeadline: "keep",
  answer: null,
  ...overrides,
});

describe("whyBadAnswer", () => {
  const [reason, by] = ["looks right", "ana"];

  it.each<[unknown, string]>([
    [undefined, 'the argument must be an object such as {"reason": "...", "by": "..."}'],
    ["yes", 'the argument must be an object such as {"reason": "...", "by": "..."}'],
    [[reason], 'the argument must be an object such as {"reason": "...", "by": "..."}'],
    [{ reason, by, answer: "yes" }, "answer: unknown field"],
    [{ by }, "reason: say why, in 1 to 500 characters"],
    [{ by, reason: " " }, "reason: say why, in 1 to 500 characters"],
    [{ by, reason: "x".repeat(501) }, "reason: say why, in 1 to 500 characters"],
    [{ by, reason: 5 }, "reason: say why, in 1 to 500 characters"],
    [{ reason }, "by: say who answers, in 1 to 200 characters"],
    [{ reason, by: "" }, "by: say who answers, in 1 to 200 characters"],
    [{ reason, by, cycle: 12 }, "cycle: must be a model version such as games-12"],
    [{ reason, by, cycle: "games-11" }, "games-11 does not wait for an approval: games-12 does"],
  ])("refuses %j", (request, problem) => {
    expect(whyBadAnswer(awaited(), request)).toBe(problem);
  });

  it("takes an answer for what waits, with its name or without", () => {
    expect(whyBadAnswer(awaited(), { reason, by })).toBeNull();
    expect(whyBadAnswer(awaited(), { reason, by, cycle: "games-12" })).toBeNull();
  });

  it("refuses an answer when nothing waits", () => {
    expect(whyBadAnswer(null, { reason, by })).toBe("nothing waits for an approval");
    expect(whyBadAnswer(null, { reason, by, cycle: "games-12" })).toBe("games-12 does not wait for an approval");
  });

  it("refuses a second answer and says what the first one was", () => {
    expect(whyBadAnswer(awaited({ answer: given }), { reason, by: "bob" })).toBe(
      "games-12 has its answer already: approved by ana: looks right",
    );
  });
});

describe("takeAnswer", () => {
  it("notes who said what, and numbers the order", () => {
    const heard: Answerable = { approval: awaited(), orders: 6 };
    const receipt = takeAnswer(heard, "rejected", { reason: "not on a Friday", by: "bob" }, given.at);
    expect(receipt).toEqual({ accepted: true, orderId: "reject-7" });
    expect(heard.approval?.answer).toEqual({ answer: "rejected", by: "bob", reason: "not on a Friday", at: given.at });
  });
});

describe("hearAnswer", () => {
  it("takes an answer that was forwarded, once", () => {
    const heard = { approval: awaited() };
    expect(hearAnswer(heard, { cycle: "games-12", ...given })).toBeNull();
    expect(heard.approval.answer).toEqual(given);
    expect(hearAnswer(heard, { cycle: "games-12", ...given, answer: "rejected" })).toContain("has its answer already");
    expect(heard.approval.answer).toEqual(given);
  });

  it.each<[unknown, string]>([
    [null, "the message must be an object"],
    [{ ...given, answer: "deadline" }, "answer: must be approved or rejected"],
    [{ ...given, cycle: "games-11" }, "games-11 does not wait for an approval: games-12 does"],
    [{ ...given, by: null }, "by: say who answers, in 1 to 200 characters"],
    [{ ...given, at: 5 }, "at: must be a time"],
  ])("passes over %j and says why", (message, problem) => {
    const heard = { approval: awaited() };
    expect(hearAnswer(heard, message)).toBe(problem);
    expect(heard.approval.answer).toBeNull();
  });
});

describe("readAwaited", () => {
  it("reads what a cycle says it waits for", () => {
    expect(readAwaited(awaited())).toEqual(awaited());
    expect(readAwaited(awaited({ onDeadline: "promote" }))?.onDeadline).toBe("promote");
  });

  it.each([null, "games-12", {}, { ...awaited(), cycle: 5 }, { ...awaited(), until: "" }])(
    "takes %j for nothing",
    (value) => {
      expect(readAwaited(value)).toBeNull();
    },
  );

  it("answers what the state of a pipeline can hold", () => {
    expect(awaitedApprovalSchema.parse(readAwaited({ ...awaited(), onDeadline: "explode" })).onDeadline).toBe("keep");
  });
});

describe("outcomeOf", () => {
  it.each([
    ["approved", "keep", "promote"],
    ["rejected", "promote", "keep"],
    ["deadline", "promote", "promote"],
    ["deadline", "keep", "keep"],
  ] as const)("makes of %s, with the deadline meaning %s, that the cycle does %s", (answer, onDeadline, outcome) => {
    expect(outcomeOf(answer, onDeadline)).toBe(outcome);
  });
});

describe("describeAnswer", () => {
  it("names who answered, or that nobody did and what that means", () => {
    expect(describeAnswer(given)).toBe("approved by ana: looks right");
    expect(describeAnswer(deadlineAnswer(awaited()))).toBe(
      "nobody answered by 2026-01-02T00:00:00.000Z, which keeps the champion",
    );
    expect(describeAnswer(deadlineAnswer(awaited({ onDeadline: "promote" })))).toContain("rolls the challenger out");
  });
});
