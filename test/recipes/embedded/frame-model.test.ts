import { describe, expect, it } from "vitest";
import { generateSample } from "../../../src/dev/sample-data.ts";
import { FrameModel } from "../../../src/recipes/embedded/frame-model.ts";
import { parseEmbeddedHyperparameters } from "../../../src/recipes/embedded/hyperparameters.ts";
import { learnModel, pairOf } from "../../../src/recipes/embedded/learn.ts";

describe("FrameModel", () => {
  it("writes a copied value as the training data write it, whatever its case in the text", () => {
    const pairs = generateSample({ seed: 1, count: 150, split: "train" }).flatMap(
      ({ messages }) => pairOf(messages) ?? [],
    );
    const { saved } = learnModel(pairs, parseEmbeddedHyperparameters({}), {});
    if (saved.task !== "frames") throw new Error(`learnt ${saved.task}, expected frames`);
    const attribute = saved.schema.attributes.find(({ name }) => name === "name");
    const name = attribute?.values[0] ?? "";
    expect(name).not.toBe("");
    const frame = new FrameModel(saved).predict(`Do you know ${name.toUpperCase()}? It is a puzzle game.`);
    const value = frame.slots.find((slot) => slot.attribute === "name")?.value;
    expect(value).toBe(name);
  });
});
