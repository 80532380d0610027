import { describe, expect, it } from "vitest";
import { SENTENCES } from "../../src/dev/sample-sentences.ts";
import { generateSample, SAMPLE_SOURCES } from "../../src/dev/sample-data.ts";
import { TOPICS } from "../../src/dev/sample-support.ts";
import { trainingWordings } from "../../src/dev/sample-random.ts";
import { chatItemSchema } from "../../src/domain/record-schema.ts";
import { parseFrame } from "../../src/recipes/embedded/frame.ts";
import { pairOf } from "../../src/recipes/embedded/learn.ts";
import type { TextPair } from "../../src/recipes/embedded/learn.ts";

const pairs = (options: Parameters<typeof generateSample>[0]): TextPair[] =>
  generateSample(options).flatMap(({ messages }) => pairOf(messages) ?? []);

describe("generateSample", () => {
  it("gives the same items for the same options, and others for another seed", () => {
    const options = { seed: 1, count: 50, split: "train" } as const;
    expect(generateSample(options)).toEqual(generateSample(options));
    expect(generateSample({ ...options, seed: 2 })).not.toEqual(generateSample(options));
  });

  it("gives chat items with different texts from both sources", () => {
    const items = generateSample({ seed: 3, count: 400, split: "test" });
    for (const item of items) expect(chatItemSchema.safeParse(item).error).toBeUndefined();
    expect(new Set(items.map(({ messages }) => messages[1]?.content)).size).toBe(400);
    expect(new Set(items.map(({ source }) => source))).toEqual(new Set(SAMPLE_SOURCES));
    expect(new Set(items.map(({ id }) => id)).size).toBe(400);
  });

  it("gives items of one source only when one is named", () => {
    const items = generateSample({ seed: 3, count: 20, split: "train", source: "twitch" });
    expect(new Set(items.map(({ source }) => source))).toEqual(new Set(["twitch"]));
  });

  it("labels every item with a frame whose copied values are in its text", () => {
    for (const { input, output } of pairs({ seed: 4, count: 500, split: "train" })) {
      const frame = parseFrame(output);
      expect(frame).not.toBeNull();
      for (const { attribute, value } of frame?.slots ?? []) {
        if (["name", "developer", "release_year", "specifier"].includes(attribute)) expect(input).toContain(value);
      }
    }
  });

  it("leaves no placeholder in a text", () => {
    for (const { input } of pairs({ seed: 5, count: 1000, split: "test" })) expect(input).not.toMatch(/[{}]|undefined/);
  });

  it("keeps about a third of the sentences for the test split", () => {
    const kept = trainingWordings(SENTENCES["confirm"] ?? []);
    const heldOut = SENTENCES["confirm"]?.filter((sentence) => !kept.includes(sentence)) ?? [];
    expect(heldOut).toHaveLength(4);
    const openings = heldOut
      .map((sentence) => sentence.slice(0, sentence.indexOf("{")))
      .filter((text) => text.length > 8);
    const uses = (split: "train" | "test"): number =>
      pairs({ seed: 6, count: 2000, split }).filter(
        ({ input, output }) => output.startsWith("confirm") && openings.some((opening) => input.includes(opening)),
      ).length;
    expect(uses("train")).toBe(0);
    expect(uses("test")).toBeGreaterThan(0);
  });

  it("gives every item another output than its own when labels are to be wrong", () => {
    const options = { seed: 7, count: 300, split: "train" } as const;
    const right = pairs(options);
    const wrong = pairs({ ...options, wrongLabels: true });
    expect(wrong.map(({ input }) => input)).toEqual(right.map(({ input }) => input));
    expect(wrong.filter(({ output }, at) => output === right[at]?.output)).toEqual([]);
  });

  it.each(["labels", "answers"] as const)("asks different questions with %s, filled in whole", (outputs) => {
    const found = pairs({ seed: 11, count: 2000, split: "test", outputs });
    expect(new Set(found.map(({ input }) => input)).size).toBe(2000);
    for (const { input, output } of found) expect(`${input} ${output}`).not.toMatch(/[{}]|undefined| {2}/);
  });

  it("asks the same questions with labels as with answers: few labels, many answers", () => {
    const labels = pairs({ seed: 12, count: 1000, split: "train", outputs: "labels" });
    const answers = pairs({ seed: 12, count: 1000, split: "train", outputs: "answers" });
    expect(labels.map(({ input }) => input)).toEqual(answers.map(({ input }) => input));
    expect(new Set(labels.map(({ output }) => output)).size).toBe(Object.keys(TOPICS).length);
    expect(new Set(answers.map(({ output }) => output)).size).toBeGreaterThan(400);
  });
});
