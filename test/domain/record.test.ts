import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ChatItem, Message } from "../../src/domain/record-schema.ts";
import { chatItemSchema } from "../../src/domain/record-schema.ts";
import { canonicalMessages, questionAndAnswer, splitOf, whyNotTrainable } from "../../src/domain/record.ts";

const message = (role: Message["role"], content = "x"): Message => ({ role, content });
const item = (...roles: Message["role"][]): ChatItem => ({ messages: roles.map((role) => message(role)) });

describe("canonicalMessages", () => {
  it("is the same for the same roles and texts, whatever the order of fields and other fields", () => {
    const { messages } = chatItemSchema.parse({ messages: [{ content: "hi", name: "ann", role: "user" }] });
    expect(canonicalMessages(messages)).toBe('[{"role":"user","content":"hi"}]');
    expect(canonicalMessages([message("user", "hi")])).toBe(canonicalMessages(messages));
  });

  it("tells messages apart that look alike when joined", () => {
    const one = canonicalMessages([message("user", "a"), message("user", "b")]);
    expect(one).not.toBe(canonicalMessages([message("user", 'a"},{"role":"user","content":"b')]));
    expect(one).not.toBe(canonicalMessages([message("user", "b"), message("user", "a")]));
  });
});

describe("whyNotTrainable", () => {
  it.each([
    [item("user", "assistant"), null],
    [item("system", "user", "assistant", "user", "assistant"), null],
    [item("user", "tool", "assistant"), null],
    [item("user"), "no assistant message: there is no answer to learn"],
    [item("user", "assistant", "user"), "the last message must be the assistant's answer"],
    [item("system", "assistant"), "no user message: there is no question"],
  ])("says of %j: %s", (chat, reason) => {
    expect(whyNotTrainable(chat)).toBe(reason);
  });
});

describe("questionAndAnswer", () => {
  it("takes the last message as the answer and all before it as the question", () => {
    const [question, answer] = [message("user", "q"), message("assistant", "a")];
    expect(questionAndAnswer([question, answer])).toEqual({ question: [question], answer: "a" });
  });
});

describe("splitOf", () => {
  const split = { test: 0.1, valid: 0.05 };

  it.each([
    [0, "test"],
    [Math.floor(0.1 * 2 ** 32), "test"],
    [Math.ceil(0.1 * 2 ** 32), "valid"],
    [Math.ceil(0.15 * 2 ** 32), "train"],
    [2 ** 32 - 1, "train"],
  ])("puts hash %i into %s", (hash, name) => {
    expect(splitOf(hash, split)).toBe(name);
  });

  it("keeps a share of 0 empty", () => {
    expect(splitOf(0, { test: 0, valid: 0 })).toBe("train");
    expect(splitOf(0, { test: 0, valid: 0.1 })).toBe("valid");
  });

  it("keeps every test record in the test split while only the validation share changes", () => {
    fc.assert(
      fc.property(fc.nat(2 ** 32 - 1), fc.double({ min: 0, max: 0.5, noNaN: true }), (hash, valid) => {
        expect(splitOf(hash, { ...split, valid }) === "test").toBe(splitOf(hash, split) === "test");
      }),
    );
  });
});
