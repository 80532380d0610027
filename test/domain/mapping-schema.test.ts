import { describe, expect, it } from "vitest";
import { mappingSchema } from "../../src/domain/mapping-schema.ts";

const answer = { role: "assistant", text: "{answer}" };
/** The problems of a mapping, each with its field. */
function problemsOf(mapping: unknown): string[] {
  const { error } = mappingSchema.safeParse(mapping);
  return (error?.issues ?? []).map(({ path, message }) => `${path.join(".")}: ${message}`);
}

describe("mappingSchema", () => {
  it("takes everything that a mapping can say, and keeps it as it is", () => {
    const mapping = {
      where: {
        all: [
          { path: "status", in: ["solved", "closed", 3, null] },
          { any: [{ path: "score", atLeast: 4, atMost: 5 }, { not: { path: "spam", equals: true } }] },
          { path: "reactions", some: { path: "name", equals: "white_check_mark" } },
        ],
      },
      messages: [
        { role: "system", text: "Be short. {{}}", where: { path: "system", exists: false } },
        {
          each: "replies",
          role: { assistant: { path: "author", sameAs: "$.agent" }, otherwise: "user" },
          text: "{text|}",
        },
      ],
      id: "{id}",
      author: "{user.name}",
      group: "{thread}",
      receivedAt: "{created}",
      labels: { score: "{score}", solved: { path: "reactions.*.name", contains: "tada" } },
    };
    expect(mappingSchema.parse(mapping)).toEqual(mapping);
  });

  it.each([
    ["a field that it does not know", { messages: [answer], filter: {} }, ': Unrecognized key: "filter"'],
    ["one of a message", { messages: [{ ...answer, wehre: {} }] }, 'messages.0: Unrecognized key: "wehre"'],
    ["one of a condition", { messages: [answer], where: { path: "a", equal: 1 } }, 'where: Unrecognized key: "equal"'],
    [
      "a condition that tests nothing",
      { messages: [answer], where: { path: "a" } },
      "where: says nothing of the field",
    ],
    ["a bad path", { messages: [{ role: "assistant", text: "{a..b}" }] }, 'messages.0.text: "a..b" is not a path'],
    ["a brace that is open", { messages: [answer], group: "{a" }, "group: there is a { without a }"],
    ["a role that is none", { messages: [{ role: "bot", text: "x" }] }, "messages.0.role: Invalid option"],
    ["a role that nothing decides", { messages: [{ role: {}, text: "x" }] }, "messages.0.role: names no role"],
    ["a text that is none", { messages: [{ role: "assistant", text: 3 }] }, "messages.0.text: Invalid input"],
    ["no messages", { messages: [] }, "messages: no message can be the assistant's"],
    ["no mapping at all", null, ": Invalid input: expected object"],
    [
      "a bad path deep in a condition",
      { messages: [answer], where: { any: [{ not: { path: "list", some: { path: "[0]", exists: true } } }] } },
      'where.any.0.not.some.path: "[0]" is not a path',
    ],
    ["a bad label", { messages: [answer], labels: { good: { path: "x" } } }, "labels.good: says nothing of the field"],
    [
      "a path in sameAs",
      { messages: [answer], where: { path: "a", sameAs: "b." } },
      'where.sameAs: "b." is not a path',
    ],
  ])("names %s", (_, mapping, problem) => expect(problemsOf(mapping)[0]).toContain(problem));

  it.each([
    ["users only", [{ role: "user", text: "x" }]],
    [
      "roles that are never the assistant",
      [{ role: { user: { path: "a", exists: true }, otherwise: "tool" }, text: "x" }],
    ],
  ])("refuses messages of %s: there would be nothing to learn", (_, messages) =>
    expect(problemsOf({ messages })).toEqual([expect.stringContaining("messages: no message can be the assistant's")]),
  );

  it("refuses what is nested without end, before it works on it", () => {
    let where: unknown = { path: "a", exists: true };
    for (let depth = 0; depth < 50_000; depth++) where = { not: where };
    expect(problemsOf({ messages: [answer], where })).toEqual([": is nested deeper than 32 levels"]);
  });
});
