import { describe, expect, it } from "vitest";
import { registrySchema } from "../../src/domain/registry-schema.ts";
import { emptyRegistry, withAliases } from "../../src/domain/registry.ts";

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
