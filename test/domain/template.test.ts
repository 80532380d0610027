import { assert, jsonValue, property, string } from "fast-check";
import { describe, expect, it } from "vitest";
import {
  fill,
  isThere,
  parsePath,
  parseTemplate,
  valueAt,
  type Path,
  type Template,
} from "../../src/domain/template.ts";

function path(text: string): Path {
  const parsed = parsePath(text);
  if ("problem" in parsed) throw new Error(parsed.problem);
  return parsed;
}
function template(text: string): Template {
  const parsed = parseTemplate(text);
  if ("problem" in parsed) throw new Error(parsed.problem);
  return parsed;
}
const item = {
  title: "No sound",
  user: { name: "Ada", tags: ["vip", "beta"] },
  replies: [
    { text: "first", reactions: [{ name: "eyes" }] },
    { text: "second", reactions: [{ name: "tada" }, { name: "+1" }] },
  ],
  score: 0,
  solved: false,
  blank: " ",
  nothing: null,
  "Full Name": "Ada Lovelace",
};
const scope = { item, element: item };

describe("parsePath", () => {
  it.each(["user.name", "replies.0.text", "replies.*.text", "$.user", "$", "Full Name", "a-b.c_d.é"])(
    "takes %j",
    (text) => expect(parsePath(text)).toMatchObject({ text }),
  );

  it.each(["", "user.", ".name", "a..b", " user", "user. name", "replies[0]", "{user}", "a|b", "a.".repeat(25) + "a"])(
    "refuses %j, and quotes it",
    (text) => expect(parsePath(text)).toEqual({ problem: expect.stringContaining(`"${text}"`) }),
  );
});

describe("valueAt", () => {
  it.each([
    ["title", "No sound"],
    ["user.name", "Ada"],
    ["user.tags.1", "beta"],
    ["replies.1.text", "second"],
    ["replies.*.text", ["first", "second"]],
    ["replies.*.reactions.*.name", ["eyes", "tada", "+1"]],
    ["replies.*.missing", []],
    ["Full Name", "Ada Lovelace"],
    ["$.title", "No sound"],
    ["$", item],
    ["missing", undefined],
    ["title.length", undefined],
    ["user.name.0", undefined],
    ["replies.2", undefined],
    ["replies.length", 2],
    ["user.*", undefined],
    ["nothing.more", undefined],
    ["constructor", undefined],
    ["__proto__.polluted", undefined],
    ["user.toString", undefined],
  ])("finds at %s what is there", (text, expected) => expect(valueAt(path(text), scope)).toEqual(expected));

  it("starts at the element of a list, and at the item behind a $", () => {
    const inner = { item, element: item.replies[0] };
    expect(valueAt(path("text"), inner)).toBe("first");
    expect(valueAt(path("$.title"), inner)).toBe("No sound");
  });

  it("never throws, whatever the item is", () => {
    assert(
      property(jsonValue(), string(), (value, text) => {
        const parsed = parsePath(text);
        if (!("problem" in parsed)) valueAt(parsed, { item: value, element: value });
      }),
    );
  });
});

describe("parseTemplate", () => {
  it.each(["{a", "a}", "{}", "{a.}", "{a{b}}", "}{"])("refuses %j", (text) =>
    expect(parseTemplate(text)).toEqual({ problem: expect.any(String) }),
  );

  it("takes every text whose braces are written twice, and gives it back", () => {
    assert(
      property(string(), (text) => {
        const filled = fill(template(text.replaceAll(/[{}]/g, "$&$&")), scope);
        expect(filled).toEqual({ text });
      }),
    );
  });
});

describe("fill", () => {
  it.each([
    ["{title} by {user.name}", "No sound by Ada"],
    ["{missing|none}", "none"],
    ["{missing|}", ""],
    ["{blank|default}", "default"],
    ["{nothing|default}", "default"],
    ["{score}/{solved}", "0/false"],
    ["{user.tags}", "vip, beta"],
    ["{replies.*.text}", "first, second"],
    ["{ title }", "No sound"],
    ["{missing| with | bars }", " with | bars "],
    ['{{"a": {score}}}', '{"a": 0}'],
    ["no places", "no places"],
    ["", ""],
  ])("makes of %j", (text, expected) => expect(fill(template(text), scope)).toEqual({ text: expected }));

  it.each([
    ["{missing}", "{missing}: there is no missing, only title, user, replies, score"],
    ["{user.nam}", "{user.nam}: there is no nam, only name, tags"],
    ["{replies.5.text}", "{replies.5.text}: there is no 5 in a list of 2"],
    ["{title.x}", "{title.x}: there is no x in a string"],
    ["{nothing}", "{nothing}: nothing is null"],
    ["{blank}", "{blank}: is empty"],
  ])("says of %j what is missing, and nothing of any value", (text, expected) => {
    const filled = fill(template(text), scope);
    expect(filled).toEqual({ problem: expect.stringContaining(expected), missing: true });
    expect(JSON.stringify(filled)).not.toMatch(/No sound|Ada|vip/);
  });

  it.each(["{user}", "{replies}", "{replies.*.reactions}"])("says that %j is no text", (text) =>
    expect(fill(template(text), scope)).toEqual({ problem: expect.stringContaining("not text"), missing: false }),
  );
});

describe("isThere", () => {
  it.each([0, false, "x", [], {}])("holds for %j", (value) => expect(isThere(value)).toBe(true));
  it.each([undefined, null, "", " \n"])("does not hold for %j", (value) => expect(isThere(value)).toBe(false));
});
