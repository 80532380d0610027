import { describe, expect, it } from "vitest";
import { generateSample } from "../../../src/dev/sample-data.ts";
import { parseFrame, renderFrame } from "../../../src/recipes/embedded/frame.ts";
import { parseEmbeddedHyperparameters } from "../../../src/recipes/embedded/hyperparameters.ts";
import { learnModel, pairOf } from "../../../src/recipes/embedded/learn.ts";
import type { TextPair } from "../../../src/recipes/embedded/learn.ts";
import { FrameModel } from "../../../src/recipes/embedded/frame-model.ts";
import type { SavedFrames } from "../../../src/recipes/embedded/frame-model.ts";
import { createModel, saveModel } from "../../../src/recipes/embedded/model.ts";
import type { SavedModel } from "../../../src/recipes/embedded/model.ts";
import { UnsuitableDataError } from "../../../src/recipes/embedded/unsuitable-data-error.ts";

const learnAny = (pairs: readonly TextPair[], hyperparameters: object = {}): SavedModel =>
  learnModel(pairs, parseEmbeddedHyperparameters(hyperparameters), {}).saved;
const learn = (pairs: readonly TextPair[], hyperparameters: object = {}): SavedFrames => {
  const saved = learnAny(pairs, hyperparameters);
  if (saved.task !== "frames") throw new Error(`learnt ${saved.task}, expected frames`);
  return saved;
};
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

  it("tells its task, then every epoch with a loss that falls", () => {
    const told: string[] = [];
    const losses: (number | null)[] = [];
    learnModel(sample(1, 60), parseEmbeddedHyperparameters({ epochs: 4 }), {
      onTask: ({ task, reason }) => told.push(`${task}: ${reason}`),
      onStep(step, total, loss) {
        told.push(`${step}/${total}`);
        losses.push(loss);
      },
    });
    expect(told).toEqual([
      "frames: 100.0 % of the 60 training outputs read as function calls, function(attribute[value], ...)",
      ...[1, 2, 3, 4, 5, 6].map((step) => `${step}/6`),
    ]);
    expect(losses[3]).toBeLessThan(losses[0] ?? 0);
  });

  it("refuses fewer than ten records", () => {
    expect(() => learn(sample(1, 9))).toThrow(
      new UnsuitableDataError(
        "9 training records with a user and an assistant turn: the embedded recipe needs at least 10",
      ),
    );
  });

  it.each([
    [95, 5, "frames", 95],
    [94, 6, "retrieval", 100],
  ])("learns frames where 95 %% of the outputs are: %i are, %i are not", (frames, others, task, trainedRecords) => {
    const pairs = [
      ...sample(2, frames),
      ...Array.from({ length: others }, () => ({ input: "Hi", output: "Hello to you." })),
    ];
    const learnt = learnModel(pairs, parseEmbeddedHyperparameters({ epochs: 1, taggerEpochs: 1 }), {});
    expect(learnt).toMatchObject({ saved: { task }, trainedRecords, skippedRecords: 100 - trainedRecords });
    expect(learnt.choice.reason).not.toContain("Hello to you");
  });

  it("leaves records out whose output is too long for a label", () => {
    const pairs = Array.from({ length: 100 }, (_, number) => ({
      input: `the ${number} of it`,
      output: number < 5 ? "a long answer ".repeat(10) : number % 2 === 0 ? "even" : "odd",
    }));
    expect(learnModel(pairs, parseEmbeddedHyperparameters({ epochs: 1 }), {})).toMatchObject({
      saved: { task: "labels", head: { heads: [{ labels: ["odd", "even"] }] } },
      trainedRecords: 95,
      skippedRecords: 5,
    });
  });

  it.each(["frames", "labels"] as const)(
    "keeps checkpoints of %s, and ends with the same model as without",
    (outputs) => {
      const pairs = generateSample({ seed: 1, count: 60, split: "train", outputs }).flatMap(
        ({ messages }) => pairOf(messages) ?? [],
      );
      const kept: { step: number; file: string }[] = [];
      const hyperparameters = parseEmbeddedHyperparameters({ epochs: 8, checkpoints: 3 });
      const { saved } = learnModel(pairs, hyperparameters, {
        onCheckpoint: (step, checkpoint) => kept.push({ step, file: saveModel(checkpoint) }),
      });
      expect(kept.map(({ step }) => step)).toEqual([2, 4, 6]);
      expect(saveModel(saved)).toBe(saveModel(learnAny(pairs, { epochs: 8 })));
      expect(new Set([saveModel(saved), ...kept.map(({ file }) => file)]).size).toBe(4);
      if (outputs === "labels") expect(kept[0]?.file).toBe(saveModel(learnAny(pairs, { epochs: 2 })));
    },
  );

  it("keeps no checkpoint where nothing is fitted, and gives one step without a loss", () => {
    const pairs = generateSample({ seed: 1, count: 60, split: "train", outputs: "answers" }).flatMap(
      ({ messages }) => pairOf(messages) ?? [],
    );
    const told: unknown[] = [];
    const { saved } = learnModel(pairs, parseEmbeddedHyperparameters({ checkpoints: 3 }), {
      onStep: (...step) => told.push(step),
      onCheckpoint: (step) => told.push(step),
    });
    expect(saved.task).toBe("retrieval");
    expect(told).toEqual([[1, 1, null]]);
  });

  it.each(["labels", "answers"] as const)("gives the same bytes for the same records with %s", (outputs) => {
    const pairs = generateSample({ seed: 1, count: 60, split: "train", outputs }).flatMap(
      ({ messages }) => pairOf(messages) ?? [],
    );
    expect(saveModel(learnAny(pairs))).toBe(saveModel(learnAny(pairs)));
    const model = createModel(learnAny(pairs));
    expect(pairs.filter(({ input, output }) => model.answer(input).text === output).length).toBeGreaterThan(50);
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
