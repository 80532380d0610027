import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ChatItem, Message } from "../../src/domain/record-schema.ts";
import { chatItemSchema } from "../../src/domain/record-schema.ts";
import {
  canonicalForms,
  canonicalMessages,
  isPlainChatItem,
  questionAndAnswer,
  renderRecord,
  splitOf,
  whyNotTrainable,
} from "../../src/domain/record.ts";

const message = (role: Message["role"], content = "x"): Message => ({ role, content });
const roles: Message["role"][] = ["system", "user", "assistant", "tool"];
const item = (...roles: Message["role"][]): ChatItem => ({ messages: roles.map((role) => message(role)) });

describe("isPlainChatItem", () => {
  const mostly = (usual: fc.Arbitrary<unknown>, ...odd: unknown[]): fc.Arbitrary<unknown> =>
    fc.oneof(
      { weight: 20, arbitrary: usual },
      { weight: 2, arbitrary: fc.constantFrom(...odd) },
      { weight: 1, arbitrary: fc.jsonValue() },
    );
  const text = mostly(
    fc.string({ minLength: 1 }),
    "",
    " ",
    "\u00a0",
    "\ufeff",
    "\u2028\n",
    "\u001f",
    "ä",
    [],
    ["text"],
  );
  const name = mostly(fc.string({ minLength: 1 }), "", "x".repeat(200), "x".repeat(201));
  const role = mostly(fc.constantFrom("system", "user", "assistant", "tool"), "developer", "", "constructor");
  const turn = fc.record({ role, content: text, name: fc.jsonValue() }, { requiredKeys: ["role", "content"] });
  const time = mostly(
    fc.constantFrom("2026-01-31T12:00:00Z", "2026-02-28T23:59:59.123456Z", "0000-01-01T00:00:00Z"),
    "2026-02-29T12:00:00Z",
    "2024-02-29T12:00:00Z",
    "2026-13-01T12:00:00Z",
    "2026-00-10T12:00:00Z",
    "2026-01-01T12:00:00+01:00",
    "2026-01-01T24:00:00Z",
    "2026-01-01T12:00:60Z",
    "2026-01-01T12:00:00.Z",
    "2026-01-01",
    "2026-01-01T12:00:00",
    "2026-01-01t12:00:00z",
    "2026-01-01T12:00:00Z\n",
    1_767_268_800,
  );
  const labels = mostly(
    fc.constantFrom({}, { a: "b" }, { a: 1, b: true }),
    [],
    { a: null },
    { a: Infinity },
    { a: {} },
  );
  const item = fc.record(
    {
      messages: mostly(fc.array(mostly(turn, null, {}), { maxLength: 4 }), [], {}),
      id: name,
      receivedAt: time,
      author: name,
      labels,
    },
    { requiredKeys: ["messages"] },
  );

  it("says yes only to what the schema takes, as it is", () => {
    const seen = { plain: 0, refused: 0 };
    fc.assert(
      fc.property(item, (value) => {
        const { data } = chatItemSchema.safeParse(value);
        if (data === undefined) seen.refused++;
        if (!isPlainChatItem(value)) return;
        seen.plain++;
        expect(data).toMatchObject({ ...value, messages: data?.messages });
        expect(canonicalMessages(value.messages)).toBe(canonicalMessages(data?.messages ?? []));
      }),
      { numRuns: 1000 },
    );
    expect(Math.min(seen.plain, seen.refused)).toBeGreaterThan(100);
  });

  it.each([
    [{ messages: [message("user"), message("assistant", "ä")] }],
    [{ messages: [{ ...message("tool"), name: "search" }], id: "1", receivedAt: "2026-11-01T12:00:00.5Z", other: [] }],
    [{ messages: [message("system")], author: "a", group: "g", labels: { good: true, stars: 5, shop: "x" } }],
  ])("knows %j at first sight", (value) => {
    expect(isPlainChatItem(value)).toBe(true);
  });

  it.each([
    '{"messages":[{"role":"user","content":"x","__proto__":1}]}',
    '{"messages":[],"__proto__":{"messages":[]}}',
  ])("leaves %s to the schema", (text) => {
    expect(isPlainChatItem(JSON.parse(text))).toBe(false);
  });
});

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

describe("canonicalForms", () => {
  it("are the canonical messages of the record, and of its question", () => {
    const messages = [message("system", "s"), message("user", '"q"\n'), message("assistant", "\ud800")];
    expect(canonicalForms(messages)).toEqual({
      messages: canonicalMessages(messages),
      question: canonicalMessages(messages.slice(0, -1)),
    });
    expect(canonicalForms([message("assistant")]).question).toBe("[]");
  });
});

describe("renderRecord", () => {
  it("is the JSON of the record, whatever its texts and the order of its fields", () => {
    const text = fc.string({ unit: "binary" });
    const messages = fc.array(fc.record({ content: text, role: fc.constantFrom(...roles) }), {
      minLength: 1,
      maxLength: 4,
    });
    const labels = fc.dictionary(
      text,
      fc.oneof(text, fc.boolean(), fc.double({ noNaN: true, noDefaultInfinity: true })),
    );
    const rest = fc.record({
      labels,
      group: text,
      author: fc.option(text),
      receivedAt: text,
      sourceItem: text,
      source: text,
    });
    fc.assert(
      fc.property(messages, rest, (turns, fields) => {
        const line = renderRecord("id", canonicalMessages(turns), fields);
        expect(line).toBe(
          JSON.stringify({
            id: "id",
            messages: turns.map(({ role, content }) => ({ role, content })),
            source: fields.source,
            sourceItem: fields.sourceItem,
            receivedAt: fields.receivedAt,
            author: fields.author,
            group: fields.group,
            labels: fields.labels,
          }),
        );
        expect(line).not.toContain("\n");
      }),
    );
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
