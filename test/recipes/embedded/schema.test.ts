import { describe, expect, it } from "vitest";
import { parseFrame } from "../../../src/recipes/embedded/frame.ts";
import { learnOrder } from "../../../src/recipes/embedded/order.ts";
import { learnSchema } from "../../../src/recipes/embedded/schema.ts";
import type { FrameExample } from "../../../src/recipes/embedded/schema.ts";

const example = (text: string, output: string): FrameExample => ({
  text,
  frame: parseFrame(output) ?? { fn: "", slots: [] },
});

const kindOf = (name: string, examples: FrameExample[]): string | undefined =>
  learnSchema(examples).attributes.find((attribute) => attribute.name === name)?.kind;

describe("learnSchema", () => {
  it("takes an attribute for copied when its values stand in the text, however few values there are", () => {
    expect(kindOf("colour", [example("a red car", "f(colour[red])"), example("the red one", "f(colour[red])")])).toBe(
      "copy",
    );
  });

  it("takes an attribute for a choice when its values are worded in other ways", () => {
    expect(kindOf("mood", [example("I love it", "f(mood[good])"), example("meh", "f(mood[bad])")])).toBe("choice");
  });

  it("finds no word inside of another one", () => {
    expect(kindOf("has", [example("nothing here", "f(has[no])"), example("none", "f(has[no])")])).toBe("choice");
  });

  it("takes values made of parts for a list, in the order the outputs write the parts", () => {
    const examples = ["b, a", "b, c", "a, c", "a"].map((value) => example("whatever", `f(kinds[${value}])`));
    const [kinds] = learnSchema(examples).attributes;
    expect(kinds).toMatchObject({ kind: "list", values: ["b", "a", "c"], ordered: true });
  });

  it("leaves values whose comma parts nothing alone", () => {
    expect(kindOf("firm", [example("them", "f(firm[Spectrum, Inc.])"), example("those", "f(firm[Valve])")])).toBe(
      "choice",
    );
  });

  it("knows which attribute may be empty, all functions, and the fewest slots", () => {
    const schema = learnSchema([example("when?", "ask(year[])"), example("in 1984", "inform(year[1984])")]);
    expect(schema).toMatchObject({ functions: ["ask", "inform"], minSlots: 1 });
    expect(schema.attributes).toEqual([
      { name: "year", kind: "copy", values: ["1984"], allowsEmpty: true, ordered: true },
    ]);
  });
});

describe("learnOrder", () => {
  it("joins pairs to one order", () => {
    expect(
      learnOrder([
        ["b", "c"],
        ["a", "b"],
        ["a", "d"],
        ["c", "d"],
      ]),
    ).toEqual({
      names: ["a", "b", "c", "d"],
      consistent: true,
    });
  });

  it.each([
    [96, 4, true],
    [94, 6, false],
  ])("calls an order that %i of 100 keep and %i turn round consistent: %s", (kept, turned, consistent) => {
    const sequences = [
      ...Array.from({ length: kept }, () => ["a", "b"]),
      ...Array.from({ length: turned }, () => ["b", "a"]),
    ];
    expect(learnOrder(sequences)).toEqual({ names: ["a", "b"], consistent });
  });
});
