import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { authorIn, withoutAuthor } from "../../activities/raw-author.ts";

describe("withoutAuthor", () => {
  it.each([
    [
      "a text",
      "Ann",
      '{"author":"Ann","replies":[{"by":"Ann"},{"by":"Bo"}]}',
      '{"author":"*","replies":[{"by":"*"},{"by":"Bo"}]}',
    ],
    ["a number", "17", '{"user":17,"likes":170,"at":17.5,"to":[17]}', '{"user":"*","likes":170,"at":17.5,"to":["*"]}'],
    [
      "a text with escapes",
      "Jos\u00e9",
      '{"a":"Jos\\u00e9","b":"Jos\\u00E9","c":"Jos\u00e9"}',
      '{"a":"*","b":"*","c":"*"}',
    ],
    ["nothing within a text", "Ann", '{"text":"Ann said \\"Ann\\", Ann: 1"}', '{"text":"Ann said \\"Ann\\", Ann: 1"}'],
    ["no field's name", "author", '{"author" : "author"}', '{"author" : "*"}'],
  ])("takes the place of %s", (_, author, raw, expected) => expect(withoutAuthor(raw, author, "*")).toBe(expected));

  it("leaves null where nothing may stand in, and numbers that JavaScript cannot hold as they are", () => {
    expect(withoutAuthor('{"id":1457300000000000001, "by":"Ann"}', "Ann", null)).toBe(
      '{"id":1457300000000000001, "by":null}',
    );
  });

  it("leaves JSON that says the same but for the author, whatever it is", () => {
    const author = fc.constantFrom("Ann", "7", 'a"b', "\\", "\u2028", "e\u0301", "");
    fc.assert(
      fc.property(fc.json({ depthSize: "small" }), author, (text, name) => {
        const given: unknown = { text: JSON.parse(text), by: name };
        expect(JSON.parse(withoutAuthor(JSON.stringify(given), name, "*"))).toEqual(replaced(given, name));
      }),
    );
  });
});

describe("authorIn", () => {
  it.each([
    ['{"author":"Ann"}', "Ann"],
    ['{"author":{"name":"Ann"}}', undefined],
    ['["author"]', undefined],
    ["no author", undefined],
    ["null", undefined],
  ])("finds in %s: %s", (raw, author) => expect(authorIn(raw)).toBe(author));
});

/** The same with `*` for each value that is the author. */
function replaced(value: unknown, author: string): unknown {
  if (typeof value === "string" || typeof value === "number") return String(value) === author ? "*" : value;
  if (Array.isArray(value)) return value.map((element) => replaced(element, author));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, replaced(field, author)]));
}
