import { describe, expect, it } from "vitest";
import { parseFrame, renderFrame } from "../../../src/recipes/embedded/frame.ts";

describe("parseFrame", () => {
  it.each([
    [
      "inform(name[Tetris], year[1984])",
      "inform",
      [
        ["name", "Tetris"],
        ["year", "1984"],
      ],
    ],
    [
      "inform(name[Sid, Bob], esrb[E 10+ (for Everyone)])",
      "inform",
      [
        ["name", "Sid, Bob"],
        ["esrb", "E 10+ (for Everyone)"],
      ],
    ],
    ["request_attribute(year[])", "request_attribute", [["year", ""]]],
    ["request()", "request", []],
    ["Output: give\\_opinion(release\\_year[1984])", "give_opinion", [["release_year", "1984"]]],
    [
      "a(b[1],c[2])",
      "a",
      [
        ["b", "1"],
        ["c", "2"],
      ],
    ],
  ])("reads %j", (text, fn, slots) => {
    expect(parseFrame(text)).toEqual({ fn, slots: slots.map(([attribute, value]) => ({ attribute, value })) });
  });

  it.each([
    "",
    "a sentence",
    "inform",
    "inform(name)",
    "inform(name[Tetris)",
    "inform(name[Tetris]) and more",
    "inform(name[Tetris] year[1984])",
    "inform(name[Tetris], )",
    "two words(name[Tetris])",
  ])("refuses %j", (text) => {
    expect(parseFrame(text)).toBeNull();
  });
});

describe("renderFrame", () => {
  it.each(["inform(name[Tetris], year[1984])", "request()", "ask(year[])"])("writes %j as it was read", (text) => {
    const frame = parseFrame(text);
    expect(frame === null ? null : renderFrame(frame)).toBe(text);
  });
});
