import { describe, expect, it } from "vitest";
import { generateSample } from "../../../src/dev/sample-data.ts";
import { parseFrame, renderFrame } from "../../../src/recipes/embedded/frame.ts";
import { parseEmbeddedHyperparameters } from "../../../src/recipes/embedded/hyperparameters.ts";
import { learnModel, pairOf } from "../../../src/recipes/embedded/learn.ts";
import type { TextPair } from "../../../src/recipes/embedded/learn.ts";
import { FrameModel, saveModel } from "../../../src/recipes/embedded/model.ts";
import type { SavedModel } from "../../../src/recipes/embedded/model.ts";
import { UnsuitableDataError } from "../../../src/recipes/embedded/unsuitable-data-error.ts";

const learn = (pairs: readonly TextPair[], hyperparameters: object = {}): SavedModel =>
  learnModel(pairs, parseEmbeddedHyperparameters(hyperparameters), () => {}).saved;
const sample = (seed: number, count: number): TextPair[] =>
  generateSample({ seed, count, split: "train" }).flatMap(({ messages }) => pairOf(messages) ?? []);

const COLOURS = ["red", "blue", "green", "black", "white"];
const THINGS = ["car", "hat", "chair", "lamp", "house", "boat"];
const combinations = COLOURS.flatMap((colour) => THINGS.map((thing) => ({ colour, thing })));

describe("pairOf", () => {
  it("takes the last answer and the user's turn before it", () => {
    const messages = [
      { role: "system", content: "s" },
      { role: "user", content: "first" },
      { role: "assistant", content: "1" },
      { role: "user", content: "second" },
      { role: "assistant", content: "2" },
      { role: "user", content: "third" },
    ];
    expect(pairOf(messages)).toEqual({ input: "second", output: "2" });
  });

  it.each([
    ["without an answer", [{ role: "user", content: "a" }]],
    [
      "without a question",
      [
        { role: "system", content: "a" },
        { role: "assistant", content: "b" },
      ],
    ],
    [
      "with the answer first",
      [
        { role: "assistant", content: "b" },
        { role: "user", content: "a" },
      ],
    ],
    ["without turns", []],
  ])("finds none %s", (_, messages) => {
    expect(pairOf(messages)).toBeNull();
  });
});

describe("learnModel", () => {
  it("gives the same bytes for the same seed and records, and others for another seed", () => {
    const pairs = sample(1, 60);
    const first = saveModel(learn(pairs));
    expect(saveModel(learn(pairs))).toBe(first);
    expect(saveModel(learn(pairs, { seed: 43 }))).not.toBe(first);
  });

  it("reports every epoch with a loss that falls", () => {
    const steps: [number, number, number][] = [];
    learnModel(sample(1, 60), parseEmbeddedHyperparameters({ epochs: 4 }), (...step) => steps.push(step));
    expect(steps.map(([step, total]) => [step, total])).toEqual([1, 2, 3, 4, 5, 6].map((step) => [step, 6]));
    expect(steps[3]?.[2]).toBeLessThan(steps[0]?.[2] ?? 0);
  });

  it("refuses fewer than ten records", () => {
    expect(() => learn(sample(1, 9))).toThrow(
      new UnsuitableDataError(
        "9 training records with a user and an assistant turn: the embedded recipe needs at least 10",
      ),
    );
  });

  it.each([
    [95, 5],
    [94, 6],
  ])("wants 95 %% of the outputs to be frames: %i are, %i are not", (frames, others) => {
    const pairs = [
      ...sample(2, frames),
      ...Array.from({ length: others }, () => ({ input: "Hi", output: "Hello to you." })),
    ];
    const attempt = () => learnModel(pairs, parseEmbeddedHyperparameters({ epochs: 1, taggerEpochs: 1 }), () => {});
    if (frames >= 95) expect(attempt()).toMatchObject({ trainedRecords: 95, skippedRecords: 5 });
    else {
      expect(attempt).toThrow(UnsuitableDataError);
      expect(attempt).toThrow(
        /^94\.0 % of the 100 training outputs read as function calls.*function\(attribute\[value\], \.\.\.\)/,
      );
      expect(attempt).not.toThrow("Hello to you");
    }
  });

  it("refuses an attribute whose values are free text", () => {
    const pairs = Array.from({ length: 1001 }, (_, number) => ({
      input: "say it",
      output: `tell(what[text ${number}])`,
    }));
    expect(() => learn(pairs)).toThrow(
      "attribute what has 1001 different values that are not words of the text: the embedded recipe learns at most 1000",
    );
  });

  it("keeps nothing of what it was not trained on", () => {
    const rest = sample(3, 200);
    const own = { input: "Zyxwave is a puzzle game.", output: "inform(name[Zyxwave], genres[puzzle])" };
    expect(saveModel(learn([...rest, own]))).toContain("Zyxwave");
    const saved = learn(rest);
    new FrameModel(saved).predict(own.input);
    expect(saveModel(saved).toLowerCase()).not.toContain("zyxwave");
  });

  it("strips an instruction that all inputs share, and does without it in a question", () => {
    const plain = sample(4, 100);
    const saved = learn(plain.map(({ input, output }) => ({ input: `Here is the sentence:\n${input}`, output })));
    expect(saved.template).toBe("Here is the sentence:\n");
    const model = new FrameModel(saved);
    for (const { input } of plain)
      expect(model.predict(`Here is the sentence:\n${input}`)).toEqual(model.predict(input));
    expect({ ...saved, template: "" }).toEqual(learn(plain));
  });

  it("answers slots in the order of the text where outputs keep no order", () => {
    const pairs = combinations.flatMap(({ colour, thing }) => [
      { input: `paint ${colour} the ${thing}`, output: `paint(colour[${colour}], thing[${thing}])` },
      { input: `take the ${thing} , make it ${colour}`, output: `paint(thing[${thing}], colour[${colour}])` },
    ]);
    const saved = learn(pairs);
    expect(saved.schema.ordered).toBe(false);
    const model = new FrameModel(saved);
    expect(renderFrame(model.predict("paint blue the lamp"))).toBe("paint(colour[blue], thing[lamp])");
    expect(renderFrame(model.predict("take the lamp , make it blue"))).toBe("paint(thing[lamp], colour[blue])");
  });

  it("places choices by their words where outputs keep no order", () => {
    const moods = [
      ["adored", "good"],
      ["hated", "bad"],
    ] as const;
    const pairs = moods.flatMap(([word, mood]) =>
      THINGS.flatMap((thing) => [
        { input: `I ${word} the ${thing}`, output: `tell(mood[${mood}], thing[${thing}])` },
        { input: `the ${thing} is one I ${word}`, output: `tell(thing[${thing}], mood[${mood}])` },
      ]),
    );
    const saved = learn(pairs);
    expect(saved.schema.attributes.map(({ name, kind }) => `${name} ${kind}`).sort()).toEqual([
      "mood choice",
      "thing copy",
    ]);
    const model = new FrameModel(saved);
    for (const { input, output } of pairs) expect(renderFrame(model.predict(input))).toBe(output);
  });

  it("learns data whose attributes are all copied, and data without any attribute", () => {
    const copied = combinations.map(({ colour, thing }) => ({
      input: `the ${colour} ${thing}`,
      output: `see(colour[${colour}], thing[${thing}])`,
    }));
    expect(renderFrame(new FrameModel(learn(copied)).predict("the red hat"))).toBe("see(colour[red], thing[hat])");
    const bare = THINGS.flatMap((thing) => [
      { input: `open the ${thing}`, output: "open()" },
      { input: `close the ${thing}`, output: "close()" },
    ]);
    expect(renderFrame(new FrameModel(learn(bare)).predict("close the window"))).toBe("close()");
  });

  it("learns data with more tags than are searched in full", () => {
    const pairs = Array.from({ length: 30 }, (_, slot) =>
      THINGS.map((thing) => ({ input: `key${slot} is ${thing} now`, output: `set(slot${slot}[${thing}])` })),
    ).flat();
    const model = new FrameModel(learn(pairs));
    const right = pairs.filter(({ input, output }) => renderFrame(model.predict(input)) === output).length;
    expect(right / pairs.length).toBeGreaterThan(0.95);
  });

  it("never answers with fewer slots than it was trained on, or with what it was not trained on", () => {
    const pairs = sample(5, 120);
    expect(pairs.every(({ output }) => (parseFrame(output)?.slots.length ?? 0) > 0)).toBe(true);
    const saved = learn(pairs);
    const model = new FrameModel(saved);
    for (const input of ["", "?", "Good morning.", "zzz zzz", "[](){}", "a]b[c Steam ](", "日本語", "x".repeat(5000)]) {
      const frame = model.predict(input);
      expect(frame.slots.length).toBeGreaterThan(0);
      expect(saved.schema.functions).toContain(frame.fn);
      expect(parseFrame(renderFrame(frame))).toEqual(frame);
    }
  });

  it("fills a slot from the text when all attributes are copied and none is found", () => {
    const pairs = combinations.map(({ thing }) => ({
      input: `bring ${thing} please`,
      output: `bring(thing[${thing}])`,
    }));
    const frame = new FrameModel(learn(pairs)).predict("hm");
    expect(renderFrame(frame)).toBe("bring(thing[hm])");
  });
});
