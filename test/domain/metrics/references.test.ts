/** Metrics against reference implementations: the fixture's script says which. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { macroF1 } from "../../../src/domain/metrics/classification.ts";
import { normalised } from "../../../src/domain/metrics/normalised-match.ts";
import { rougeL, tokenF1 } from "../../../src/domain/metrics/text-overlap.ts";

const text = z.object({
  expected: z.string(),
  answer: z.string(),
  token_f1: z.number(),
  rouge_l: z.number().nullable(),
});
const labels = z.object({ expected: z.array(z.string()), answered: z.array(z.string()), macro_f1: z.number() });
const folder = join(import.meta.dirname, "..", "..", "fixtures", "metrics");
const references = z
  .object({ texts: z.array(text).min(300), labels: z.array(labels).min(40) })
  .parse(JSON.parse(readFileSync(join(folder, "references.json"), "utf8")));

describe("tokenF1", () => {
  it("says what SQuAD's evaluation script says", () => {
    for (const { expected, answer, token_f1 } of references.texts)
      expect(tokenF1(answer, expected), `${expected} | ${answer}`).toBeCloseTo(token_f1, 12);
  });
});

describe("rougeL", () => {
  it("says what Google's rouge-score says of ASCII texts", () => {
    const ascii = references.texts.filter(({ rouge_l }) => rouge_l !== null);
    expect(ascii.length).toBeGreaterThan(200);
    for (const { expected, answer, rouge_l } of ascii)
      expect(rougeL(answer, expected), `${expected} | ${answer}`).toBeCloseTo(rouge_l ?? Number.NaN, 12);
  });

  it("gives the figures of Lin's paper, section 3.1, for its example", () => {
    const reference = "police killed the gunman";
    expect(rougeL("police kill the gunman", reference)).toBe(0.75);
    expect(rougeL("the gunman kill police", reference)).toBe(0.5);
    expect(rougeL("the gunman police killed", reference)).toBe(0.5);
  });
});

describe("macroF1", () => {
  it("says what scikit-learn says over the expected labels", () => {
    for (const { expected, answered, macro_f1 } of references.labels) {
      const pairs = expected.map((label, index) => [normalised(label), normalised(answered[index] ?? "")]);
      expect(macroF1(pairs)()).toBeCloseTo(macro_f1, 12);
    }
  });
});
