import { setTimeout } from "node:timers/promises";
import { beforeEach, describe, expect, it } from "vitest";
import { evaluationKey } from "../../activities/evaluations.ts";
import { evaluateSchema } from "../../src/domain/evaluate-schema.ts";
import type { TestSet } from "../../src/domain/evaluation-schema.ts";
import { TypedFailure } from "../../src/domain/failures.ts";
import { objectKeys } from "../../src/domain/object-keys.ts";
import type { EvaluateModelInput } from "../../src/domain/workflow-input-schema.ts";
import { activityEnvironment, expectFailure, failureOf, inActivity } from "../support/activity.ts";
import { aPrediction, aTestRecord } from "../support/builders.ts";
import { until } from "../support/emulator.ts";
import {
  anEvaluation,
  evaluationActivities,
  freeze,
  questions,
  servingCompute,
  storedPredictions,
  vocabularyKey,
} from "../support/evaluations.ts";
import { aService, fakeEndpoint, type FakeCompute, type Question } from "../support/fake-ports.ts";
import { MemoryObjectStore } from "../support/memory-store.ts";

let store: MemoryObjectStore;
let compute: FakeCompute;
beforeEach(() => {
  store = new MemoryObjectStore();
  store.write(vocabularyKey, JSON.stringify({ functions: ["inform"], attributeTypes: ["name"] }));
  compute = servingCompute();
});
const textOf = ({ messages }: Question): string => messages.at(-1)?.content ?? "";
const right = (question: Question): string => `answer to ${textOf(question)}`;
const over = (answer: (question: Question) => string | Promise<string>) => {
  const endpoint = fakeEndpoint(answer);
  return { endpoint, activities: evaluationActivities({ store, endpoint, compute }) };
};
const asked = (endpoint: ReturnType<typeof fakeEndpoint>): string[] => endpoint.asked.map(textOf).toSorted();

describe("evaluationKey", () => {
  const testSet: TestSet = { key: "k", sha256: "s", records: 50 };
  const request = anEvaluation(testSet);
  const evaluating = (evaluate: Partial<EvaluateModelInput["evaluate"]>) => anEvaluation(testSet, { evaluate });
  const endpoint = { url: "https://models.example", model: "base" };

  it.each([
    ["another number of questions at a time", evaluating({ concurrency: 3, requestsPerSecond: 1 })],
    ["other metrics", evaluating({ metrics: "auto", slices: ["source"] })],
    ["other training data", { ...request, vocabulary: "another" }],
    ["a sample that is the whole", evaluating({ sampleSize: 50, seed: 7 })],
  ])("is the same for %s", (_, other) => {
    expect(evaluationKey(other)).toBe(evaluationKey(request));
  });

  it("is another for whatever an answer depends on", () => {
    const others = [
      request,
      { ...request, model: "games-3" },
      { ...request, checkpoint: "step-6" },
      { ...request, testSet: { ...testSet, sha256: "t" } },
      { ...request, examples: { key: "e", sha256: "e", count: 2 } },
      { ...request, endpoint },
      { ...request, endpoint: { ...endpoint, model: "other" } },
      evaluating({ temperature: 0.5 }),
      evaluating({ maxTokens: 100 }),
      evaluating({ sampleSize: 20 }),
      evaluating({ sampleSize: 20, seed: 7 }),
    ];
    expect(new Set(others.map(evaluationKey)).size).toBe(others.length);
  });
});

describe("askQuestions", () => {
  it("asks each question once, keeps the answers in order, and asks nothing the second time", async () => {
    const request = anEvaluation(await freeze(store, questions(501)));
    const { activities, endpoint } = over(right);
    const found = await inActivity(() => activities.askQuestions(request));
    expect(found).toEqual({ key: evaluationKey(request), shards: 3, records: 501, failed: 0 });
    expect(new Set(asked(endpoint)).size).toBe(501);
    const predictions = await storedPredictions(store, found);
    expect(predictions.map(({ id }) => id)).toEqual(questions(501).map(({ id }) => id));
    expect(predictions[7]).toMatchObject({ answer: "answer to q7", promptTokens: 12, completionTokens: 3 });
    expect(await inActivity(() => activities.askQuestions(request))).toEqual(found);
    expect(endpoint.asked).toHaveLength(501);
  });

  it("asks the very version of the service, by the token of the service, as the definition says", async () => {
    const evaluate = { temperature: 0.3, maxTokens: 50, timeoutSeconds: 7 };
    const request = anEvaluation(await freeze(store, questions(20)), { evaluate });
    const { activities, endpoint } = over(right);
    await inActivity(() => activities.askQuestions(request));
    expect(endpoint.asked[0]).toMatchObject({
      baseUrl: "http://games.test",
      token: "token",
      serviceVersion: "games-2",
      model: "games-2",
      temperature: 0.3,
      maxTokens: 50,
      timeoutMs: 7000,
    });
  });

  it("asks an endpoint by its own address and the secret that it names", async () => {
    const endpoint = { url: "https://models.example", model: "qwen", tokenSecret: "QWEN_TOKEN" };
    const request = anEvaluation(await freeze(store, questions(20)), { model: "base", endpoint });
    const ports = over(right);
    await inActivity(() => ports.activities.askQuestions(request));
    expect(ports.endpoint.asked[0]).toMatchObject({
      baseUrl: "https://models.example",
      token: "secret-of-QWEN_TOKEN",
      serviceVersion: null,
      model: "qwen",
    });
  });

  it("shows examples between the question's own instructions and the question", async () => {
    const system = { role: "system" as const, content: "be brief" };
    const [record = aTestRecord("r")] = questions(1, { question: [system, { role: "user", content: "q" }] });
    const testSet = await freeze(store, [record]);
    const example = { id: "e", question: [system, { role: "user", content: "2 + 2?" }], answer: "4" };
    store.write("examples.json", JSON.stringify([example]));
    const examples = { key: "examples.json", sha256: "e", count: 1 };
    const { activities, endpoint } = over(right);
    await inActivity(() => activities.askQuestions(anEvaluation(testSet, { examples })));
    expect(endpoint.asked[0]?.messages).toEqual([
      system,
      { role: "user", content: "2 + 2?" },
      { role: "assistant", content: "4" },
      { role: "user", content: "q" },
    ]);
  });

  it("draws the same sample each time, as many of the test set as of the old skills in it", async () => {
    const old = questions(100).map((record) => ({ ...record, id: `old ${record.id}`, set: "retention" as const }));
    const testSet = await freeze(store, [...questions(100), ...old]);
    const draw = async (seed: number): Promise<string[]> => {
      store.objects.delete(objectKeys.predictions(evaluationKey(of(seed)), 0));
      const { activities } = over(right);
      const found = await inActivity(() => activities.askQuestions(of(seed)));
      expect(found).toMatchObject({ records: 60, shards: 1 });
      return (await storedPredictions(store, found)).map(({ id }) => id);
    };
    const of = (seed: number) => anEvaluation(testSet, { evaluate: { sampleSize: 30, seed } });
    const first = await draw(1);
    expect(first.filter((id) => id.startsWith("old"))).toHaveLength(30);
    expect(await draw(1)).toEqual(first);
    expect(await draw(2)).not.toEqual(first);
  });

  it.each([
    ["there is no service", null, "pipeline-games is not up: there is nobody to ask"],
    ["the service is terminated", aService({ state: "terminated" }), "pipeline-games is not up"],
    [
      "the service has no address yet",
      aService({ primary: null, url: null }),
      "games-2 is not up: pipeline-games serves",
    ],
    ["another version serves", aService(), "games-2 is not up: pipeline-games serves games-1; bring it up by"],
  ])("fails at once, as ServiceFailed, when %s", async (_, service, message) => {
    compute.service = service;
    const request = anEvaluation(await freeze(store, questions(20)));
    const { activities, endpoint } = over(right);
    const failure = await failureOf(() => activities.askQuestions(request));
    expect(failure).toMatchObject({ type: "ServiceFailed", nonRetryable: true });
    expect(failure.message).toContain(message);
    expect(endpoint.asked).toEqual([]);
  });

  it("stores what was answered and asks nothing more when it is cancelled", async () => {
    const request = anEvaluation(await freeze(store, questions(50)), { evaluate: { concurrency: 2 } });
    const environment = activityEnvironment();
    const { activities, endpoint } = over((question) => {
      if (endpoint.asked.length > 10) environment.cancel();
      return right(question);
    });
    await expect(environment.run(() => activities.askQuestions(request))).rejects.toThrow();
    const asked = endpoint.asked.length;
    expect(asked).toBeLessThanOrEqual(13);
    const later = over(right);
    await inActivity(() => later.activities.askQuestions(request));
    expect(later.endpoint.asked.length).toBeLessThanOrEqual(50 - asked + 4);
  });

  it("fails before it asks when the frozen test set is gone, damaged, or has a line that is no question", async () => {
    const request = anEvaluation(await freeze(store, questions(20)));
    const { activities, endpoint } = over(right);
    const text = store.text(request.testSet.key);
    store.write(request.testSet.key, `${text} `);
    await expectFailure(() => activities.askQuestions(request), "CorruptObject");
    store.objects.delete(request.testSet.key);
    await expectFailure(() => activities.askQuestions(request), "NotFound");
    const wrong = questions(3);
    const testSet = await freeze(store, [...wrong, { ...wrong[0], expected: 7 } as never]);
    const message = await expectFailure(() => activities.askQuestions(anEvaluation(testSet)), "InvalidData");
    expect(message).toContain(`${testSet.key}#4: expected`);
    const fewer = anEvaluation({ ...(await freeze(store, questions(21))), records: 20 });
    expect(await expectFailure(() => activities.askQuestions(fewer), "InvalidInput")).toContain("has 21, not 20");
    expect(endpoint.asked).toEqual([]);
  });

  it("names a stored line that is no prediction by its number, and says nothing of what it says", async () => {
    const request = anEvaluation(await freeze(store, questions(20)));
    const key = objectKeys.predictions(evaluationKey(request), 0);
    store.write(key, `${JSON.stringify(aPrediction("r0"))}\n{"id":"a secret"}\n`);
    const message = await expectFailure(() => over(right).activities.askQuestions(request), "InvalidData");
    expect(message).toMatch(new RegExp(`^${key}#2: `));
    expect(message).not.toContain("secret");
  });

  it("goes on after a write whose answer was lost", async () => {
    const request = anEvaluation(await freeze(store, questions(20)), { evaluate: { concurrency: 4 } });
    const { activities, endpoint } = over(right);
    let losses = 0;
    store.hook = ({ method, key, when }) => {
      if (method !== "put" || when !== "after" || !key.startsWith("evaluations/") || losses++ > 0) return;
      throw new TypedFailure("Unavailable", "the connection broke");
    };
    const found = await inActivity(() => activities.askQuestions(request));
    expect(losses).toBeGreaterThan(1);
    expect(await storedPredictions(store, found)).toHaveLength(20);
    expect(endpoint.asked).toHaveLength(20);
  });

  it("takes a storage that is down for nobody's silence, however often it was tried", async () => {
    const request = anEvaluation(await freeze(store, questions(20)));
    store.hook = ({ key }) => {
      if (key === request.testSet.key) throw new TypedFailure("Unavailable", "the storage is down");
    };
    await expectFailure(() => over(right).activities.askQuestions(request), "Unavailable", { attempt: 7 });
  });

  it("gives way to another worker that writes the same, and then takes over what that one has stored", async () => {
    const request = anEvaluation(await freeze(store, questions(20)));
    const { activities } = over(right);
    store.hook = ({ method, key, when }) => {
      if (method !== "put" || when !== "before" || !key.startsWith("evaluations/")) return;
      store.hook = () => {};
      store.write(key, `${JSON.stringify(aPrediction("r0", { answer: "of another worker" }))}\n`);
    };
    await expectFailure(() => activities.askQuestions(request), "Conflict");
    const [first] = await storedPredictions(store, await inActivity(() => activities.askQuestions(request)));
    expect(first?.answer).toBe("of another worker");
  });

  it("asks no further ahead of the storage than one answer of each lane", async () => {
    const request = anEvaluation(await freeze(store, questions(50)), { evaluate: { concurrency: 4 } });
    const { activities, endpoint } = over(right);
    const stuck = Promise.withResolvers<void>();
    store.hook = async ({ method, key, when }) => {
      if (method === "put" && when === "before" && key.startsWith("evaluations/")) await stuck.promise;
    };
    const asking = inActivity(() => activities.askQuestions(request));
    await until("all lanes to wait", () => endpoint.asked.length === 8);
    await setTimeout(50);
    expect(endpoint.asked).toHaveLength(8);
    stuck.resolve();
    expect((await asking).failed).toBe(0);
  });

  it("heartbeats how far it is", async () => {
    const request = anEvaluation(await freeze(store, questions(20)));
    const environment = activityEnvironment();
    const beats: unknown[] = [];
    environment.on("heartbeat", (details) => beats.push(details));
    await environment.run(() => over(right).activities.askQuestions(request));
    expect(beats[0]).toEqual({ records: 20, answered: 0, failed: 0, perSecond: null, lastFailure: null });
  });
});

describe("scoreEvaluation", () => {
  const evaluate = async (request: EvaluateModelInput, answer: (question: Question) => string) => {
    const { activities } = over(answer);
    return inActivity(async () => {
      const asked = await activities.askQuestions(request);
      return activities.scoreEvaluation({ ...request, asked });
    });
  };

  it("scores all shards by the packs that are chosen, without the old skills", async () => {
    const old = questions(40).map((record) => ({ ...record, id: `old ${record.id}`, set: "retention" as const }));
    const request = anEvaluation(await freeze(store, [...questions(260), ...old]));
    const found = await evaluate(request, (question) =>
      Number(textOf(question).slice(1)) < 130 ? right(question) : "wrong",
    );
    expect(found).toMatchObject({ model: "games-2", shards: 2, records: 300, failed: 0 });
    expect(found.metrics).toMatchObject({ exact_match: 0.5 });
  });

  it("counts a question without an answer as a decision does: right on half and silent on half is half right", async () => {
    const request = anEvaluation(await freeze(store, questions(40)));
    const found = await evaluate(request, (question) => {
      if (Number(textOf(question).slice(1)) < 20) return right(question);
      throw new TypedFailure("InvalidData", "the model's answer is empty");
    });
    expect(found).toMatchObject({ failed: 20, metrics: { exact_match: 0.5, failed_api_responses: 0.5 } });
  });

  it("takes the pack that fits the expected answers where none is named", async () => {
    const testSet = await freeze(store, questions(20, { expected: "inform(name[x])" }));
    const request = anEvaluation(testSet, { evaluate: evaluateSchema.parse({}) });
    const found = await evaluate(request, () => "inform(name[x])");
    expect(found.metrics).toMatchObject({ accuracy_output_fn: 1 });
  });

  it("fails as NotFound when a shard is missing", async () => {
    const request = anEvaluation(await freeze(store, questions(260)));
    const { activities } = over(right);
    const found = await inActivity(() => activities.askQuestions(request));
    store.objects.delete(objectKeys.predictions(found.key, 1));
    const score = () => activities.scoreEvaluation({ ...request, asked: found });
    expect(await expectFailure(score, "NotFound")).toContain("shard 1");
  });
});
