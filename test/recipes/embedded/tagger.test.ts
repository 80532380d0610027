import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../src/recipes/embedded/random.ts";
import { bestTags, Tagger, TaggerTrainer } from "../../../src/recipes/embedded/tagger.ts";

/** Score of a sequence of tags; -Infinity when a value goes on that has not begun. */
function scoreOf(
  sequence: readonly number[],
  emissions: Float64Array,
  transitions: Float64Array,
  tags: number,
): number {
  let score = 0;
  let before = tags;
  for (const [at, tag] of sequence.entries()) {
    if (tag > 0 && tag % 2 === 0 && before !== tag && before !== tag - 1) return -Infinity;
    score += (emissions[at * tags + tag] ?? 0) + (transitions[before * tags + tag] ?? 0);
    before = tag;
  }
  return score;
}

function allSequences(length: number, tags: number): number[][] {
  if (length === 0) return [[]];
  return allSequences(length - 1, tags).flatMap((start) => Array.from({ length: tags }, (_, tag) => [...start, tag]));
}

describe("bestTags", () => {
  it("finds the best of all sequences", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.integer(), (length, seed) => {
        const tags = 5;
        const random = seededRandom(seed);
        const emissions = Float64Array.from({ length: length * tags }, () => random() * 4 - 2);
        const transitions = Float64Array.from({ length: (tags + 1) * tags }, () => random() * 4 - 2);
        const best = Math.max(...allSequences(length, tags).map((s) => scoreOf(s, emissions, transitions, tags)));
        expect(scoreOf(bestTags(emissions, transitions, tags), emissions, transitions, tags)).toBeCloseTo(best, 9);
      }),
    );
  });

  it("answers nothing for no tokens", () => {
    expect(bestTags(new Float64Array(0), new Float64Array(30), 5)).toEqual([]);
  });

  it("keeps to begun values with more tags than are searched in full", () => {
    const tags = 101;
    const random = seededRandom(5);
    const emissions = Float64Array.from({ length: 12 * tags }, () => random() * 4);
    const transitions = Float64Array.from({ length: (tags + 1) * tags }, () => random());
    const best = bestTags(emissions, transitions, tags);
    expect(scoreOf(best, emissions, transitions, tags)).toBeGreaterThan(12 * 2);
  });
});

describe("Tagger", () => {
  it.each([2, 60])("learns %i attributes from the words before their values", (count) => {
    const attributes = Array.from({ length: count }, (_, number) => `a${number}`);
    const trainer = new TaggerTrainer(attributes);
    const features = (words: readonly string[]): string[][] =>
      words.map((word, at) => [`w=${word}`, `w-1=${words[at - 1] ?? ""}`, `w-2=${words[at - 2] ?? ""}`]);
    for (let round = 0; round < 3; round++) {
      for (const [number, attribute] of attributes.entries()) {
        trainer.add(features(["the", `cue${number}`, `x${round}`, "y", "end"]), [{ attribute, start: 2, end: 4 }]);
      }
    }
    const random = seededRandom(1);
    for (let epoch = 0; epoch < 8; epoch++) trainer.epoch(random);
    const tagger = new Tagger(trainer.finish());
    const last = count - 1;
    expect(tagger.spans(features(["the", `cue${last}`, "unseen", "y", "end"]))).toEqual([
      { attribute: `a${last}`, start: 2, end: 4 },
    ]);
    expect(tagger.spans(features(["the", "end"]))).toEqual([]);
    expect(tagger.nearest(features(["the", "cue1", "unseen"]))).toMatchObject({ attribute: "a1", start: 2, end: 3 });
  });
});
