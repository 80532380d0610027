import { describe, expect, it } from "vitest";
import { generateSample } from "../../../src/dev/sample-data.ts";
import { parseEmbeddedHyperparameters } from "../../../src/recipes/embedded/hyperparameters.ts";
import { LabelModel } from "../../../src/recipes/embedded/label-model.ts";
import { trainLabels } from "../../../src/recipes/embedded/label-trainer.ts";
import type { LabelExample } from "../../../src/recipes/embedded/label-trainer.ts";
import { pairOf } from "../../../src/recipes/embedded/learn.ts";

const sample = (seed: number, count: number, split: "train" | "test"): LabelExample[] =>
  generateSample({ seed, count, split, outputs: "labels" }).flatMap(({ messages }) => {
    const pair = pairOf(messages);
    return pair === null ? [] : [{ text: pair.input, label: pair.output }];
  });

const train = (examples: readonly LabelExample[], hyperparameters: object = {}): LabelModel =>
  new LabelModel(trainLabels("", examples, parseEmbeddedHyperparameters(hyperparameters), {}));

function accuracy(model: LabelModel, test: readonly LabelExample[]): number {
  return test.filter(({ text, label }) => model.answer(text).text === label).length / test.length;
}

describe("LabelModel", () => {
  it("learns more from 1,000 generated records than from 200, and neither nothing nor all", () => {
    const training = sample(1, 1000, "train");
    const test = sample(2, 400, "test");
    const small = accuracy(train(training.slice(0, 200)), test);
    const large = accuracy(train(training), test);
    expect(small).toBeGreaterThan(0.6);
    expect(large).toBeGreaterThan(small + 0.03);
    expect(large).toBeLessThan(0.9);
  });

  it("answers with a label that it was trained on, whatever is asked", () => {
    const examples = sample(3, 100, "train");
    const labels = examples.map(({ label }) => label);
    const model = train(examples, { epochs: 3 });
    for (const text of ["", "?", "日本語", "zzz", "x".repeat(5000), "constructor __proto__"]) {
      expect(labels).toContain(model.answer(text).text);
      expect(model.answer(text).similarity).toBeNull();
    }
  });

  it("knows a label that was seen rarely by its own words", () => {
    const colours = ["red", "green", "blue", "white"];
    const things = ["hat", "car", "chair", "lamp", "boat", "house"];
    const examples = colours.flatMap((colour, number) =>
      things
        .slice(0, number === 3 ? 1 : 6)
        .map((thing) => ({ text: `paint the ${thing} ${colour} please`, label: colour })),
    );
    expect(train(examples).answer("my boat should be white").text).toBe("white");
  });

  it("strips the template of the inputs", () => {
    const saved = trainLabels("Dear shop: ", sample(3, 100, "train"), parseEmbeddedHyperparameters({ epochs: 3 }), {});
    const model = new LabelModel(saved);
    expect(model.answer("Dear shop: refund me please")).toEqual(model.answer("refund me please"));
  });

  it("learns many labels from long texts without weights for every word", () => {
    const examples = Array.from({ length: 800 }, (_, number) => ({
      text: `topic${number % 400} ${Array.from({ length: 60 }, (__, word) => `w${(number * 61 + word * 7) % 5003}`).join(" ")}`,
      label: `label ${number % 400}`,
    }));
    const model = train(examples, { epochs: 6 });
    expect(accuracy(model, examples.slice(0, 100))).toBeGreaterThan(0.9);
  });
});
