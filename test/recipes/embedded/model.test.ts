import { beforeAll, describe, expect, it } from "vitest";
import { generateSample } from "../../../src/dev/sample-data.ts";
import { parseEmbeddedHyperparameters } from "../../../src/recipes/embedded/hyperparameters.ts";
import { learnModel, pairOf } from "../../../src/recipes/embedded/learn.ts";
import { createModel, loadModel, saveModel } from "../../../src/recipes/embedded/model.ts";
import type { SavedModel } from "../../../src/recipes/embedded/model.ts";

const OUTPUTS = ["frames", "labels", "answers"] as const;
const models = new Map<string, SavedModel>();

beforeAll(() => {
  for (const outputs of OUTPUTS) {
    const pairs = generateSample({ seed: 1, count: 150, split: "train", outputs }).flatMap(
      ({ messages }) => pairOf(messages) ?? [],
    );
    models.set(outputs, learnModel(pairs, parseEmbeddedHyperparameters({}), {}).saved);
  }
});

function modelOf(outputs: string): SavedModel {
  const saved = models.get(outputs);
  if (saved === undefined) throw new Error(`no model of ${outputs}`);
  return saved;
}

describe("loadModel", () => {
  it.each(OUTPUTS)("answers as the model did before it was saved, with %s", (outputs) => {
    const before = createModel(modelOf(outputs));
    const after = loadModel(saveModel(modelOf(outputs)));
    expect(after.task).toBe(before.task);
    for (const { messages } of generateSample({ seed: 2, count: 150, split: "test", outputs })) {
      const input = messages[1]?.content ?? "";
      expect(after.answer(input)).toEqual(before.answer(input));
    }
  });

  it.each([
    ["frames", { format: 2 }, "model file has format 2 of frames, this version reads format 1: train the model again"],
    ["labels", { format: 3 }, "model file has format 3 of labels, this version reads format 1: train the model again"],
    ["answers", { format: undefined }, "model file: format: "],
    ["frames", { task: "chat" }, "model file: task: "],
    ["frames", { task: "labels" }, "model file: commonWords: "],
    ["frames", { tagger: undefined }, "model file: tagger: "],
    ["labels", { head: undefined }, "model file: head: "],
    ["answers", { postings: [] }, "model file: postings: "],
  ])("refuses a file of %s with %j", (outputs, change, message) => {
    expect(() => loadModel(JSON.stringify({ ...modelOf(outputs), ...change }))).toThrow(message);
  });

  it("refuses a file that was cut off", () => {
    expect(() => loadModel(saveModel(modelOf("frames")).slice(0, 1000))).toThrow("model file is not JSON");
  });
});
