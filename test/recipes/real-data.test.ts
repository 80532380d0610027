/** What the recipe learns from the VIGGO data set, which is not part of the project: skipped where it does not lie beside it. */
import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { tryRecipe } from "../../src/cli/recipe-try.ts";

const data = new URL("../../../shared/data/", import.meta.url).pathname;
const isThere = existsSync(`${data}viggo/valid.jsonl`);
if (!isThere) process.stderr.write("skipped: no VIGGO data beside the project, so its scores are not checked\n");

describe.skipIf(!isThere)("tryRecipe on VIGGO", () => {
  it.each([
    {
      name: "200 records of two sources",
      train: ["reference/subset-part1.jsonl", "reference/subset-part2.jsonl"],
      outputFunction: 0.89,
      attributeTypes: 0.32,
    },
    { name: "the training split", train: ["viggo/train.jsonl"], outputFunction: 0.97, attributeTypes: 0.9 },
  ])(
    "reaches the stated accuracy from $name",
    ({ train, outputFunction, attributeTypes }) => {
      const options = { train: train.map((file) => data + file), test: `${data}viggo/valid.jsonl` };
      const { metrics, testRecords } = tryRecipe(options, () => {});
      expect(testRecords).toBe(714);
      expect(metrics["accuracy_output_fn"]).toBeGreaterThanOrEqual(outputFunction);
      expect(metrics["accuracy_attr_types"]).toBeGreaterThanOrEqual(attributeTypes);
    },
    180_000,
  );
});
