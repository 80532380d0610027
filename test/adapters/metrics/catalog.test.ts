import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createMetricCatalog } from "../../../src/adapters/metrics/catalog.ts";
import { decideSchema } from "../../../src/domain/decide-schema.ts";
import { scoreAnswers, summarise, tablesOf } from "../../../src/domain/evaluation.ts";
import { evaluateSchema } from "../../../src/domain/evaluate-schema.ts";
import { TypedFailure } from "../../../src/domain/failures.ts";
import type { ChoosingDefinition } from "../../../src/domain/metrics/choices.ts";
import { aPrediction, aTestRecord, noContext } from "../../support/answers.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tuneloop-metrics-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const definition = (evaluate: object, decide: object = {}): ChoosingDefinition => ({
  evaluate: evaluateSchema.parse(evaluate),
  decide: decideSchema.parse(decide),
});
/** A pack `polite` in TypeScript whose metric is whether an answer says please. */
const pack = (word = "please", more = ""): string => `
  interface Options { word?: string }
  export const metricPack = {
    name: "polite",
    description: "answers that say please",
    create(options: Options) {
      const word = options.word ?? "${word}";
      if (word === "") throw new Error("word: must not be empty");
      return {
        metrics: [{ name: "polite", title: "Polite", unit: "ratio", better: "higher", kind: "binary", unanswered: false }],
        policy: { primary: "polite" },
        score(record: unknown, { answer }: { answer: string }) { return { polite: answer.includes(word) }; },
        ${more}
      };
    },
  };`;
const write = (text: string, name = "polite.ts"): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const failureOf = async (run: Promise<unknown>): Promise<string> => {
  try {
    await run;
  } catch (error) {
    if (error instanceof TypedFailure && error.type === "InvalidInput")
      return error.message.replaceAll(folder, "FOLDER");
    throw error;
  }
  throw new Error("it was taken");
};

describe("createMetricCatalog", () => {
  it("scores by a pack of one's own, beside those of Tuneloop", async () => {
    write(pack());
    const catalog = createMetricCatalog(["/nowhere", folder]);
    const chosen = definition({ metrics: ["exact-match", "polite"] }, { primary: "polite" });
    await catalog.check(chosen);
    const { metrics, policy } = await catalog.resolve(chosen, ["yes"]);
    expect(policy.primary).toBe("polite");
    const packs = await catalog.open(metrics, noContext);
    const records = ["a", "b", "c"].map((id) => aTestRecord({ id, expected: "yes" }));
    const answers = ["yes", "yes, please", null];
    const predictions = records.map(({ id, expected }, index) =>
      aPrediction({ id, expected, answer: answers[index] ?? null }),
    );
    const metricsOf = summarise(scoreAnswers(records, predictions, { packs }), packs);
    expect(metricsOf["test"]).toEqual({ failed_api_responses: 1 / 3, exact_match: 0.5, polite: 0.5 });
  });

  it("says in which line a pack of one's own has failed, and nothing of what was answered", async () => {
    write(
      pack("please", "unanswered() { throw null; },").replace(
        "return { polite:",
        "JSON.parse(answer); return { polite:",
      ),
    );
    const packs = await createMetricCatalog([folder]).open([{ pack: "polite", options: {} }], noContext);
    const record = aTestRecord({ id: "a", expected: "yes" });
    const reasonOf = (answer: string | null): string | undefined =>
      scoreAnswers([record], [aPrediction({ id: "a", expected: "yes", answer })], { packs }).unusable["polite"];
    expect(reasonOf("a secret")).toBe("metric pack polite failed with SyntaxError in line 12 of polite.ts");
    expect(reasonOf(null)).toBe("metric pack polite failed with something that is no error");
  });

  it.each([
    ["is missing", "{}", [null], {}],
    ["has another's name beside it", "{ polite: true, polit: 1, exact_match: 0 }", [true], {}],
    ["has another's name alone", "{ Polite: true }", [null], {}],
    [
      "is a text",
      '{ polite: "true" }',
      [null],
      { polite: "metric pack polite gave polite a value of type string, which is neither true nor false" },
    ],
  ])("takes from a pack of one's own what it has named: a value that %s", async (_, values, column, unusable) => {
    write(pack().replace("{ polite: answer.includes(word) }", values));
    const packs = await createMetricCatalog([folder]).open([{ pack: "polite", options: {} }], noContext);
    const [record, prediction] = [
      aTestRecord({ id: "a", expected: "yes" }),
      aPrediction({ id: "a", expected: "yes", answer: "please" }),
    ];
    const scored = scoreAnswers([record], [prediction], { packs });
    expect(scored).toMatchObject({ columns: { polite: column }, unusable });
    expect(Object.keys(scored.columns)).toEqual(["failed_api_responses", "polite"]);
  });

  it("takes no tables of one's own that a report could not show", async () => {
    const catalog = createMetricCatalog([folder]);
    const tablesBy = async (rows: string) => {
      write(pack("please", `tables() { return [{ title: "Words", head: ["word"], rows: ${rows} }]; },`));
      const packs = await catalog.open([{ pack: "polite", options: {} }], noContext);
      const record = aTestRecord({ id: "a", expected: "yes" });
      const prediction = aPrediction({ id: "a", expected: "yes", answer: "please" });
      return tablesOf(scoreAnswers([record], [prediction], { packs }), packs);
    };
    expect(await tablesBy('[["please"], [1]]')).toHaveLength(1);
    for (const rows of ["[[{}]]", "7", "[[NaN]]"]) expect(await tablesBy(rows)).toEqual([]);
  });

  it("pins a pack of one's own by the hash of its file, and refuses another", async () => {
    const file = write(pack());
    const catalog = createMetricCatalog([folder]);
    const { metrics } = await catalog.resolve(definition({ metrics: ["polite", "exact-match"] }), []);
    const sha256 = createHash("sha256").update(readFileSync(file)).digest("hex");
    expect(metrics).toEqual([
      { pack: "polite", options: {}, sha256 },
      { pack: "exact-match", options: {} },
    ]);
    write(pack("thank you"));
    expect(await failureOf(catalog.open(metrics, noContext))).toMatch(
      /^metric pack polite: FOLDER\/polite\.ts has the sha256 [0-9a-f]{64}, and that of [0-9a-f]{64} was chosen$/,
    );
  });

  it("takes a file that has changed as it is now", async () => {
    const catalog = createMetricCatalog([folder]);
    const score = async (): Promise<unknown> => {
      const [, polite] = await catalog.open([{ pack: "polite", options: {} }], noContext);
      const prediction = { ...aPrediction({ id: "a", expected: "", answer: "thank you" }), answer: "thank you" };
      return polite?.score(aTestRecord({ id: "a", expected: "" }), prediction);
    };
    write(pack());
    expect(await score()).toEqual({ polite: false });
    write(pack("thank you"));
    expect(await score()).toEqual({ polite: true });
  });

  it.each<[string, string, RegExp]>([
    ["cannot be parsed", "export const = 1", /^metric pack polite: FOLDER\/polite\.ts cannot be loaded: /],
    ["throws", 'throw new Error("no disk")', /cannot be loaded: no disk$/],
    ["exports nothing", "export const other = 1;", /does not export metricPack as it must be: metricPack: /],
    [
      "has another name",
      pack().replace('name: "polite",\n    description', 'name: "nice",\n    description'),
      /metricPack\.name is nice, not polite$/,
    ],
    [
      "makes no pack",
      "export const metricPack = { name: 'polite', create: () => 1 };",
      /create does not answer a pack/,
    ],
    ["has a kind that there is not", pack().replace('"binary"', '"ternary"'), /metrics\.0\.kind: /],
    [
      "has a bad name for a metric",
      pack().replace('{ name: "polite"', '{ name: "po lite"'),
      /metrics\.0\.name: must be letters/,
    ],
    [
      "has no statistic for one",
      pack().replace('kind: "binary"', 'kind: "statistic"'),
      /statistics\.polite: is not there, and polite is one$/,
    ],
  ])("names a file that %s", async (_, text, problem) => {
    write(text);
    const catalog = createMetricCatalog([folder]);
    expect(await failureOf(catalog.check(definition({ metrics: ["polite"] })))).toMatch(problem);
  });

  it("passes on what a pack says of its options", async () => {
    write(pack());
    const metrics = [{ pack: "polite", options: { word: "" } }];
    expect(await failureOf(createMetricCatalog([folder]).check(definition({ metrics })))).toBe(
      "metric pack polite: options: word: must not be empty",
    );
  });

  it("names the packs that there are when it has none of a name, and where it looked", async () => {
    write(pack());
    const chosen = definition({ metrics: ["polit"] });
    expect(await failureOf(createMetricCatalog([folder]).check(chosen))).toMatch(
      /there is no metric pack polit: did you mean polite\? There are functional-representation, .*, polite\. Looked in FOLDER$/,
    );
    expect(await failureOf(createMetricCatalog([]).check(chosen))).toMatch(
      /TUNELOOP_METRICS names no folder of others$/,
    );
  });

  it("refuses a hash for a pack of Tuneloop, and a judge whose endpoint cannot be one", async () => {
    const catalog = createMetricCatalog([]);
    const check = (choice: object) => failureOf(catalog.check(definition({ metrics: [choice] })));
    expect(await check({ pack: "latency", sha256: "0".repeat(64) })).toContain(
      "it is part of Tuneloop and has no file",
    );
    const judge = (endpoint: object) => check({ pack: "llm-judge", options: { endpoint } });
    expect(await judge({ url: "ftp://x", model: "m" })).toMatch(/^metric pack llm-judge: options: endpoint\.url: /);
    expect(await judge({ url: "http://x" })).toMatch(/^metric pack llm-judge: options: endpoint\.model: /);
    expect(await judge({ url: "http://x", model: "m", tokenSecret: "AWS_SECRET_ACCESS_KEY" })).toMatch(
      /options: endpoint\.tokenSecret: /,
    );
  });

  it("lists all packs, one's own with their files", async () => {
    const file = write(pack());
    write("not a pack", "README.md");
    const listed = await createMetricCatalog([folder, "/nowhere"]).list();
    expect(listed.at(-1)).toMatchObject({ kind: { name: "polite" }, file });
    expect(listed.filter(({ file }) => file === null)).toHaveLength(11);
  });
});
