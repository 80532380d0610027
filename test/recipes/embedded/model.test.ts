import { beforeAll, describe, expect, it } from "vitest";
import { generateSample } from "../../../src/dev/sample-data.ts";
import { parseEmbeddedHyperparameters } from "../../../src/recipes/embedded/hyperparameters.ts";
import { learnModel, pairOf } from "../../../src/recipes/embedded/learn.ts";
import { FrameModel, loadModel, saveModel } from "../../../src/recipes/embedded/model.ts";
import type { SavedModel } from "../../../src/recipes/embedded/model.ts";

let saved: SavedModel;

beforeAll(() => {
  const pairs = generateSample({ seed: 1, count: 150, split: "train" }).flatMap(
    ({ messages }) => pairOf(messages) ?? [],
  );
  saved = learnModel(pairs, parseEmbeddedHyperparameters({}), () => {}).saved;
});

describe("loadModel", () => {
  it("predicts as the model did before it was saved", () => {
    const before = new FrameModel(saved);
    const after = loadModel(saveModel(saved));
    for (const { messages } of generateSample({ seed: 2, count: 150, split: "test" })) {
      const input = messages[1]?.content ?? "";
      expect(after.predict(input)).toEqual(before.predict(input));
    }
  });

  it.each([
    ["of a later format", { format: 2 }, "model file has format 2, this version reads format 1: train the model again"],
    ["of no format", { format: undefined }, "model file: format: "],
    ["of another task", { task: "labels" }, "model file: task: "],
    ["without its tagger", { tagger: undefined }, "model file: tagger: "],
  ])("refuses a file %s", (_, change, message) => {
    expect(() => loadModel(JSON.stringify({ ...saved, ...change }))).toThrow(message);
  });

  it("refuses a file that was cut off", () => {
    expect(() => loadModel(saveModel(saved).slice(0, 1000))).toThrow("model file is not JSON");
  });
});

describe("FrameModel", () => {
  it("writes a copied value as the training data write it, whatever its case in the text", () => {
    const attribute = saved.schema.attributes.find(({ name }) => name === "name");
    const name = attribute?.values[0] ?? "";
    expect(name).not.toBe("");
    const frame = new FrameModel(saved).predict(`Do you know ${name.toUpperCase()}? It is a puzzle game.`);
    const value = frame.slots.find((slot) => slot.attribute === "name")?.value;
    expect(value).toBe(name);
  });
});
