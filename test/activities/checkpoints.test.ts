import { beforeEach, describe, expect, it } from "vitest";
import { withCheckpoint } from "../../activities/arms.ts";
import { createCheckpointActivities } from "../../activities/checkpoints.ts";
import { createEvaluationActivities, evaluationKey } from "../../activities/evaluations.ts";
import type { CheckpointsToChoose } from "../../activities/comparison-interfaces.ts";
import { createMetricCatalog } from "../../src/adapters/metrics/catalog.ts";
import { objectKeys } from "../../src/domain/object-keys.ts";
import type { EvaluateModelInput } from "../../src/domain/workflow-input-schema.ts";
import { expectFailure, inActivity } from "../support/activity.ts";
import { anEvaluateModelInput } from "../support/builders.ts";
import { aBatch, commit, readManifest } from "../support/datasets.ts";
import {
  aChat,
  aServed,
  aService,
  aSourceItem,
  FakeCompute,
  fakeEndpoint,
  fakeRecipes,
  fakeWorkflows,
} from "../support/fake-ports.ts";
import { MemoryObjectStore } from "../support/memory-store.ts";

const metrics = createMetricCatalog([]);
const choiceKey = objectKeys.checkpointChoice("games", "games-2");
let store: MemoryObjectStore;
beforeEach(() => {
  store = new MemoryObjectStore();
});

const activities = () => createCheckpointActivities({ store, metrics });
const items = (count: number) =>
  Array.from({ length: count }, (_, index) => aSourceItem(`a.jsonl#${index + 1}`, aChat(`question ${index}`)));

describe("validationSet", () => {
  it("is the validation split of the version, by content", async () => {
    await commit(store, [(await aBatch(store, items(100), { split: { valid: 0.4, test: 0.1 } })).batch]);
    const set = await inActivity(() => activities().validationSet({ pipeline: "games", version: 1 }));
    expect(set?.records).toBe(readManifest(store, 1).records.valid);
    expect(set?.key).toBe(objectKeys.testSet("games", set?.sha256 ?? ""));
    const lines = store
      .text(set?.key ?? "")
      .trimEnd()
      .split("\n");
    expect(lines).toHaveLength(set?.records ?? 0);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ set: "test", expected: expect.stringMatching(/^answer to /) });
    expect(await inActivity(() => activities().validationSet({ pipeline: "games", version: 1 }))).toEqual(set);
  });

  it("is none, and nothing is written, where the split is too small to choose by", async () => {
    await commit(store, [(await aBatch(store, items(100), { split: { valid: 0.05, test: 0.1 } })).batch]);
    const before = new Map(store.objects);
    expect(await inActivity(() => activities().validationSet({ pipeline: "games", version: 1 }))).toBeNull();
    expect(store.objects).toEqual(before);
  });
});

describe("chooseCheckpoint", () => {
  const request: CheckpointsToChoose = {
    pipeline: "games",
    model: "games-2",
    metric: "accuracy",
    metrics: [{ pack: "classification", options: {} }],
    prices: null,
    candidates: [
      { checkpoint: "step-4", value: 0.8, evaluation: "a" },
      { checkpoint: "step-8", value: 0.9, evaluation: "b" },
      { checkpoint: "final", value: 0.7, evaluation: "c" },
    ],
  };
  const choose = (change: Partial<CheckpointsToChoose> = {}) =>
    inActivity(() => activities().chooseCheckpoint({ ...request, ...change }));

  it("picks the best and writes down all it was picked from", async () => {
    const { candidates } = request;
    const choice = { format: 1, checkpoint: "step-8", metric: "accuracy", candidates };
    expect(await choose()).toEqual(choice);
    expect(JSON.parse(store.text(choiceKey))).toEqual(choice);
  });

  it("stays with what was written first", async () => {
    const first = await choose();
    expect(await choose({ candidates: [{ checkpoint: "final", value: 1, evaluation: "c" }] })).toEqual(first);
    expect(JSON.parse(store.text(choiceKey))).toEqual(first);
  });

  it("takes the least of a metric of which less is better", async () => {
    const metric = "latency_ms";
    expect(await choose({ metric, metrics: [{ pack: "latency", options: {} }] })).toMatchObject({
      checkpoint: "final",
    });
  });

  it.each([
    ["of which neither more nor less is better", "answer_tokens", "length"],
    ["that no pack has", "elegance", "classification"],
  ])("takes the final model by a metric %s", async (_, metric, pack) => {
    const candidates = [
      { checkpoint: "step-4", value: 5, evaluation: "a" },
      { checkpoint: "final", value: 4, evaluation: "b" },
    ];
    expect(await choose({ metric, metrics: [{ pack, options: {} }], candidates })).toMatchObject({
      checkpoint: "final",
    });
  });
});

describe("withCheckpoint", () => {
  const resolve = (request: EvaluateModelInput) => inActivity(() => withCheckpoint({ store }, request));
  const input = anEvaluateModelInput({ pipeline: "games", model: "games-2" });
  const choice = {
    format: 1,
    checkpoint: "step-8",
    metric: "m",
    candidates: [{ checkpoint: "step-8", value: 1, evaluation: "a" }],
  };

  it("leaves a version without a choice as it is", async () => {
    expect(await resolve(input)).toEqual(input);
  });

  it("names the chosen one, whose answers are others' by their key", async () => {
    store.write(choiceKey, JSON.stringify(choice));
    const resolved = await resolve(input);
    expect(resolved).toEqual({ ...input, checkpoint: "step-8" });
    expect(evaluationKey(resolved)).not.toBe(evaluationKey(input));
    expect(evaluationKey(resolved)).toBe(evaluationKey({ ...input, checkpoint: "step-8" }));
  });

  it("asks the one that is named, whatever was chosen", async () => {
    store.write(choiceKey, JSON.stringify(choice));
    expect(await resolve({ ...input, checkpoint: "final" })).toMatchObject({ checkpoint: "final" });
  });

  it("fails on a choice that cannot be read", async () => {
    store.write(choiceKey, "{}");
    expect(await expectFailure(() => withCheckpoint({ store }, input), "InvalidData")).toContain(
      "choice.json: format: ",
    );
  });

  it("reaches the service by the name of the checkpoint", async () => {
    await commit(store, [(await aBatch(store, items(100), { split: { valid: 0.4, test: 0.1 } })).batch]);
    const testSet = await inActivity(() => activities().validationSet({ pipeline: "games", version: 1 }));
    store.write(choiceKey, JSON.stringify(choice));
    const compute = new FakeCompute();
    compute.service = aService({ primary: aServed("games-2") });
    const endpoint = fakeEndpoint(() => "yes");
    const ports = {
      store,
      compute,
      recipes: fakeRecipes,
      endpoint,
      metrics,
      workflows: fakeWorkflows(),
      secret: () => "",
    };
    const asking = createEvaluationActivities(ports);
    const request = { ...input, testSet: testSet ?? input.testSet };
    const asked = await inActivity(() => asking.askQuestions(request));
    expect(asked).toMatchObject({ failed: 0, records: testSet?.records });
    expect(new Set(endpoint.asked.map(({ model }) => model))).toEqual(new Set(["games-2@step-8"]));
  });
});
