import { describe, expect, it } from "vitest";
import { learnTemplate, stripTemplate } from "../../../src/recipes/embedded/template.ts";

const sentences = Array.from(
  { length: 100 },
  (_, number) => `${String.fromCodePoint(97 + (number % 26))}${number} is here`,
);
const instruction = "Here is the sentence:\n";

describe("learnTemplate", () => {
  it.each([
    [100, instruction],
    [95, instruction],
    [94, ""],
  ])("finds a prefix that %i of 100 inputs share: %j", (count, template) => {
    expect(learnTemplate(sentences.map((text, number) => (number < count ? instruction + text : text)))).toBe(template);
  });

  it("ends the prefix at white space, not inside of a word", () => {
    expect(learnTemplate(["Read: banana", "Read: bandage", "Read: bank"])).toBe("Read: ");
  });

  it("finds none in inputs that start in different ways", () => {
    expect(learnTemplate(sentences)).toBe("");
  });
});

describe("stripTemplate", () => {
  it("takes the template off where it is and leaves other inputs alone", () => {
    expect(stripTemplate(`${instruction}a`, instruction)).toBe("a");
    expect(stripTemplate("a", instruction)).toBe("a");
  });
});
