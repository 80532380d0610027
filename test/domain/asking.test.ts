import { describe, expect, it } from "vitest";
import { describeAsking, readAskingProgress, secondsToGo, withExamples } from "../../src/domain/asking.ts";
import type { AskingProgress } from "../../src/domain/evaluation-schema.ts";
import type { Message } from "../../src/domain/record-schema.ts";

const say = (role: Message["role"], content: string): Message => ({ role, content });
const progress = (overrides: Partial<AskingProgress> = {}): AskingProgress => ({
  records: 10_000,
  answered: 2400,
  failed: 0,
  perSecond: null,
  lastFailure: null,
  ...overrides,
});

describe("withExamples", () => {
  const examples = [{ question: [say("system", "other"), say("user", "2 + 2?")], answer: "4" }];

  it("puts examples behind the question's instructions and leaves theirs out", () => {
    const question = [say("system", "be brief"), say("user", "3 + 3?")];
    expect(withExamples(question, examples)).toEqual([
      say("system", "be brief"),
      say("user", "2 + 2?"),
      say("assistant", "4"),
      say("user", "3 + 3?"),
    ]);
  });

  it.each([
    ["no examples", [say("user", "q")], []],
    ["an empty question", [], []],
  ])("leaves %s as it is", (_, question, none) => {
    expect(withExamples(question, none)).toEqual(question);
  });

  it("puts them first where there are no instructions, and last where there is nothing else", () => {
    expect(withExamples([say("user", "q"), say("assistant", "a"), say("user", "r")], examples)[0]).toEqual(
      say("user", "2 + 2?"),
    );
    expect(withExamples([say("system", "s")], examples)).toHaveLength(3);
  });
});

describe("describeAsking", () => {
  it.each<[Partial<AskingProgress>, string]>([
    [{}, "2,400 of 10,000 questions"],
    [{ failed: 12 }, "2,412 of 10,000 questions, 12 without an answer"],
    [{ perSecond: 3.25 }, "2,400 of 10,000 questions, 3.3 a second, 39 min to go"],
    [{ perSecond: 1234.5 }, "2,400 of 10,000 questions, 1,235 a second, 6 s to go"],
    [{ perSecond: 0 }, "2,400 of 10,000 questions, 0.0 a second"],
    [{ perSecond: 0.1 }, "2,400 of 10,000 questions, 0.1 a second, 21.1 h to go"],
    [{ answered: 9990, failed: 10, perSecond: 5 }, "10,000 of 10,000 questions, 10 without an answer, 5.0 a second"],
  ])("says of %o: %s", (overrides, text) => {
    expect(describeAsking(progress(overrides))).toBe(text);
  });
});

describe("secondsToGo", () => {
  it("is what is open by the rate of now", () => {
    expect(secondsToGo(progress({ perSecond: 100 }))).toBe(76);
  });
});

describe("readAskingProgress", () => {
  it("takes progress as it is, with a reason cut to what people read", () => {
    const said = progress({ perSecond: 2, lastFailure: "x".repeat(1000) });
    expect(readAskingProgress(said)).toEqual({ ...said, lastFailure: "x".repeat(300) });
  });

  it.each([[null], ["half"], [{}], [{ records: "7", answered: 1, failed: 0 }], [progress({ answered: Number.NaN })]])(
    "takes %o for no progress",
    (said) => {
      expect(readAskingProgress(said)).toBeNull();
    },
  );
});
