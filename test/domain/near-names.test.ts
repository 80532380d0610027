import { describe, expect, it } from "vitest";
import { nearNames } from "../../src/domain/near-names.ts";

describe("nearNames", () => {
  it.each([
    ["letters in another order", "gmaes", ["games", "shop"], ["games"]],
    ["a letter too many", "gamess", ["games", "shop"], ["games"]],
    ["a piece of a name", "support", ["support-de", "shop", "support-en"], ["support-de", "support-en"]],
    ["more than a name", "games-prod", ["games", "shop"], ["games"]],
    [
      "the nearest first, three at most",
      "game",
      ["games-old", "games", "game1", "game22"],
      ["games", "game1", "game22"],
    ],
    ["another word", "weather", ["games", "shop"], []],
    ["a short name", "ab", ["cd", "ac"], ["ac"]],
  ])("offers what may have been meant by %s", (_, name, names, offered) => {
    expect(nearNames(name, names)).toEqual(offered);
  });
});
