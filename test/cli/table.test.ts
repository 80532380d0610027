import { describe, expect, it } from "vitest";
import { facts, table, widthOf, type Column } from "../../src/cli/table.ts";

const columns: Column[] = [
  { head: "SOURCE", align: "left" },
  { head: "TRAIN", align: "right" },
  { head: "WHEN", align: "left" },
];
const rows = [
  ["discord", "1,020", "today"],
  ["漢字", "7", ""],
];

describe("table", () => {
  it("puts cells under their heads, whatever their scripts, and ends no line in spaces", () => {
    expect(table(columns, rows, 80)).toBe(
      ["  SOURCE   TRAIN  WHEN", "  discord  1,020  today", "  漢字         7", ""].join("\n"),
    );
  });

  it("is as wide as it may be, and gives each cell a line where it would be wider", () => {
    expect(table(columns, rows, 23)).toContain("SOURCE   TRAIN  WHEN");
    expect(table(columns, rows, 22)).toBe(
      ["  discord", "    TRAIN  1,020", "    WHEN   today", "  漢字", "    TRAIN  7", "    WHEN", ""].join("\n"),
    );
    expect(table(columns, [["a".repeat(30), "1", "b".repeat(30)]], 20)).toBe(
      [`  ${"a".repeat(17)}…`, "    TRAIN  1", `    WHEN   ${"b".repeat(8)}…`, ""].join("\n"),
    );
  });
});

describe("facts", () => {
  it("lines up values, and cuts those that do not fit", () => {
    expect(
      facts(
        [
          ["made", "today"],
          ["hash", "0123456789abcdef"],
          ["parent", ""],
        ],
        14,
      ),
    ).toBe(["made    today", "hash    01234…", "parent", ""].join("\n"));
  });
});

describe("widthOf", () => {
  it.each([
    [{ columns: 60 }, 60],
    [{ columns: 0 }, 80],
    [{}, 80],
  ])("of %j is %d", (output, width) => {
    expect(widthOf(output)).toBe(width);
  });
});
