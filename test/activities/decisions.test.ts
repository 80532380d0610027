import { beforeEach, describe, expect, it } from "vitest";
import { createDecisionActivities } from "../../activities/decisions.ts";
import { createMetricCatalog } from "../../src/adapters/metrics/catalog.ts";
import { decideSchema } from "../../src/domain/decide-schema.ts";
import { decisionRecordSchema, type DecisionRecord } from "../../src/domain/decision-record-schema.ts";
import { evaluateSchema } from "../../src/domain/evaluate-schema.ts";
import { objectKeys } from "../../src/domain/object-keys.ts";
import { verifyDecision } from "../../src/decision/verify.ts";
import { expectFailure, inActivity } from "../support/activity.ts";
import { decide, right, rightOn, storeAsked, wrong, type AskedCycle } from "../support/decisions.ts";
import { sha256 } from "../support/fake-ports.ts";
import { MemoryObjectStore } from "../support/memory-store.ts";

const metrics = createMetricCatalog([]);
let store: MemoryObjectStore;
beforeEach(() => {
  store = new MemoryObjectStore();
});

const recordOf = (cycle = "games-2"): DecisionRecord =>
  decisionRecordSchema.parse(JSON.parse(store.text(objectKeys.decision(cycle))));
const decideAsked = async (asked: AskedCycle) => decide(store, await storeAsked(store, asked));
const differencesOf = async (cycle = "games-2") => (await verifyDecision({ store, metrics }, cycle)).differences;

describe("decideCycle", () => {
  it("decides by the stored answers and writes down everything that it rests on, with hashes", async () => {
    const request = await storeAsked(store, { champion: rightOn(240), challenger: rightOn(360) });
    const decided = await decide(store, request);
    expect(decided).toMatchObject({ outcome: "promote", key: "decisions/games-2.json" });
    expect(decided.sha256).toBe(sha256(store.text(decided.key)));
    const record = recordOf();
    expect(record).toMatchObject({
      cycle: "games-2",
      pipeline: "games",
      code: { version: "1.2.3", commit: "ab".repeat(20) },
      testSet: request.testSet,
      packs: [{ pack: "functional-representation", options: {} }],
      policy: request.policy,
      judgements: [],
      judgeFailure: null,
      decision: { outcome: "promote" },
    });
    const primary = record.comparisons.find(({ metric }) => metric === "accuracy_output_fn");
    expect(primary).toMatchObject({ subset: "test", championRight: 240, challengerRight: 360, gained: 120, lost: 0 });
    const [challenger, champion] = record.arms;
    expect(challenger).toMatchObject({ name: "challenger", model: "games-2", answers: { asked: 400, failed: 0 } });
    expect(champion).toMatchObject({ name: "champion", model: "games-1", failure: null });
    expect(champion?.predictions).toHaveLength(2);
    const named = [
      record.vocabulary,
      ...record.arms.flatMap(({ manifest, predictions }) => [manifest, ...predictions]),
    ];
    for (const object of named) expect(object?.sha256).toBe(sha256(store.text(object?.key ?? "")));
  });

  it("answers what it decided before when it is repeated, also when the answers are gone", async () => {
    const request = await storeAsked(store, { challenger: rightOn(400) });
    const first = await decide(store, request);
    const record = store.text(first.key);
    store.objects.delete(objectKeys.predictions(request.arms[0]?.evaluation?.key ?? "", 0));
    expect(await decide(store, request)).toEqual(first);
    expect(store.text(first.key)).toBe(record);
  });

  it("answers what a rival wrote who was quicker, and writes over nothing", async () => {
    const request = await storeAsked(store, { champion: rightOn(240), challenger: rightOn(360) });
    const mine = store;
    store = new MemoryObjectStore();
    for (const [key, { body }] of mine.objects) store.write(key, body);
    const { key } = await decide(store, request);
    const rival = store.text(key);
    mine.hook = ({ method, key: put, when }) => {
      if (method === "put" && put === key && when === "before") mine.write(key, rival);
    };
    expect(await decide(mine, request)).toMatchObject({ sha256: sha256(rival) });
    expect(mine.text(key)).toBe(rival);
  });

  it("has its own answer when the answer to its write is lost", async () => {
    const request = await storeAsked(store, { challenger: rightOn(400) });
    let lost = 0;
    store.hook = ({ method, key, when }) => {
      if (method === "put" && key === "decisions/games-2.json" && when === "after" && lost++ === 0) {
        throw new Error("socket hang up");
      }
    };
    await expect(decide(store, request)).rejects.toThrow("socket hang up");
    const record = store.text("decisions/games-2.json");
    expect(await decide(store, request)).toMatchObject({ outcome: "promote", sha256: sha256(record) });
  });

  it("refuses to answer with a decision that was made of something else, and keeps that", async () => {
    const request = await storeAsked(store, { challenger: rightOn(400) });
    const { key } = await decide(store, request);
    const record = store.text(key);
    const others = [
      await storeAsked(store, { champion: rightOn(10), challenger: rightOn(400) }),
      await storeAsked(store, { challenger: rightOn(399) }),
      await storeAsked(store, { records: 401, challenger: rightOn(400) }),
      { ...request, policy: { ...request.policy, floor: 0.99 } },
      { ...request, metrics: [{ pack: "exact-match", options: {} }] },
    ];
    for (const other of others) {
      expect(await expectFailure(() => decide(store, other), "InvalidInput")).toBe(
        "decisions/games-2.json was decided from other answers or by another policy: raise repeat",
      );
    }
    expect(store.text(key)).toBe(record);
  });

  it("refuses models that were asked other questions than the cycle's", async () => {
    const request = await storeAsked(store, { champion: rightOn(400), challenger: rightOn(400) });
    const other = await storeAsked(store, { records: 40, champion: rightOn(40) });
    const arms = [...request.arms.slice(0, 1), ...other.arms];
    await expectFailure(() => decide(store, { ...request, arms }), "InvalidData");
    expect(store.objects.has("decisions/games-2.json")).toBe(false);
  });

  it.each([
    ["champion", { champion: rightOn(0), challenger: rightOn(400) }],
    ["challenger", { champion: rightOn(400), challenger: rightOn(0) }],
  ] as const)("changes nothing and says why when the %s could not be asked", async (name, models) => {
    const request = await storeAsked(store, models);
    const failure = `ServiceFailed: ${name} is not up`;
    const arms = request.arms.map((arm) => (arm.name === name ? { ...arm, evaluation: null, failure } : arm));
    const decided = await decide(store, { ...request, arms });
    expect(decided.outcome).toBe("inconclusive");
    expect(decided.reasons[0]).toBe(
      `The ${name} ${name === "champion" ? "games-1" : "games-2"} could not be asked: ServiceFailed: ${name} is not up.`,
    );
    expect(decided.reasons[1]).toContain(`The ${name} gave no answer to 400 of 400 questions`);
    expect(recordOf().arms.find((arm) => arm.name === name)).toMatchObject({ failure, predictions: [] });
    expect(await differencesOf()).toEqual([]);
  });

  it("keeps the champion when it could not be asked and the policy says so", async () => {
    const request = await storeAsked(store, { champion: rightOn(0), challenger: rightOn(400) });
    const arms = request.arms.map((arm) =>
      arm.name === "champion" ? { ...arm, evaluation: null, failure: "down" } : arm,
    );
    const policy = { ...request.policy, unanswered: { maxRatio: 0.05, outcome: "keep" as const } };
    expect(await decide(store, { ...request, arms, policy })).toMatchObject({ outcome: "keep" });
  });

  it("asks a base model's answers nothing, but names them", async () => {
    const request = await storeAsked(store, { champion: rightOn(240), challenger: rightOn(360) });
    const { evaluation = null } = request.arms[0] ?? {};
    const base = { name: "base" as const, model: "llama", evaluation, failure: null };
    const down = { name: "base-few-shot" as const, model: "llama", evaluation: null, failure: "refused" };
    expect(await decide(store, { ...request, arms: [...request.arms, base, down] })).toMatchObject({
      outcome: "promote",
    });
    expect(recordOf().arms.map(({ name, manifest }) => [name, manifest === null])).toEqual([
      ["challenger", false],
      ["champion", false],
      ["base", true],
      ["base-few-shot", true],
    ]);
  });

  it("says why a judge could not be asked, before what that leads to", async () => {
    const judging = { judged: [], failure: "Unavailable: no reply" };
    const decided = await decideAsked({ challenger: rightOn(400), overrides: { judging } });
    expect(decided.reasons[0]).toBe("The judge could not be asked: Unavailable: no reply.");
    expect(await differencesOf()).toEqual([]);
  });

  it("is told from one whose record has a comparison twice, of which the first would be read", async () => {
    await decideAsked({ champion: rightOn(240), challenger: rightOn(360) });
    const record = recordOf();
    const [first] = record.comparisons;
    store.write("decisions/games-2.json", JSON.stringify({ ...record, comparisons: [first, ...record.comparisons] }));
    expect(await differencesOf()).toEqual([
      expect.objectContaining({ at: expect.stringMatching(/^comparisons: failed_api_responses on test, again at 2/) }),
    ]);
  });

  it("counts what judges were asked from their replies, and so does whoever verifies it", async () => {
    const request = await storeAsked(store, { champion: rightOn(240), challenger: rightOn(360) });
    const evaluation = request.arms[0]?.evaluation?.key ?? "";
    const hash = "a".repeat(64);
    const readable = JSON.stringify({ reason: "fine", score: 5, token: hash.slice(0, 32) });
    const lines = [readable, "fine", null].map((reply, index) => {
      const said = { id: `r${index}`, order: "alone", hash, reply, error: reply === null ? "timeout" : null };
      return `${JSON.stringify({ ...said, promptTokens: null, completionTokens: null })}\n`;
    });
    store.write(objectKeys.judgements(evaluation, "b".repeat(16), 0), lines.join(""));
    // As it was told before one more reply came.
    const judged = [{ judge: "b".repeat(16), evaluation, against: null, shards: 1, asked: 3, failed: 3 }];
    await decide(store, { ...request, judging: { judged, failure: null } });
    const record = recordOf();
    expect(record.judgements).toMatchObject([{ asked: 3, failed: 2, shards: 1 }]);
    expect(await differencesOf()).toEqual([]);
    const judgements = record.judgements.map((one) => ({ ...one, asked: 300, failed: 1, shards: 2 }));
    store.write("decisions/games-2.json", JSON.stringify({ ...record, judgements }));
    expect(await differencesOf()).toEqual([
      { at: "judgements: 1: shards", recorded: "2", found: "1" },
      { at: "judgements: 1: asked", recorded: "300", found: "3" },
      { at: "judgements: 1: failed", recorded: "1", found: "2" },
    ]);
  });

  it("names the checkpoint that answers, by what number and among how many, and so does whoever verifies it", async () => {
    const request = await storeAsked(store, { champion: rightOn(240), challenger: rightOn(360) });
    const files = [{ key: "adapter", sha256: "a".repeat(64), bytes: 1 }];
    const trained = { recipe: "embedded", baseModel: null, dataset: "games@2", task: "frames", trainedRecords: 9 };
    const model = { format: 1, model: "games", version: "games-2", ...trained, files, trainSeconds: 1, loss: [] };
    const checkpoints = [{ name: "early", step: 4, files }];
    store.write(objectKeys.modelManifest("games", "games-2"), JSON.stringify({ ...model, checkpoints }));
    const candidates = [
      { checkpoint: "early", value: 0.9, evaluation: "a" },
      { checkpoint: "final", value: 0.7, evaluation: "b" },
    ];
    const choice = { format: 1, checkpoint: "early", metric: "accuracy_output_fn", candidates };
    const key = objectKeys.checkpointChoice("games", "games-2");
    store.write(key, JSON.stringify(choice));
    await decide(store, request);
    const record = recordOf();
    const chosen = { name: "early", step: 4, metric: "accuracy_output_fn", value: 0.9, candidates: 2 };
    expect(record.arms.map(({ checkpoint }) => checkpoint)).toEqual([
      { key, sha256: sha256(store.text(key)), chosen },
      null,
    ]);
    expect(await differencesOf()).toEqual([]);
    store.write(
      "decisions/games-2.json",
      JSON.stringify(record).replace('"value":0.9,"candidates":2', '"value":0.95,"candidates":9'),
    );
    expect(await differencesOf()).toEqual([
      { at: "answers: challenger: checkpoint: value", recorded: "0.95", found: "0.9" },
      { at: "answers: challenger: checkpoint: candidates", recorded: "9", found: "2" },
    ]);
  });

  it("keeps a copy of answers that a later cycle may change, so that it can still be made again", async () => {
    const silent = (index: number) => (index % 50 === 0 ? null : right);
    const request = await storeAsked(store, { champion: silent, challenger: rightOn(400) });
    await decide(store, request);
    const key = objectKeys.predictions(request.arms[1]?.evaluation?.key ?? "", 0);
    store.write(key, store.text(key).replaceAll('"answer":null', `"answer":"${wrong}"`));
    expect(await differencesOf()).toEqual([]);
    expect(recordOf().arms[1]?.predictions.map((object) => object.key)).not.toContain(key);
  });

  it("writes no decision when a part of the answers is missing", async () => {
    const request = await storeAsked(store, { champion: rightOn(240), challenger: rightOn(360) });
    store.objects.delete(objectKeys.predictions(request.arms[1]?.evaluation?.key ?? "", 1));
    await expectFailure(() => decide(store, request), "NotFound");
    expect(store.objects.has("decisions/games-2.json")).toBe(false);
  });

  it("writes no decision when there are fewer answers than there were", async () => {
    const request = await storeAsked(store, { champion: rightOn(240), challenger: rightOn(360) });
    const key = objectKeys.predictions(request.arms[1]?.evaluation?.key ?? "", 0);
    const [, ...others] = store.text(key).split("\n");
    store.write(key, others.join("\n"));
    const said = await expectFailure(() => decide(store, request), "InvalidData");
    expect(said).toContain("games-1 has 399 stored answers, and 400 were asked for");
    expect(store.objects.has("decisions/games-2.json")).toBe(false);
  });
});

describe("settleChoices", () => {
  const settle = async (definition: { evaluate?: object; decide?: object }, expected = right) => {
    const { testSet } = await storeAsked(store, { challenger: () => right });
    const body = store.text(testSet.key).replaceAll(right, expected);
    const key = objectKeys.testSet("games", sha256(body));
    store.write(key, body);
    const evaluate = evaluateSchema.parse(definition.evaluate ?? {});
    const request = { testSet: { ...testSet, key, sha256: sha256(body) }, evaluate };
    const code = { version: "1.2.3", commit: null };
    return inActivity(() =>
      createDecisionActivities({ store, metrics, code }).settleChoices({
        ...request,
        decide: decideSchema.parse(definition.decide ?? {}),
      }),
    );
  };

  it("takes the pack and the policy that fit the expected answers", async () => {
    expect(await settle({})).toMatchObject({
      metrics: [{ pack: "functional-representation", options: {} }],
      policy: { primary: "accuracy_output_fn", guards: [{ metric: "accuracy_attr_types", margin: 0.02, on: "test" }] },
      judges: [],
    });
    expect(await settle({}, "happy")).toMatchObject({ metrics: [{ pack: "classification" }] });
  });

  it("takes what the definition names, and says whose metrics a judge gives", async () => {
    const judge = { pack: "llm-judge", options: { endpoint: { url: "http://127.0.0.1:9", model: "judge" } } };
    const settled = await settle({ evaluate: { metrics: ["exact-match", judge] }, decide: { primary: "judge_score" } });
    expect(settled).toMatchObject({ policy: { primary: "judge_score" }, judges: [judge] });
  });

  it("refuses a metric that no pack has, and names the field", async () => {
    const message = await expectFailure(() => settle({ decide: { primary: "accuracy_output_fun" } }), "InvalidInput");
    expect(message).toContain("decide.primary");
  });
});
