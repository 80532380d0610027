import {
  array,
  assert,
  constantFrom,
  dictionary,
  jsonValue,
  oneof,
  property,
  record,
  string,
  tuple,
  type Arbitrary,
} from "fast-check";
import { describe, expect, it } from "vitest";
import { compileMapping, instantOf, type Mapped } from "../../src/domain/mapping.ts";
import { mappingSchema, type Condition, type Mapping } from "../../src/domain/mapping-schema.ts";
import { chatItemSchema } from "../../src/domain/record-schema.ts";

const thread = {
  id: 4711,
  title: "No sound",
  text: "The game is silent.",
  author: "ada",
  agent: "bo",
  status: "solved",
  score: "4",
  tags: ["audio", "win"],
  reactions: [
    { name: "eyes", count: 2 },
    { name: "white_check_mark", count: 1 },
  ],
  replies: [
    { author: "bo", text: "Which system?" },
    { author: "ada", text: "Windows." },
    { author: "ada", text: "Version 11." },
    { author: "bo", text: "Install the update." },
    { author: "ada", text: "Thanks!" },
  ],
  created: "2026-01-31 12:00",
};
const messages: Mapping["messages"] = [
  { role: "user", text: "{title}\n{text}" },
  { each: "replies", role: { assistant: { path: "author", sameAs: "$.agent" }, otherwise: "user" }, text: "{text}" },
];
const apply = (mapping: Mapping, item: unknown = thread): Mapped => compileMapping(mappingSchema.parse(mapping))(item);
const matches = (where: Condition, item: unknown = thread): boolean => "chat" in apply({ where, messages }, item);

describe("compileMapping", () => {
  it("makes turns of a thread: rows of one role are one message, and what follows the last answer is cut", () => {
    expect(apply({ messages })).toEqual({
      chat: {
        messages: [
          { role: "user", content: "No sound\nThe game is silent." },
          { role: "assistant", content: "Which system?" },
          { role: "user", content: "Windows.\n\nVersion 11." },
          { role: "assistant", content: "Install the update." },
        ],
      },
    });
  });

  it("takes id, author, group, time and labels from the item", () => {
    const mapping: Mapping = {
      messages,
      id: "t-{id}",
      author: "{author}",
      group: "{agent}/{id}",
      receivedAt: "{created}",
      labels: {
        score: "{score}",
        id: "{id}",
        tags: "{tags}",
        solved: { path: "reactions.*.name", contains: "white_check_mark" },
        spam: { path: "reactions.*.name", contains: "no_entry" },
        missing: "{nowhere}",
      },
    };
    expect(apply(mapping)).toMatchObject({
      chat: {
        id: "t-4711",
        author: "ada",
        group: "bo/4711",
        receivedAt: "2026-01-31T12:00:00.000Z",
        labels: { score: "4", id: 4711, tags: "audio, win", solved: true, spam: false },
      },
    });
  });

  it("goes without what an item does not have, but for the text of a message", () => {
    const details = { id: "{x}", author: "{x.y}", group: "a{x}", receivedAt: "{x}", labels: { x: "{x}" } };
    expect(apply({ messages: [{ role: "assistant", text: "{text}" }], ...details })).toEqual({
      chat: { messages: [{ role: "assistant", content: thread.text }], labels: {} },
    });
    expect(apply({ messages: [{ role: "assistant", text: "{x}" }] })).toEqual({
      reason: expect.stringMatching(/^messages\.0\.text: \{x\}: there is no x, only id, title.*it may be missing$/),
    });
  });

  it.each([
    ["a message that comes out blank", { role: "assistant", text: "{x|}" }],
    [
      "a message whose condition does not hold",
      { role: "assistant", text: "{text}", where: { path: "x", exists: true } },
    ],
    ["a message without a role", { role: { assistant: { path: "x", exists: true } }, text: "{text}" }],
    ["a list that is not there", { each: "x", role: "assistant", text: "{text}" }],
  ] as [string, Mapping["messages"][number]][])("leaves %s away", (_, message) => {
    expect(apply({ messages: [message] })).toEqual({ reason: expect.stringMatching(/^messages: every one/) });
    const kept = { role: "assistant" as const, text: "{title}" };
    expect(apply({ messages: [message, kept] })).toEqual({
      chat: { messages: [{ role: "assistant", content: thread.title }] },
    });
  });

  it.each([
    [
      "each is not a list",
      { messages: [{ each: "title", role: "assistant", text: "x" }] },
      /^messages\.0\.each: title is not a list/,
    ],
    [
      "a text is an object",
      { messages: [{ role: "assistant", text: "{replies}" }] },
      /^messages\.0\.text: \{replies\} is a list, not text/,
    ],
    ["an id is long", { messages, id: "x".repeat(201) }, /^id: longer than 200/],
    ["an author is an object", { messages, author: "{reactions}" }, /^author: \{reactions\} is a list/],
    ["a time is none", { messages, receivedAt: "{title}" }, /^receivedAt: is no time/],
    ["a label is an object", { messages, labels: { all: "{reactions}" } }, /^labels\.all: \{reactions\} is a list/],
  ] as [string, Mapping, RegExp][])("gives a reason when %s", (_, mapping, reason) =>
    expect(apply(mapping)).toEqual({ reason: expect.stringMatching(reason) }),
  );

  it.each([null, 7, "text", [], true, {}])("gives a reason for %j", (item) =>
    expect(apply({ messages }, item)).toEqual({ reason: expect.stringMatching(/^messages\.0\.text/) }),
  );

  it("leaves out what the filter does not match, and says why", () => {
    const where: Condition = {
      all: [
        { path: "status", equals: "solved" },
        { not: { path: "reactions", some: { path: "name", in: ["eyes", "no_entry"] } } },
      ],
    };
    expect(apply({ where, messages })).toEqual({
      leftOut: 'where: not so: not (reactions some (name in ["eyes","no_entry"]))',
    });
  });
});

describe("compileMapping, for conditions", () => {
  it.each([
    [{ path: "status", equals: "solved" }, true],
    [{ path: "status", equals: "open" }, false],
    [{ path: "score", equals: 4 }, true],
    [{ path: "id", equals: "4711" }, true],
    [{ path: "nowhere", equals: null }, true],
    [{ path: "status", equals: null }, false],
    [{ path: "reactions", equals: "[object Object]" }, false],
    [{ path: "status", in: ["open", "solved"] }, true],
    [{ path: "status", in: ["open"] }, false],
    [{ path: "text", contains: "silent" }, true],
    [{ path: "text", contains: "Silent" }, false],
    [{ path: "tags", contains: "audio" }, true],
    [{ path: "tags", contains: "aud" }, false],
    [{ path: "replies.*.author", contains: "bo" }, true],
    [{ path: "reactions", some: { path: "name", equals: "white_check_mark" } }, true],
    [{ path: "reactions", some: { path: "name", equals: "no_entry" } }, false],
    [{ path: "reactions", some: { path: "name", sameAs: "$.title" } }, false],
    [{ path: "title", some: { path: "name", exists: true } }, false],
    [{ path: "title", exists: true }, true],
    [{ path: "title", exists: false }, false],
    [{ path: "nowhere", exists: false }, true],
    [{ path: "score", atLeast: 4 }, true],
    [{ path: "score", atLeast: 3, atMost: 3.5 }, false],
    [{ path: "title", atLeast: 0 }, false],
    [{ path: "nowhere", atMost: 10 }, false],
    [{ path: "replies.0.author", sameAs: "agent" }, true],
    [{ path: "replies.0.author", sameAs: "author" }, false],
    [{ path: "nowhere", sameAs: "neither" }, false],
    [
      {
        any: [
          { path: "status", equals: "open" },
          { path: "score", atLeast: 4 },
        ],
      },
      true,
    ],
    [
      {
        any: [
          { path: "status", equals: "open" },
          { path: "score", atLeast: 5 },
        ],
      },
      false,
    ],
    [
      {
        all: [
          { path: "status", equals: "solved" },
          { path: "score", atLeast: 5 },
        ],
      },
      false,
    ],
    [{ not: { path: "status", equals: "open" } }, true],
    [{ not: { not: { path: "status", equals: "solved" } } }, true],
  ] as [Condition, boolean][])("finds %j: %s", (where, expected) => expect(matches(where)).toBe(expected));
});

const names = constantFrom("id", "text", "user", "list", "0", "*", "$", "__proto__", "constructor", "toString");
const paths = array(names, { minLength: 1, maxLength: 4 }).map((steps) => steps.join("."));
const texts = oneof(
  paths.map((path) => `{${path}}`),
  tuple(paths, string()).map(([path, text]) => `{${path}|${text.replaceAll("}", "")}}`),
  string().map((text) => text.replaceAll(/[{}]/g, "$&$&")),
);
const conditions: Arbitrary<object> = oneof(
  record({ path: paths, equals: oneof(string(), constantFrom(null, true, 1)) }),
  record({ path: paths, contains: string({ minLength: 1 }) }),
  record({ path: paths, sameAs: paths }),
  record({ path: paths, some: record({ path: paths, exists: constantFrom(true, false) }) }),
);
const mappings = record(
  {
    messages: array(
      record(
        { each: paths, where: conditions, role: constantFrom("user", "assistant", "tool"), text: texts },
        { requiredKeys: ["role", "text"] },
      ),
      { minLength: 1, maxLength: 4 },
    ).map((list) => [...list, { role: "assistant", text: "{text|answer}" }]),
    where: conditions,
    id: texts,
    author: texts,
    group: texts,
    receivedAt: texts,
    labels: dictionary(string({ minLength: 1 }), oneof(texts, conditions), { maxKeys: 3 }),
  },
  { requiredKeys: ["messages"] },
);
/** JSON that has the fields which the paths look for, and what has no business there. */
const items = oneof(
  jsonValue(),
  dictionary(names, oneof(jsonValue(), dictionary(names, jsonValue()), array(dictionary(names, jsonValue())))),
);

describe("compileMapping, whatever the mapping and the item", () => {
  it("never throws, and makes nothing but chat items, the same each time", () => {
    let chats = 0;
    assert(
      property(mappings, items, (definition, item) => {
        const parsed = mappingSchema.safeParse(definition);
        if (!parsed.success) return;
        const before = JSON.stringify(item);
        const mapped = compileMapping(parsed.data)(item);
        expect(JSON.stringify(item)).toBe(before);
        expect(compileMapping(parsed.data)(item)).toEqual(mapped);
        if (!("chat" in mapped)) return;
        chats++;
        expect(chatItemSchema.parse(mapped.chat).messages).toEqual(mapped.chat.messages);
        expect(mapped.chat.messages.at(-1)?.role).toBe("assistant");
        for (const [index, { role }] of mapped.chat.messages.entries())
          if (role !== "tool") expect(mapped.chat.messages[index - 1]?.role).not.toBe(role);
      }),
      { numRuns: 250 },
    );
    expect(chats).toBeGreaterThan(10);
  });
});

describe("instantOf", () => {
  it.each([
    ["2026-01-31", "2026-01-31T00:00:00.000Z"],
    ["2026-01-31T12:30:00Z", "2026-01-31T12:30:00.000Z"],
    ["2026-01-31 12:30", "2026-01-31T12:30:00.000Z"],
    ["2026-01-31T12:30:00.123456+02:00", "2026-01-31T10:30:00.123Z"],
    ["2026-01-31 12:30:00 +0200", "2026-01-31T10:30:00.000Z"],
    ["2026-01-31 12:30:00 UTC", "2026-01-31T12:30:00.000Z"],
    ["1767225600", "2026-01-01T00:00:00.000Z"],
    ["1767225600.250", "2026-01-01T00:00:00.250Z"],
    ["1767225600250", "2026-01-01T00:00:00.250Z"],
    [" 1767225600 ", "2026-01-01T00:00:00.000Z"],
  ])("reads %j", (text, expected) => expect(instantOf(text)).toBe(expected));

  it.each([
    "",
    "yesterday",
    "12",
    "20260131",
    "2026-13-01",
    "2026-02-31T25:00:00Z",
    "31/01/2026",
    "-1767225600",
    "9".repeat(15),
    "Infinity",
  ])("takes %j for no time", (text) => expect(instantOf(text)).toBeNull());

  it("makes what the schema of chat items takes, of every text that it takes", () => {
    const digits = array(constantFrom(..."0123456789-:T Z.+".split("")), { maxLength: 26 }).map((signs) =>
      signs.join(""),
    );
    assert(
      property(digits, (text) => {
        const receivedAt = instantOf(text);
        if (receivedAt !== null) expect(chatItemSchema.shape.receivedAt.parse(receivedAt)).toBe(receivedAt);
      }),
    );
  });
});
