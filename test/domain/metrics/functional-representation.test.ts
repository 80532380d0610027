import { describe, expect, it } from "vitest";
import * as fc from "fast-check";
import {
  functionalRepresentation,
  learnVocabulary,
  parseAnswer,
} from "../../../src/domain/metrics/functional-representation.ts";
import { metricsOf, scoreOne } from "../../support/answers.ts";

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

describe("parseAnswer, of anything", () => {
  /** As the formula is written. */
  function asWritten(text: string): ReturnType<typeof parseAnswer> {
    const call = /^(.+?)\((.+)\)$/.exec((text.split("Output: ").at(-1) ?? "").trim());
    if (call?.[1] === undefined || call[2] === undefined) return null;
    const attributeTypes = Array.from(call[2].matchAll(/(\w+)\[/g), (match) => match[1] ?? "");
    return { fn: call[1].replaceAll("\\_", "_"), attributeTypes };
  }

  it("reads what the formula reads", () => {
    const pieces = fc.constantFrom("(", ")", "[", "]", "a", "b_", "\\_", " ", "\n", "Output: ", "é", "1");
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 14 }), (parts) => {
        expect(parseAnswer(parts.join(""))).toEqual(asWritten(parts.join("")));
      }),
      { numRuns: 2000 },
    );
  });
});

describe("learnVocabulary", () => {
  it("collects functions and attribute types, sorted, and skips what is no call", () => {
    expect(vocabulary).toEqual({ functions: ["inform", "request"], attributeTypes: ["genre", "name", "year"] });
  });
});

describe("functionalRepresentation", () => {
  const context = { vocabulary, prices: null };
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
  ])("scores %j", (answer, [fnFormat, attrFormat, fn, types, order]) => {
    expect(scoreOne(functionalRepresentation, { expected, answer }, { context })).toEqual({
      accuracy_format_fn_type: fnFormat,
      accuracy_format_attr_types: attrFormat,
      accuracy_output_fn: fn,
      accuracy_attr_types: types,
      accuracy_attr_types_order: order,
    });
  });

  it("takes nothing for equal when the expected answer is no call either", () => {
    expect(scoreOne(functionalRepresentation, { expected: "none", answer: "none" }, { context })).toMatchObject({
      accuracy_output_fn: false,
      accuracy_attr_types: false,
      accuracy_attr_types_order: false,
    });
  });

  it("shows its accuracies over the answered records", () => {
    const answers = ["inform(name[Tetris])", "request(name[Tetris])", null, "inform(year[1984])"];
    const pairs = answers.map((answer) => ({ expected: "inform(name[Tetris])", answer }));
    expect(metricsOf(functionalRepresentation, pairs, { context })).toEqual({
      accuracy_format_fn_type: 1,
      accuracy_format_attr_types: 1,
      accuracy_output_fn: 2 / 3,
      accuracy_attr_types: 2 / 3,
      accuracy_attr_types_order: 2 / 3,
    });
  });

  it("is made for answers of which 95 % are calls", () => {
    const calls = Array.from({ length: 19 }, () => "inform(name[Tetris])");
    expect(functionalRepresentation.fits?.([...calls, "no call"])).toBe(true);
    expect(functionalRepresentation.fits?.([...calls, "no call", "no call"])).toBe(false);
    expect(functionalRepresentation.fits?.([])).toBe(false);
  });
});
