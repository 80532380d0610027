import { performance } from "node:perf_hooks";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { generateSample } from "../../../src/dev/sample-data.ts";
import { tokenF1 } from "../../../src/domain/metrics/text-overlap.ts";
import { pairOf } from "../../../src/recipes/embedded/learn.ts";
import { saveModel } from "../../../src/recipes/embedded/model.ts";
import { indexAnswers } from "../../../src/recipes/embedded/retrieval-index.ts";
import type { KnownAnswer } from "../../../src/recipes/embedded/retrieval-index.ts";
import { NO_ANSWER, RetrievalModel, termsOf } from "../../../src/recipes/embedded/retrieval-model.ts";

const SHOP: readonly KnownAnswer[] = [
  { question: "When do you open?", answer: "At nine." },
  { question: "When do you close on Sundays?", answer: "We are closed on Sundays." },
  { question: "Do you sell red apples?", answer: "Red and green ones." },
  { question: "Do you sell bread?", answer: "Until noon." },
];
const shop = new RetrievalModel(indexAnswers("", SHOP, 0.2));

const sample = (seed: number, count: number, split: "train" | "test"): KnownAnswer[] =>
  generateSample({ seed, count, split, outputs: "answers" }).flatMap(({ messages }) => {
    const pair = pairOf(messages);
    return pair === null ? [] : [{ question: pair.input, answer: pair.output }];
  });

/** Mean token F1 over test questions. */
function meanF1(model: RetrievalModel, test: readonly KnownAnswer[]): number {
  return (
    test.reduce((sum, { question, answer }) => sum + tokenF1(model.answer(question).text, answer), 0) / test.length
  );
}

describe("termsOf", () => {
  it("counts stems of words and pairs of neighbours, without signs", () => {
    expect(Object.fromEntries(termsOf("Games, games & 2 saves!"))).toEqual({
      game: 2,
      "game game": 1,
      "game 2": 1,
      "2": 1,
      "2 save": 1,
      save: 1,
    });
  });

  it("finds none in a text of signs", () => {
    expect(termsOf(" ?! … ").size).toBe(0);
  });
});

describe("RetrievalModel", () => {
  it("gives a known question its own answer with a similarity of 1", () => {
    for (const { question, answer } of SHOP) {
      expect(shop.answer(question)).toEqual({ text: answer, similarity: expect.closeTo(1, 10) });
    }
  });

  it("answers as the most similar question was answered, and says how similar it is", () => {
    const { text, similarity } = shop.answer("do you sell white bread");
    expect(text).toBe("Until noon.");
    // Terms of the question: do, you, sell, bread, `do you` and `you sell`; three are in no record.
    const rarity = (records: number): number => 1 + Math.log(5 / (records + 1));
    const squares = (...counts: number[]): number => counts.reduce((sum, count) => sum + rarity(count) ** 2, 0);
    const shared = [4, 4, 2, 1, 4, 2];
    const asked = squares(...shared, 0, 0, 0);
    const known = squares(...shared, 1);
    expect(similarity).toBeCloseTo(squares(...shared) / Math.sqrt(asked * known), 10);
  });

  it.each(["Where is the moon tonight?", "", "???", "日本語", "constructor __proto__ toString"])(
    "has no answer to %j",
    (question) => {
      expect(shop.answer(question)).toMatchObject({ text: NO_ANSWER });
    },
  );

  it("answers whatever shares a word when no similarity is asked for, and only the same when 1 is", () => {
    expect(new RetrievalModel(indexAnswers("", SHOP, 0)).answer("bread and circuses").text).toBe("Until noon.");
    expect(new RetrievalModel(indexAnswers("", SHOP, 0)).answer("circuses").text).toBe(NO_ANSWER);
    expect(new RetrievalModel(indexAnswers("", SHOP, 1)).answer("do you sell white bread").text).toBe(NO_ANSWER);
  });

  it("takes the first of equally similar records", () => {
    const twice = [...SHOP, { question: "When do you open?", answer: "At ten." }];
    expect(new RetrievalModel(indexAnswers("", twice, 0.2)).answer("When do you open?").text).toBe("At nine.");
  });

  it("strips the template of the questions", () => {
    const model = new RetrievalModel(indexAnswers("Dear shop, ", SHOP, 0.2));
    expect(model.answer("Dear shop, do you sell bread")).toEqual(model.answer("do you sell bread"));
  });

  it("answers better from 1,000 generated records than from 200, and neither badly nor perfectly", () => {
    const training = sample(1, 1000, "train");
    const test = sample(2, 400, "test");
    const [small, large] = [200, 1000].map((count) =>
      meanF1(new RetrievalModel(indexAnswers("", training.slice(0, count), 0.2)), test),
    );
    expect(small).toBeGreaterThan(0.35);
    expect(large).toBeGreaterThan((small ?? 0) + 0.04);
    expect(large).toBeLessThan(0.7);
  });

  it("has no answer to most questions about something else", () => {
    const model = new RetrievalModel(indexAnswers("", sample(1, 1000, "train"), 0.2));
    const others = generateSample({ seed: 3, count: 200, split: "test" }).map(
      ({ messages }) => messages[1]?.content ?? "",
    );
    const answered = others.filter((question) => model.answer(question).text !== NO_ANSWER).length;
    expect(answered / others.length).toBeLessThan(0.2);
  });

  it("answers from 5,000 records within a few milliseconds, from a file of less than 200 KB", () => {
    const saved = indexAnswers("", sample(1, 5000, "train"), 0.2);
    expect(gzipSync(saveModel(saved)).length).toBeLessThan(200_000);
    const model = new RetrievalModel(saved);
    const test = sample(2, 200, "test");
    const startedAt = performance.now();
    for (const { question } of test) model.answer(question);
    expect((performance.now() - startedAt) / test.length).toBeLessThan(10);
  });
});
