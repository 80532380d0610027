import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findTokens, shapeOf, tokenise } from "../../../src/recipes/embedded/tokeniser.ts";

describe("tokenise", () => {
  it.each([
    ["It isn't on Steam, is it?", ["It", "is", "n't", "on", "Steam", ",", "is", "it", "?"]],
    ["Tony Hawk's 2K16", ["Tony", "Hawk", "'s", "2K16"]],
    ["don’t", ["do", "n’t"]],
    ["can't", ["ca", "n't"]],
    ["first-person role_play", ["first", "-", "person", "role", "_", "play"]],
    ["  ", []],
    ["日本 Ōkami", ["日本", "Ōkami"]],
  ])("splits %j", (text, tokens) => {
    expect(tokenise(text).map((token) => token.text)).toEqual(tokens);
  });

  it("loses nothing but white space, whatever the text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        let end = 0;
        for (const token of tokenise(text)) {
          expect(text.slice(token.start, token.end)).toBe(token.text);
          expect(text.slice(end, token.start).trim()).toBe("");
          end = token.end;
        }
        expect(text.slice(end).trim()).toBe("");
      }),
    );
  });
});

describe("findTokens", () => {
  it("finds a run of words at or after a place, and -1 where there is none", () => {
    const tokens = tokenise("the red and the blue");
    expect(findTokens(tokens, ["the"])).toBe(0);
    expect(findTokens(tokens, ["the"], 1)).toBe(3);
    expect(findTokens(tokens, ["the", "blue"])).toBe(3);
    expect(findTokens(tokens, ["blue", "red"])).toBe(-1);
    expect(findTokens(tokens, [])).toBe(-1);
  });
});

describe("shapeOf", () => {
  it.each([
    ["2K16", "dXdd"],
    ["Overwatch", "Xxx"],
    ["XxX", "XxX"],
    ["1984", "dd"],
    [":", ":"],
  ])("shows the look of %j", (word, shape) => {
    expect(shapeOf(word)).toBe(shape);
  });
});
