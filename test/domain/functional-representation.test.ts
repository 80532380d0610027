import { describe, expect, it } from "vitest";
import { learnVocabulary, parseAnswer, scoreAnswer, summarise } from "../../src/domain/functional-representation.ts";

const vocabulary = learnVocabulary(["inform(name[Tetris], year[1984])", "request(genre[puzzle])", "no call at all"]);

describe("parseAnswer", () => {
  it.each([
    ["inform(name[Tetris], year[1984])", "inform", ["name", "year"]],
    ["  inform(name[Tetris])\n", "inform", ["name"]],
    ["Sentence: x\nOutput: inform(name[Tetris])", "inform", ["name"]],
    ["Output: a(b[c]) Output: inform(name[Tetris])", "inform", ["name"]],
    ["give\\_opinion(name[Tetris])", "give_opinion", ["name"]],
    ["inform(release\\_year[1984])", "inform", ["_year"]],
    ["inform(name[Tetris (1984)])", "inform", ["name"]],
    ["inform(name[a], name[b])", "inform", ["name", "name"]],
    ["inform(anything)", "inform", []],
    ["two words(name[Tetris])", "two words", ["name"]],
  ])("reads %j", (text, fn, attributeTypes) => {
    expect(parseAnswer(text)).toEqual({ fn, attributeTypes });
  });

  it.each(["", "inform", "inform()", "(name[Tetris])", "inform(name[Tetris]", "inform(name[Tetris]).", "name[Tetris]"])(
    "finds no call in %j",
    (text) => {
      expect(parseAnswer(text)).toBeNull();
    },
  );
});

describe("learnVocabulary", () => {
  it("collects functions and attribute types, sorted, and skips what is no call", () => {
    expect(vocabulary).toEqual({ functions: ["inform", "request"], attributeTypes: ["genre", "name", "year"] });
  });
});

describe("scoreAnswer", () => {
  const expected = "inform(name[Tetris], year[1984])";
  // Format of the function, format of the attributes, function, attributes as a set, attributes in order.
  it.each([
    ["inform(name[Tetris], year[1984])", [true, true, true, true, true]],
    ["inform(name[Doom], year[1993])", [true, true, true, true, true]],
    ["inform(year[1984], name[Tetris])", [true, true, true, true, false]],
    ["inform(name[Tetris], year[1984], year[1985])", [true, true, true, true, false]],
    ["request(name[Tetris], year[1984])", [true, true, false, true, true]],
    ["inform(name[Tetris])", [true, true, true, false, false]],
    ["inform(name[Tetris], colour[red])", [true, false, true, false, false]],
    ["sing(name[Tetris], year[1984])", [false, true, false, true, true]],
    ["inform(nothing)", [true, false, true, false, false]],
    ["It is Tetris.", [false, false, false, false, false]],
    ["", [false, false, false, false, false]],
  ])("scores %j", (predicted, [fnFormat, attrFormat, fn, types, order]) => {
    expect(scoreAnswer({ expected, predicted }, vocabulary)).toEqual({
      failed_api_responses: false,
      accuracy_format_fn_type: fnFormat,
      accuracy_format_attr_types: attrFormat,
      accuracy_output_fn: fn,
      accuracy_attr_types: types,
      accuracy_attr_types_order: order,
    });
  });

  it("takes nothing for equal when the expected answer is no call either", () => {
    const score = scoreAnswer({ expected: "none", predicted: "none" }, vocabulary);
    expect([score.accuracy_output_fn, score.accuracy_attr_types, score.accuracy_attr_types_order]).toEqual([
      false,
      false,
      false,
    ]);
  });
});

describe("summarise", () => {
  const expected = "inform(name[Tetris])";

  it("counts failures over all records and the accuracies over the answered ones", () => {
    const answers = ["inform(name[Tetris])", "request(name[Tetris])", null, "inform(year[1984])"];
    const scores = answers.map((predicted) => scoreAnswer({ expected, predicted }, vocabulary));
    expect(summarise(scores)).toEqual({
      failed_api_responses: 1 / 4,
      accuracy_format_fn_type: 1,
      accuracy_format_attr_types: 1,
      accuracy_output_fn: 2 / 3,
      accuracy_attr_types: 2 / 3,
      accuracy_attr_types_order: 2 / 3,
    });
  });

  it("has no ratio where no record counts", () => {
    expect(Object.values(summarise([]))).toEqual([null, null, null, null, null, null]);
    const failed = summarise([scoreAnswer({ expected, predicted: null }, vocabulary)]);
    expect(failed.failed_api_responses).toBe(1);
    expect(failed.accuracy_output_fn).toBeNull();
  });
});
