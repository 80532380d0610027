import { describe, expect, it } from "vitest";
import { createMetricCatalog } from "../../src/adapters/metrics/catalog.ts";
import { describePacks, listedPacks } from "../../src/cli/metrics.ts";
import { checkMetrics } from "../../src/cli/start.ts";
import { UsageError } from "../../src/cli/usage-error.ts";
import { aPipelineDefinition } from "../support/builders.ts";

const packs = listedPacks(await createMetricCatalog([]).list());

describe("listedPacks", () => {
  it("begins with what is always there, and has the metrics of each pack", () => {
    expect(packs.slice(0, 2).map(({ name, metrics }) => [name, metrics.map((metric) => metric.name)])).toEqual([
      ["responses", ["failed_api_responses"]],
      [
        "functional-representation",
        [
          "accuracy_format_fn_type",
          "accuracy_format_attr_types",
          "accuracy_output_fn",
          "accuracy_attr_types",
          "accuracy_attr_types_order",
        ],
      ],
    ]);
  });
});

describe("describePacks", () => {
  it.each([40, 60, 80, 200])("fits into %d columns", (width) => {
    const lines = describePacks(packs, width).split("\n");
    expect(lines.filter((line) => line.length > width)).toEqual([]);
    for (const { metrics } of packs)
      for (const { name } of metrics) expect(lines.join("\n")).toContain(name.slice(0, 30));
  });

  it("shows what a terminal would obey as text", () => {
    const [first] = packs;
    if (first === undefined) throw new Error("there are packs");
    expect(describePacks([{ ...first, description: "\u001b[31mred" }], 80)).toContain("\\u{1b}[31mred");
  });
});

describe("checkMetrics", () => {
  it("refuses what no evaluation could go by, with the file and the field", async () => {
    const definition = aPipelineDefinition({ name: "games", decide: { primary: "accuracy_outputs" } });
    const checked = checkMetrics(definition, "games.yaml", createMetricCatalog([]));
    await expect(checked).rejects.toBeInstanceOf(UsageError);
    await expect(checked).rejects.toThrow(
      /^games\.yaml: decide\.primary: no chosen metric pack has accuracy_outputs: did you/,
    );
  });
});
