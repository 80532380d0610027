import { describe, expect, it } from "vitest";
import { comparePredictions, countAnswers, scorePredictions } from "../../src/domain/evaluation.ts";
import type { Prediction } from "../../src/domain/evaluation-schema.ts";

const vocabulary = { functions: ["inform", "request"], attributeTypes: ["name", "genre"] };
const expected = "inform(name[Portal], genre[puzzle])";
const wrong = "request(name[Portal], genre[puzzle])";
const prediction = (id: string, answer: string | null): Prediction => ({
  id,
  expected,
  answer,
  error: answer === null ? "timeout" : null,
  latencyMs: 1,
  promptTokens: null,
  completionTokens: null,
});
const compare = (champion: (string | null)[], challenger: (string | null)[]) =>
  comparePredictions(
    champion.map((answer, index) => prediction(`r${index}`, answer)),
    challenger.map((answer, index) => prediction(`r${index}`, answer)),
    vocabulary,
  ).find(({ metric }) => metric === "accuracy_output_fn");

describe("scorePredictions", () => {
  it("counts failed answers over all records and the accuracies over the answered ones", () => {
    const metrics = scorePredictions(
      [prediction("a", expected), prediction("b", wrong), prediction("c", null)],
      vocabulary,
    );
    expect(metrics).toMatchObject({ failed_api_responses: 1 / 3, accuracy_output_fn: 0.5, accuracy_attr_types: 1 });
  });

  it("says null and not 0 or NaN where no record counts", () => {
    expect(scorePredictions([prediction("a", null)], vocabulary)).toMatchObject({
      failed_api_responses: 1,
      accuracy_output_fn: null,
    });
    expect(scorePredictions([], vocabulary)).toMatchObject({ failed_api_responses: null, accuracy_output_fn: null });
  });
});

describe("countAnswers", () => {
  it("counts the questions asked and those that got no answer, an empty one being an answer", () => {
    const predictions = [prediction("a", expected), prediction("b", ""), prediction("c", null), prediction("d", null)];
    expect(countAnswers(predictions)).toEqual({ asked: 4, failed: 2 });
    expect(countAnswers([])).toEqual({ asked: 0, failed: 0 });
  });
});

describe("comparePredictions", () => {
  it("counts each record in its pair, a failed answer as wrong", () => {
    expect(
      compare([expected, expected, wrong, wrong, null, null], [expected, null, expected, wrong, expected, null]),
    ).toMatchObject({
      metric: "accuracy_output_fn",
      total: 6,
      championRight: 2,
      challengerRight: 3,
      gained: 2,
      lost: 1,
    });
  });

  it("gives one entry for each right-or-wrong metric and none for failed answers", () => {
    const metrics = comparePredictions(null, [prediction("a", expected)], vocabulary).map(({ metric }) => metric);
    expect(metrics).toEqual([
      "accuracy_format_fn_type",
      "accuracy_format_attr_types",
      "accuracy_output_fn",
      "accuracy_attr_types",
      "accuracy_attr_types_order",
    ]);
  });

  it("pairs by record and not by place, and leaves out what only one of them was asked", () => {
    const comparison = comparePredictions(
      [prediction("b", wrong), prediction("a", expected), prediction("gone", expected)],
      [prediction("a", expected), prediction("b", expected), prediction("new", expected)],
      vocabulary,
    ).find(({ metric }) => metric === "accuracy_output_fn");
    expect(comparison).toMatchObject({ total: 2, championRight: 1, challengerRight: 2, gained: 1, lost: 0 });
  });

  it("says null for a champion that does not exist, and counts the challenger alone", () => {
    const [comparison] = comparePredictions(null, [prediction("a", expected), prediction("b", null)], vocabulary);
    expect(comparison).toMatchObject({ total: 2, championRight: null, challengerRight: 1, gained: 0, lost: 0 });
  });

  it("has nothing to say of no predictions, or of none in common", () => {
    expect(comparePredictions(null, [], vocabulary)).toEqual([]);
    expect(comparePredictions([prediction("a", expected)], [prediction("b", expected)], vocabulary)).toEqual([]);
  });
});
