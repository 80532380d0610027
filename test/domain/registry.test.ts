import { describe, expect, it } from "vitest";
import { registrySchema } from "../../src/domain/registry-schema.ts";
import { emptyRegistry, formerChampion, wasChampion, withAliases } from "../../src/domain/registry.ts";

const move = { at: "2026-01-01T00:00:00Z", workflowId: "retrain/games/12", reason: "better" };

describe("emptyRegistry", () => {
  it("is a registry that knows nothing", () => {
    expect(registrySchema.parse(emptyRegistry("games"))).toMatchObject({ name: "games", champion: null, history: [] });
  });
});

describe("withAliases", () => {
  it("moves several aliases at once and adds from, to and why of each to the history", () => {
    const first = withAliases(emptyRegistry("games"), { ...move, to: { challenger: "games-12" } });
    const second = withAliases(first, { ...move, to: { champion: "games-12", challenger: null } });
    expect([second.champion, second.challenger]).toEqual(["games-12", null]);
    expect(second.history).toEqual([
      { ...move, alias: "challenger", from: null, to: "games-12" },
      { ...move, alias: "champion", from: null, to: "games-12" },
      { ...move, alias: "challenger", from: "games-12", to: null },
    ]);
    expect(registrySchema.parse(second)).toEqual(second);
  });

  it("leaves an alias alone that is not named", () => {
    const champion = withAliases(emptyRegistry("games"), { ...move, to: { champion: "games-12" } });
    expect(withAliases(champion, { ...move, to: { challenger: "games-13" } }).champion).toBe("games-12");
  });

  it("answers the very same registry when the aliases point there already, so that nothing is written", () => {
    const moved = withAliases(emptyRegistry("games"), { ...move, to: { champion: "games-12" } });
    expect(withAliases(moved, { ...move, to: { champion: "games-12", challenger: null }, reason: "again" })).toBe(
      moved,
    );
    expect(withAliases(moved, { ...move, to: {} })).toBe(moved);
  });
});

describe("formerChampion and wasChampion", () => {
  const registry = [null, "games-1", "games-2", "games-3"].reduce(
    (known, model) => withAliases(known, { ...move, to: { champion: model } }),
    emptyRegistry("games"),
  );
  const former = (wanted: string | null, serves = true) => formerChampion(registry, { wanted, serves });

  it("find the one before, one that is named, and the one of now where it does not serve", () => {
    expect(former(null)).toBe("games-2");
    expect(former("games-1")).toBe("games-1");
    expect(former("games-3", false)).toBe("games-3");
    const back = withAliases(registry, { ...move, to: { champion: "games-2" } });
    expect(formerChampion(back, { wanted: null, serves: true })).toBe("games-3");
  });

  it("know of a champion that the history only saw go", () => {
    const known = { ...registry, history: registry.history.slice(1) };
    expect(formerChampion(known, { wanted: "games-1", serves: true })).toBe("games-1");
    expect(wasChampion(known, "games-1")).toBe(true);
  });

  it.each([
    ["games-3", "InvalidInput", "games-3 is champion and has all traffic"],
    ["games-9", "InvalidInput", "games-9 was never champion"],
  ])("refuse %s", (wanted, type, message) => {
    expect(() => former(wanted)).toThrow(expect.objectContaining({ type, message: expect.stringContaining(message) }));
    expect(wasChampion(registry, wanted)).toBe(wanted === "games-3");
  });

  it("say that there is none to go back to", () => {
    const first = withAliases(emptyRegistry("games"), { ...move, to: { champion: "games-1" } });
    expect(() => formerChampion(first, { wanted: null, serves: true })).toThrow("never had another champion");
  });
});
