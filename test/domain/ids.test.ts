import { describe, expect, it } from "vitest";
import {
  anyscaleName,
  cycleNumber,
  datasetVersionId,
  modelVersionId,
  paddedVersion,
  serviceName,
} from "../../src/domain/ids.ts";
import { objectKeys } from "../../src/domain/object-keys.ts";

describe("ids", () => {
  it("number a cycle by its dataset version, and a repeat after it", () => {
    expect([cycleNumber(12, 1), cycleNumber(12, 2)]).toEqual(["12", "12.2"]);
    expect([modelVersionId("games", 12, 1), modelVersionId("games", 12, 3)]).toEqual(["games-12", "games-12.3"]);
    expect(datasetVersionId("games", 12)).toBe("games@12");
  });

  it.each([
    ["retrain/games/12.2/fine-tune", "retrain-games-12-2-fine-tune"],
    ["Games_Ä", "games--"],
  ])("turn %s to %s for Anyscale", (id, name) => {
    expect(anyscaleName(id)).toBe(name);
  });

  it("name one service per pipeline", () => {
    expect(serviceName("games")).toBe("pipeline-games");
  });
});

describe("objectKeys", () => {
  it("sort versions by number as far as a million", () => {
    const keys = [1, 2, 10, 99, 100, 999_999].map((version) => objectKeys.version("games", version));
    expect(keys.toSorted()).toEqual(keys);
    expect(paddedVersion(12)).toBe("000012");
    expect(keys[0]).toBe("datasets/games/versions/000001.json");
  });
});
