import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { builtInPacks } from "../../../src/domain/metrics/built-in-packs.ts";
import { classification, macroF1 } from "../../../src/domain/metrics/classification.ts";
import { cost } from "../../../src/domain/metrics/cost.ts";
import { exactMatch } from "../../../src/domain/metrics/exact-match.ts";
import { jsonFields } from "../../../src/domain/metrics/json.ts";
import { latency, quantile } from "../../../src/domain/metrics/latency.ts";
import { answerLength } from "../../../src/domain/metrics/length.ts";
import type { Json, MetricPackKind } from "../../../src/domain/metrics/metric.ts";
import { normalised, normalisedMatch } from "../../../src/domain/metrics/normalised-match.ts";
import { refusal } from "../../../src/domain/metrics/refusal.ts";
import { rougeL, textOverlap, tokenF1 } from "../../../src/domain/metrics/text-overlap.ts";
import { aPrediction, aTestRecord, metricsOf, noContext, scoreOne } from "../../support/answers.ts";

const prices = { promptUsdPerMillion: 2, completionUsdPerMillion: 10 };
const made = builtInPacks.map((kind) => kind.create(kind.example ?? {}, { ...noContext, prices }));

describe("builtInPacks", () => {
  it("have metrics of different names, each with a statistic where it is one", () => {
    const names = made.flatMap(({ metrics }) => metrics.map(({ name }) => name));
    expect(new Set(names).size).toBe(names.length);
    for (const { metrics, statistics = {} } of made)
      for (const { name, kind } of metrics) expect(kind === "statistic").toBe(name in statistics);
  });

  it.each(builtInPacks.map((kind) => [kind.name, kind] as const))(
    "%s refuses an option it does not know",
    (_, kind) => {
      const options: Record<string, Json> = { ...kind.example, colour: "red" };
      expect(() => kind.create(options, { ...noContext, prices })).toThrow(
        `metric pack ${kind.name}: options: there is no colour: it knows ${Object.keys(kind.options).join(", ") || "none"}`,
      );
    },
  );

  const megabyte = 1024 * 1024;
  it.each([
    ["nothing", ""],
    ["blanks", " ".repeat(megabyte)],
    ["one word", "a".repeat(megabyte)],
    ["words", "no way ".repeat(megabyte / 7)],
    ["opening parentheses", "(".repeat(megabyte)],
    ["opening brackets", "[".repeat(megabyte)],
    ["a call without an end", `f(${"a[b], ".repeat(megabyte / 7)}`],
    ["nested JSON", `${"[".repeat(megabyte / 2)}${"]".repeat(megabyte / 2)}`],
    ["quotes and backslashes", '\\"'.repeat(megabyte / 2)],
    ["punctuation", "-.-,".repeat(megabyte / 4)],
    ["HTML", "<html><script>alert(1)</script></html>".repeat(megabyte / 38)],
    ["half a surrogate pair", "\ud83d".repeat(1000)],
  ])("score an answer of %s soon", (_, answer) => {
    for (const pack of made) {
      const record = { id: "a", expected: '{"a":["b"]}' };
      const startedMs = performance.now();
      const full = {
        ...record,
        set: "test" as const,
        question: [],
        source: null,
        author: null,
        group: "a",
        labels: {},
      };
      const prediction = aPrediction({ ...record, answer, promptTokens: 1, completionTokens: 1 });
      const values = pack.score(full, { ...prediction, answer });
      expect(performance.now() - startedMs, pack.name).toBeLessThan(5000);
      for (const { name, kind } of pack.metrics) {
        if (pack.judge !== undefined || kind === "statistic") continue;
        expect(typeof values[name], name).toBe(kind === "binary" ? "boolean" : "number");
      }
    }
  });
});

describe("exactMatch", () => {
  it.each([
    ["yes", "yes", true],
    [" yes\n", "yes", true],
    ["Yes", "yes", false],
    ["yes.", "yes", false],
    ["", "", true],
  ])("of %j for %j is %s", (answer, expected, value) => {
    expect(scoreOne(exactMatch, { expected, answer })).toEqual({ exact_match: value });
  });
});

describe("normalised", () => {
  it.each([
    ["  Yes,  it\tIS!\n", "yes it is"],
    ["Ｆｕｌｌ ｗｉｄｔｈ", "full width"],
    ["cafe\u0301", "café"],
    ["ﬁne", "fine"],
    ["3.5", "3.5"],
    ["1,000.", "1,000"],
    ["at 12:30!", "at 12:30"],
    ["-5", "-5"],
    ["from -5 to 5", "from -5 to 5"],
    ["well-known", "wellknown"],
    ["don’t", "dont"],
    ["$5", "$5"],
    ["¿Qué?", "qué"],
  ])("makes of %j %j", (text, form) => {
    expect(normalised(text)).toBe(form);
  });

  it("changes nothing that is normalised", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 30 }), (text) => {
        const once = normalised(text);
        expect(normalised(once).length).toBeLessThanOrEqual(once.length);
        expect(normalised(`  ${text} `)).toBe(once);
      }),
    );
  });
});

describe("normalisedMatch", () => {
  it.each([
    ["Yes!", "yes", {}, true],
    ["Yes!", "yes", { punctuation: false }, false],
    ["Yes", "yes", { case: false }, false],
    ["3.5", "35", {}, false],
    ["-5", "5", {}, false],
  ])("of %j for %j with %j is %s", (answer, expected, options, value) => {
    expect(scoreOne(normalisedMatch, { expected, answer }, { options })).toEqual({ normalised_match: value });
  });

  it("refuses options of another type", () => {
    const create = (options: Record<string, Json>) => () => normalisedMatch.create(options, noContext);
    expect(create({ case: "no" })).toThrow("metric pack normalised-match: options: case: must be true or false");
    expect(create({ cases: true })).toThrow("there is no cases: did you mean case?");
  });
});

describe("jsonFields", () => {
  const expected = '{"intent":"buy","items":[{"name":"Portal","price":10}],"gift":false}';
  const of = (answer: string, options: Record<string, Json> = {}, of = expected) =>
    Object.values(scoreOne(jsonFields, { expected: of, answer }, { options }));
  // Valid, fields present, all equal, share of fields that are equal.
  it.each<[string, Record<string, Json>, unknown[]]>([
    ['{ "gift": false, "items": [{"price":10.0,"name":"Portal"}], "intent": "buy" }', {}, [true, true, true, 1]],
    ['{"intent":"sell","items":[],"gift":false}', {}, [true, true, false, 1 / 3]],
    ['{"intent":"buy","gift":false}', {}, [true, false, false, 2 / 3]],
    ['{"intent":"buy","items":[{"name":"Portal","price":10}],"gift":false,"x":1}', {}, [true, true, false, 1]],
    ['```json\n{"intent":"buy"}\n```', {}, [false, false, false, 0]],
    ["[]", {}, [true, false, false, 0]],
    ["null", {}, [true, false, false, 0]],
    ["", {}, [false, false, false, 0]],
    ['{"intent":"buy","items":[{"name":"Portal"}]}', { fields: ["intent", "items.0.name"] }, [true, true, true, 1]],
    ['{"intent":"buy","items":[{}]}', { fields: ["intent", "items.0.name"] }, [true, false, false, 0.5]],
    ['{"intent":"buy"}', { fields: ["intent", "nothing.there"] }, [true, true, true, 1]],
    ['{"intent":"buy","nothing":{"there":1}}', { fields: ["intent", "nothing.there"] }, [true, true, false, 0.5]],
    ['{"__proto__":{"intent":"buy"}}', { fields: ["intent"] }, [true, false, false, 0]],
    ["{}", { fields: ["constructor", "toString.name"] }, [true, true, true, 1]],
  ])("scores %s with %j", (answer, options, values) => {
    expect(of(answer, options)).toEqual(values);
  });

  it("leaves fields out where the expected answer is no JSON, and for a question without an answer", () => {
    expect(scoreOne(jsonFields, { expected: "none", answer: "{}" })).toEqual({ json_valid: true });
    const pack = jsonFields.create({}, noContext);
    expect(pack.unanswered?.(aTestRecord({ id: "a", expected: "none" }))).toMatchObject({
      json_valid: false,
      json_equal: null,
    });
    expect(pack.unanswered?.(aTestRecord({ id: "a", expected }))).toMatchObject({
      json_valid: false,
      json_equal: false,
      json_fields: 0,
    });
  });

  it("finds every JSON value equal to itself, whatever its form", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const text = JSON.stringify(value);
        expect(of(JSON.stringify(JSON.parse(text), null, 2), {}, text)).toEqual([true, true, true, 1]);
      }),
    );
  });
});

describe("classification", () => {
  const pairs = [
    { expected: "Positive", answer: "positive." },
    { expected: "positive", answer: "negative" },
    { expected: "negative", answer: "Negative" },
    { expected: "neutral", answer: "I think that it is neutral" },
    { expected: "neutral", answer: null },
  ];

  it("shows accuracy and macro F1 over the answered records", () => {
    // Positive: 2 * 1 / (2 + 1); negative: 2 * 1 / (1 + 2); neutral: 0.
    expect(metricsOf(classification, pairs)).toEqual({ accuracy: 0.5, macro_f1: (2 / 3 + 2 / 3) / 3 });
  });

  it("counts a question without an answer as a miss of its label", () => {
    const pack = classification.create({}, noContext);
    expect(pack.unanswered?.(aTestRecord({ id: "a", expected: "Neutral" }))).toEqual({
      accuracy: false,
      macro_f1: ["neutral", null],
    });
  });

  it("draws a confusion matrix and a table of labels, the most expected first", () => {
    const [matrix, labels] = tablesOf(classification, pairs);
    expect(matrix?.head).toEqual(["expected", "positive", "negative", "neutral", "(no label)"]);
    expect(matrix?.rows).toEqual([
      ["positive", 1, 1, 0, 0],
      ["negative", 0, 1, 0, 0],
      ["neutral", 0, 0, 0, 1],
    ]);
    expect(labels?.rows[0]).toEqual(["positive", 2, "1.000", "0.500", "0.667"]);
  });

  it("draws at most twenty labels and sums the others up", () => {
    const many = Array.from({ length: 30 }, (_, index) => ({ expected: `label ${index}`, answer: `label ${index}` }));
    const [matrix] = tablesOf(classification, many);
    expect(matrix?.head).toHaveLength(23);
    expect(matrix?.rows).toHaveLength(21);
    expect(matrix?.rows.at(-1)).toEqual(["(other labels)", ...Array(20).fill(0), 10, 0]);
  });

  it("fits short answers that repeat, and not texts that are all different", () => {
    const labels = Array.from({ length: 40 }, (_, index) => `label ${index % 5}`);
    expect(classification.fits?.(labels)).toBe(true);
    expect(classification.fits?.(labels.map((label, index) => `${label}, case ${index}`))).toBe(false);
    expect(classification.fits?.(labels.map((label) => `${label} ${"and so on ".repeat(20)}`))).toBe(false);
    expect(classification.fits?.([])).toBe(false);
  });
});

describe("macroF1", () => {
  const label = fc.constantFrom("a", "b", "c");
  const pairs = fc.array(fc.tuple(label, fc.option(label)), { minLength: 1, maxLength: 30 });

  it("with weights is that of the records repeated as often", () => {
    fc.assert(
      fc.property(pairs, fc.array(fc.nat(3), { minLength: 30, maxLength: 30 }), (values, weights) => {
        const repeated = values.flatMap((pair, index) =>
          Array<[string, string | null]>(weights[index] ?? 0).fill(pair),
        );
        const weighted = macroF1(values)(Uint32Array.from(values, (_, index) => weights[index] ?? 0));
        if (repeated.length === 0) expect(weighted).toBeNull();
        else expect(weighted).toBeCloseTo(macroF1(repeated)() ?? Number.NaN, 12);
      }),
    );
  });
});

describe("textOverlap", () => {
  it("gives both, and is made for every text", () => {
    const values = scoreOne(textOverlap, { expected: "The cat sat.", answer: "a cat sat down" });
    expect(values).toEqual({ token_f1: 0.8, rouge_l: (2 * 2) / 7 });
    expect(textOverlap.fits?.(["anything"])).toBe(true);
  });

  it("is 1 for equal texts with words, the same both ways round, and within 0 and 1", () => {
    const text = fc.array(fc.constantFrom("one", "two", "drei", "сложно", "東京", ".", "the"), { maxLength: 8 });
    fc.assert(
      fc.property(text, text, (one, other) => {
        const [a, b] = [one.join(" "), other.join(" ")];
        for (const metric of [tokenF1, rougeL]) {
          expect(metric(a, b)).toBeGreaterThanOrEqual(0);
          expect(metric(a, b)).toBeLessThanOrEqual(1);
          expect(metric(a, b)).toBeCloseTo(metric(b, a), 12);
        }
        expect(rougeL(a, a)).toBe(/[^. ]/.test(a) ? 1 : 0);
        expect(tokenF1(a, a)).toBe(1);
      }),
    );
  });

  it("counts words of any script", () => {
    expect(rougeL("это очень сложно", "это сложно")).toBeCloseTo(0.8, 12);
  });
});

describe("answerLength", () => {
  it("counts code points, and tokens where they are known", () => {
    expect(scoreOne(answerLength, { expected: "", answer: "né👍" })).toEqual({
      answer_characters: 3,
      answer_tokens: null,
    });
    expect(scoreOne(answerLength, { expected: "", answer: "", completionTokens: 7 })).toEqual({
      answer_characters: 0,
      answer_tokens: 7,
    });
  });
});

describe("refusal", () => {
  it.each([
    ["I'm sorry, but I can't help with that.", true],
    ["I’m sorry, I cannot assist with this request.", true],
    ["As an AI language model, I have no opinions.", true],
    ["I am unable to answer.", true],
    ["I won't provide that.", true],
    ["I must decline.", true],
    ["Sorry to hear that! Try to start it again.", false],
    ["You can't help it.", false],
    ["inform(name[Portal])", false],
    ["", false],
    [`${"Here is how. ".repeat(20)} I cannot help with more.`, false],
  ])("of %j is %s", (answer, value) => {
    expect(scoreOne(refusal, { expected: "yes", answer })).toEqual({ refusal: value });
  });

  it("does not count where a refusal is expected, and takes phrases of one's own", () => {
    expect(scoreOne(refusal, { expected: "I cannot help with that.", answer: "Sure!" })).toEqual({ refusal: null });
    const options = { phrases: ["Dazu kann ich nichts sagen"] };
    const answer = "Dazu kann ich nichts sagen.";
    expect(scoreOne(refusal, { expected: "ja", answer }, { options })).toEqual({ refusal: true });
    expect(() => refusal.create({ phrases: [] }, noContext)).toThrow("phrases: must be a list of texts, at least one");
    expect(() => refusal.create({ phrases: ["x", 1] }, noContext)).toThrow(
      "phrases.1: must be a text that is not blank",
    );
  });
});

describe("latency", () => {
  it("gives the time of each answer", () => {
    const values = scoreOne(latency, { expected: "", answer: "", latencyMs: 120 });
    expect(values).toEqual({ latency_ms: 120, latency_p95_ms: 120 });
  });
});

describe("quantile", () => {
  it.each([
    [[5], 5],
    [Array.from({ length: 20 }, (_, index) => 20 - index), 19],
    [Array.from({ length: 100 }, (_, index) => index + 1), 95],
    [[1, 1, 1, 100], 100],
  ])("of %j at 0.95 is %d", (values, expected) => {
    expect(quantile(values, 0.95)()).toBe(expected);
  });

  it("has no value without values or weight, and counts each value as often as its weight says", () => {
    expect(quantile([], 0.95)()).toBeNull();
    expect(quantile([1, 2], 0.95)(Uint32Array.of(0, 0))).toBeNull();
    expect(quantile([7, 1, 3], 0.5)(Uint32Array.of(1, 0, 4))).toBe(3);
  });
});

describe("cost", () => {
  it("is of 1,000 requests at the given prices", () => {
    const context = { ...noContext, prices };
    const tokens = { promptTokens: 500, completionTokens: 20 };
    // 1,000 requests: 500,000 tokens at 2 $ and 20,000 at 10 $ a million.
    expect(scoreOne(cost, { expected: "", answer: "", ...tokens }, { context })).toEqual({ cost_per_1000: 1.2 });
    expect(scoreOne(cost, { expected: "", answer: "" }, { context })).toEqual({ cost_per_1000: null });
  });

  it("needs prices", () => {
    expect(() => cost.create({}, noContext)).toThrow("metric pack cost: it needs evaluate.prices");
  });
});

function tablesOf(kind: MetricPackKind, pairs: readonly { expected: string; answer: string | null }[]) {
  const pack = kind.create({}, noContext);
  const columns = pairs
    .filter(({ answer }) => answer !== null)
    .map(({ expected, answer }) => scoreOne(kind, { expected, answer: answer ?? "" })["macro_f1"] ?? null);
  return pack.tables?.({ macro_f1: columns }) ?? [];
}
