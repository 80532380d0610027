import { describe, expect, it } from "vitest";
import { decideSchema } from "../../../src/domain/decide-schema.ts";
import { evaluateSchema } from "../../../src/domain/evaluate-schema.ts";
import { TypedFailure } from "../../../src/domain/failures.ts";
import { builtInPacks } from "../../../src/domain/metrics/built-in-packs.ts";
import {
  checkChoices,
  makePacks,
  resolveChoices,
  type ChoosingDefinition,
} from "../../../src/domain/metrics/choices.ts";
import { noContext } from "../../support/answers.ts";

const definition = (evaluate: object = {}, decide: object = {}): ChoosingDefinition => ({
  evaluate: evaluateSchema.parse(evaluate),
  decide: decideSchema.parse(decide),
});
const problemOf = (evaluate: object, decide: object = {}): string => {
  try {
    checkChoices(definition(evaluate, decide), builtInPacks);
  } catch (error) {
    if (error instanceof TypedFailure && error.type === "InvalidInput") return error.message;
    throw error;
  }
  throw new Error("it was taken");
};
const calls = ["inform(name[Portal])", "request(genre[puzzle])"];
const labels = ["yes", "no", "yes", "no", "yes"];
const texts = ["It is about portals.", "It is about trains."];
const prices = { promptUsdPerMillion: 1, completionUsdPerMillion: 1 };

describe("checkChoices", () => {
  it.each<[object, object]>([
    [{}, {}],
    [{ metrics: ["exact-match", "latency"] }, { primary: "exact_match", guards: [] }],
    [{ metrics: ["functional-representation"] }, { guards: [{ metric: "failed_api_responses", margin: 0.01 }] }],
    [{}, { primary: "token_f1", guards: [{ metric: "latency_p95_ms", relativeMargin: 0.2 }] }],
    [{ metrics: ["cost", "exact-match"], prices }, { guards: [{ metric: "cost_per_1000", relativeMargin: 0.1 }] }],
    [
      { slices: ["labels.platform"], retentionSet: "s3://bucket/old.jsonl" },
      {
        guards: [
          { metric: "accuracy", margin: 0.1, on: "labels.platform=ps5" },
          { metric: "accuracy", margin: 0.1, on: "retention" },
        ],
      },
    ],
  ])("takes %j with %j", (evaluate, decide) => {
    expect(() => checkChoices(definition(evaluate, decide), builtInPacks)).not.toThrow();
  });

  it.each<[string, object, object, string]>([
    [
      "an unknown pack",
      { metrics: ["exact-matches"] },
      {},
      "evaluate.metrics: there is no metric pack exact-matches: did you mean exact-match? There are functional-representation, json, ",
    ],
    ["a pack that is always there", { metrics: ["responses"] }, {}, "evaluate.metrics: responses is named twice"],
    [
      "a margin of a ratio in percent",
      {},
      { guards: [{ metric: "accuracy_attr_types", margin: 2 }] },
      "decide.guards.0.margin: is 2, and accuracy_attr_types is a ratio: 0.02 stands for 2 points",
    ],
    [
      "a gain of a ratio in percent",
      {},
      { primary: "accuracy", minGain: 5 },
      "decide.minGain: is 5, and accuracy is a ratio",
    ],
    ["a pack named twice", { metrics: ["latency", "latency"] }, {}, "evaluate.metrics: latency is named twice"],
    ["no prices", { metrics: ["cost"] }, {}, "metric pack cost: it needs evaluate.prices"],
    [
      "a wrong option",
      { metrics: [{ pack: "json", options: { field: ["a"] } }] },
      {},
      "metric pack json: options: there is no field: did you mean fields?",
    ],
    [
      "a metric of a pack that is not chosen",
      { metrics: ["exact-match"] },
      { primary: "token_f1" },
      "decide.primary: token_f1 is a metric of the pack text-overlap: name that in evaluate.metrics too",
    ],
    [
      "a metric that nobody has",
      { metrics: ["functional-representation"] },
      { primary: "accuracy_outputfn" },
      "decide.primary: no chosen metric pack has accuracy_outputfn: did you mean accuracy_output_fn",
    ],
    [
      "a guard on a metric that nobody has",
      {},
      { guards: [{ metric: "zzz", margin: 0.1 }] },
      "decide.guards.0.metric: no chosen metric pack has zzz: there are failed_api_responses, accuracy_format_fn_type",
    ],
    [
      "a metric that is only reported",
      { metrics: ["length"] },
      { primary: "answer_characters" },
      "decide.primary: of answer_characters neither more nor less is better",
    ],
    [
      "packs without a policy",
      { metrics: ["latency"] },
      {},
      "decide.primary: no chosen metric pack says what to decide by",
    ],
    [
      "a guard on old skills that there are none of",
      {},
      { guards: [{ metric: "accuracy", margin: 0.1, on: "retention" }] },
      "decide.guards.0.on: there is no evaluate.retentionSet",
    ],
    [
      "a guard on a slice that nobody takes",
      { slices: ["source"] },
      { guards: [{ metric: "accuracy", margin: 0.1, on: "labels.platform=ps5" }] },
      "decide.guards.0.on: must be test, retention, or a slice such as labels.platform=ps5 of a field of evaluate.slices: source",
    ],
  ])("refuses %s", (_, evaluate, decide, problem) => {
    expect(problemOf(evaluate, decide)).toContain(problem);
  });
});

describe("makePacks", () => {
  it("puts the share of failed responses before all that is chosen", () => {
    const packs = makePacks([{ pack: "latency", options: {} }], noContext, builtInPacks);
    expect(packs.map(({ name }) => name)).toEqual(["responses", "latency"]);
  });

  it("refuses a metric that two packs have", () => {
    const own = { name: "own", description: "", options: {}, create: () => builtInPacks[4]!.create({}, noContext) };
    const choices = [
      { pack: "exact-match", options: {} },
      { pack: "own", options: {} },
    ];
    expect(() => makePacks(choices, noContext, [...builtInPacks, own])).toThrow(
      "evaluate.metrics: both exact-match and own have a metric exact_match: choose one of them",
    );
  });
});

describe("resolveChoices", () => {
  const resolve = (expected: readonly string[], evaluate: object = {}, decide: object = {}) => {
    const { metrics, policy } = resolveChoices(definition(evaluate, decide), expected, builtInPacks);
    return { packs: metrics.map(({ pack }) => pack), primary: policy.primary, guards: policy.guards };
  };
  const guard = (metric: string, margin: number) => ({ metric, margin, on: "test" });

  it.each([
    ["calls", calls, "functional-representation", "accuracy_output_fn", [guard("accuracy_attr_types", 0.02)]],
    ["labels", labels, "classification", "accuracy", [guard("macro_f1", 0.05)]],
    ["free text", texts, "text-overlap", "token_f1", []],
    ["JSON", ['{"a":1}', '{"a":2}'], "json", "json_equal", [guard("json_valid", 0.02)]],
  ])("takes the pack that fits %s, and its policy", (_, expected, pack, primary, guards) => {
    expect(resolve(expected)).toEqual({ packs: [pack], primary, guards });
  });

  it("takes calls for calls even where they repeat like labels", () => {
    expect(resolve([...calls, ...calls, ...calls]).packs).toEqual(["functional-representation"]);
  });

  it("takes with auto the packs of the metrics that the policy names, and cost where there are prices", () => {
    const decide = { primary: "exact_match", guards: [{ metric: "latency_ms", relativeMargin: 0.1 }] };
    expect(resolve(labels, { prices }, decide)).toMatchObject({
      packs: ["classification", "exact-match", "latency", "cost"],
      primary: "exact_match",
    });
  });

  it("takes the guards of the primary metric's pack, without one on that metric", () => {
    const evaluate = { metrics: ["exact-match", "functional-representation"] };
    expect(resolve(calls, evaluate)).toMatchObject({ primary: "exact_match", guards: [] });
    expect(resolve(calls, evaluate, { primary: "accuracy_output_fn" }).guards).toEqual([
      guard("accuracy_attr_types", 0.02),
    ]);
    expect(resolve(calls, evaluate, { primary: "accuracy_attr_types" }).guards).toEqual([]);
  });

  it("leaves what is named as it is", () => {
    const guards = [{ metric: "accuracy", margin: 0.1, on: "test" }];
    expect(resolve(labels, { metrics: ["classification"] }, { guards }).guards).toEqual(guards);
  });

  it("refuses to choose without answers", () => {
    expect(() => resolve([])).toThrow("there are no expected answers to choose by");
  });
});
