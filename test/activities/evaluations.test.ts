import { inspect } from "node:util";
import { beforeEach, describe, expect, it } from "vitest";
import { createEvaluationActivities } from "../../activities/evaluations.ts";
import type { Evaluation, TestSet } from "../../src/domain/evaluation-schema.ts";
import { objectKeys } from "../../src/domain/object-keys.ts";
import { evaluateSchema } from "../../src/domain/evaluate-schema.ts";
import type { EvaluateModelInput } from "../../src/domain/workflow-input-schema.ts";
import { activityEnvironment, expectFailure, failureOf, inActivity } from "../support/activity.ts";
import { aService, FakeCompute, fakeEndpoint, fakeRecipes, sha256, type Question } from "../support/fake-ports.ts";
import { aPrediction, aTestRecord } from "../support/builders.ts";
import { MemoryObjectStore } from "../support/memory-store.ts";

const vocabulary = "datasets/games/vocabularies/000001.json";
const right = "inform(name[Portal])";
const wrong = "request(name[Portal])";
let store: MemoryObjectStore;
let compute: FakeCompute;
beforeEach(() => {
  store = new MemoryObjectStore();
  store.write(vocabulary, JSON.stringify({ functions: ["inform", "request"], attributeTypes: ["name"] }));
  compute = new FakeCompute();
  compute.service = aService();
});

function aTestSet(records: number): TestSet {
  const lines = Array.from({ length: records }, (_, index) =>
    JSON.stringify(aTestRecord(`r${index}`, { question: [{ role: "user", content: `q${index}` }], expected: right })),
  );
  const body = `${lines.join("\n")}\n`;
  const key = objectKeys.testSet("games", sha256(body));
  store.write(key, body);
  return { key, sha256: sha256(body), records };
}
const anEvaluation = (testSet: TestSet, overrides: Partial<EvaluateModelInput> = {}): EvaluateModelInput => ({
  pipeline: "games",
  model: "games-2",
  testSet,
  vocabulary,
  evaluate: evaluateSchema.parse({ concurrency: 16 }),
  ...overrides,
});
const numberOf = ({ messages }: Question): number => Number(messages[0]?.content.slice(1));
const over = (answer: (question: Question) => string | Promise<string>) => {
  const endpoint = fakeEndpoint(answer);
  return { endpoint, activities: createEvaluationActivities({ store, compute, recipes: fakeRecipes, endpoint }) };
};
/** A whole evaluation of a model that answers like this. */
const evaluate = (request: EvaluateModelInput, answer: (question: Question) => string): Promise<Evaluation> =>
  inActivity(async () => {
    const { activities } = over(answer);
    const { key, shards } = await activities.planEvaluation(request);
    for (let shard = 0; shard < shards; shard++) await activities.askShard({ ...request, key, shard });
    return activities.scoreEvaluation({ ...request, key, shards });
  });

describe("createEvaluationActivities", () => {
  describe("planEvaluation", () => {
    it("names equal questions equally, and others differently", async () => {
      const { activities } = over(() => right);
      const request = anEvaluation(aTestSet(501));
      const plan = await activities.planEvaluation(request);
      expect(plan.shards).toBe(3);
      const others = [
        { evaluate: { ...request.evaluate, concurrency: 3 } },
        { vocabulary: "another" },
        { model: "games-3" },
        { evaluate: { ...request.evaluate, temperature: 0.5 } },
        { testSet: aTestSet(500) },
      ].map((change) => activities.planEvaluation({ ...request, ...change }));
      const keys = (await Promise.all(others)).map(({ key }) => key);
      expect(keys.map((key) => key === plan.key)).toEqual([true, true, false, false, false]);
    });
  });

  describe("askShard", () => {
    it("asks the model by the name that its recipe gives it, and no other version", async () => {
      const claim = { jobName: "train", recipe: { name: "lora", baseModel: null, hyperparameters: {} } };
      store.write(objectKeys.trainingClaim("games", "games-7"), JSON.stringify(claim));
      const { activities, endpoint } = over(() => right);
      const ask = (model: string) =>
        inActivity(() => activities.askShard({ ...anEvaluation(aTestSet(20), { model }), key: model, shard: 0 }));
      await ask("games-7");
      expect(endpoint.asked[0]).toMatchObject({ model: "lora-model", serviceVersion: "games-7" });
      await ask("games-8");
      expect(endpoint.asked.at(-1)).toMatchObject({ model: "games-8", serviceVersion: "games-8" });
    });

    it("refuses a test set that has another number of records than is said of it", async () => {
      const request = { ...anEvaluation({ ...aTestSet(5), records: 400 }), key: "e1", shard: 1 };
      const message = await expectFailure(() => over(() => right).activities.askShard(request), "InvalidInput");
      expect(message).toContain("has 5, not 400");
    });

    it("asks each record of its shard once, and keeps the order of the questions whatever comes first", async () => {
      const request = anEvaluation(aTestSet(260));
      const { activities, endpoint } = over(async (question) => {
        if (numberOf(question) % 3 === 0) await new Promise((done) => setImmediate(done));
        return `${right} ${numberOf(question)}`;
      });
      const ask = (shard: number) => inActivity(() => activities.askShard({ ...request, key: "k", shard }));
      expect(await ask(1)).toEqual({ records: 10, failed: 0 });
      expect(await ask(0)).toEqual({ records: 250, failed: 0 });
      expect(endpoint.asked.map(numberOf).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 260 }, (_, n) => n));
      const lines = store.text(objectKeys.predictions("k", 0)).trimEnd().split("\n");
      expect(lines.map((line) => JSON.parse(line).id)).toEqual(Array.from({ length: 250 }, (_, index) => `r${index}`));
    });

    it("does not ask a stored shard again, also when the service is gone", async () => {
      const request = { ...anEvaluation(aTestSet(5)), key: "k", shard: 0 };
      await inActivity(() => over(() => right).activities.askShard(request));
      compute.service = null;
      const { activities, endpoint } = over(() => wrong);
      expect(await inActivity(() => activities.askShard(request))).toEqual({ records: 5, failed: 0 });
      expect(endpoint.asked).toEqual([]);
    });

    it("has at most as many questions in flight as the policy says", async () => {
      let [inFlight, most] = [0, 0];
      const { activities } = over(async () => {
        most = Math.max(most, ++inFlight);
        await new Promise((done) => setImmediate(done));
        inFlight--;
        return right;
      });
      const request = anEvaluation(aTestSet(100), { evaluate: evaluateSchema.parse({ concurrency: 7 }) });
      await inActivity(() => activities.askShard({ ...request, key: "k", shard: 0 }));
      expect(most).toBe(7);
    });

    /** Fails on the first `failing` questions. */
    const failingOn = (failing: number) =>
      over((question) => {
        if (numberOf(question) < failing) throw new Error(`HTTP 500 ${"x".repeat(1000)}`);
        return right;
      });

    it("tries a failed question three times, keeps why and fails, and asks nothing else at the next attempt", async () => {
      const request = { ...anEvaluation(aTestSet(4)), key: "k", shard: 0 };
      const { activities, endpoint } = failingOn(1);
      const failure = await failureOf(() => activities.askShard(request), { attempt: 2 });
      expect(failure).toMatchObject({ type: "Unavailable", nonRetryable: false, nextRetryDelay: 20_000 });
      expect(failure.message).toMatch(/^games-2 gave no answer to 1 of 4 questions: HTTP 500 x+$/);
      expect(endpoint.asked).toHaveLength(6);
      const stored = store.text(objectKeys.predictions("k", 0)).split("\n").slice(0, -1);
      expect(stored.map((line) => JSON.parse(line).answer)).toEqual([null, right, right, right]);
      expect(JSON.parse(stored[0] ?? "")).toMatchObject({
        id: "r0",
        expected: right,
        error: expect.stringMatching(/^HTTP 500 x{291}$/),
      });

      const next = over(() => right);
      const ask = () => next.activities.askShard(request);
      expect(await inActivity(ask, { attempt: 3 })).toEqual({ records: 4, failed: 0 });
      expect(next.endpoint.asked.map(numberOf)).toEqual([0]);
      const lines = store.text(objectKeys.predictions("k", 0)).trimEnd().split("\n");
      expect(lines.map((line) => JSON.parse(line).id)).toEqual(["r0", "r1", "r2", "r3"]);
    });

    it("leaves a few without an answer, or what the fifth attempt leaves, to the decision, never for good", async () => {
      const cases = [
        { records: 4, failing: 4, attempt: 5, result: { records: 4, failed: 4 } },
        { records: 4, failing: 4, attempt: 4, result: "Unavailable" },
        { records: 50, failing: 1, attempt: 1, result: { records: 50, failed: 1 } },
        { records: 51, failing: 2, attempt: 1, result: "Unavailable" },
      ];
      await Promise.all(
        cases.map(async ({ records, failing, attempt, result }) => {
          const request = { ...anEvaluation(aTestSet(records)), key: `${records} ${attempt}`, shard: 0 };
          const first = inActivity(() => failingOn(failing).activities.askShard(request), { attempt });
          if (typeof result === "string") await expect(first).rejects.toMatchObject({ type: result });
          else expect(await first).toEqual(result);

          const later = over(() => right);
          expect(await inActivity(() => later.activities.askShard(request))).toEqual({ records, failed: 0 });
          expect(later.endpoint.asked).toHaveLength(failing);
        }),
      );
    });

    it("stores nothing and asks nothing more when it is cancelled", async () => {
      const request = anEvaluation(aTestSet(50), { evaluate: evaluateSchema.parse({ concurrency: 2 }) });
      const environment = activityEnvironment();
      const { activities, endpoint } = over(() => {
        environment.cancel();
        throw new Error("aborted");
      });
      await expect(environment.run(() => activities.askShard({ ...request, key: "k", shard: 0 }))).rejects.toThrow();
      expect(endpoint.asked.length).toBeLessThanOrEqual(2);
      expect(store.objects.has(objectKeys.predictions("k", 0))).toBe(false);
    });

    it.each([
      ["there is no service", null],
      ["the service is terminated", aService({ state: "terminated" })],
      ["the service has no address yet", aService({ url: null })],
    ])("fails as ServiceFailed when %s", async (_, service) => {
      compute.service = service;
      const { activities } = over(() => right);
      await expectFailure(
        () => activities.askShard({ ...anEvaluation(aTestSet(5)), key: "k", shard: 0 }),
        "ServiceFailed",
      );
    });

    it("fails when the frozen test set is gone or not the one that was frozen", async () => {
      const request = { ...anEvaluation(aTestSet(5)), key: "k", shard: 0 };
      const { activities } = over(() => right);
      store.write(request.testSet.key, `${store.text(request.testSet.key)} `);
      await expectFailure(() => activities.askShard(request), "CorruptObject");
      store.objects.delete(request.testSet.key);
      await expectFailure(() => activities.askShard(request), "NotFound");
    });
  });

  it.each([
    ["is cut off", '{"id":"r1","expected":"a secret'],
    ["lacks a field", '{"id":"a secret"}'],
  ])("names a stored line that %s by its number, and says nothing of what it says", async (_, line) => {
    const request = { ...anEvaluation(aTestSet(5)), key: "k", shard: 0 };
    const { activities } = over(() => right);
    const whole = store.text(request.testSet.key);
    const [first] = whole.split("\n");
    const damaged = `${first}\n${line}\n`;
    const testSet = { key: request.testSet.key, sha256: sha256(damaged), records: 2 };
    store.write(testSet.key, damaged);
    store.write(
      objectKeys.predictions("k", 0),
      damaged.replace(`${first}`, JSON.stringify(aPrediction("r0", { expected: right, answer: right }))),
    );
    for (const [key, ask] of [
      [testSet.key, () => activities.askShard({ ...request, key: "unasked", testSet })],
      [objectKeys.predictions("k", 0), () => activities.scoreEvaluation({ ...request, shards: 1 })],
    ] as const) {
      const failure = await failureOf(ask);
      expect(failure).toMatchObject({ type: "InvalidData", nonRetryable: true });
      expect(failure.message).toMatch(new RegExp(`^${key}#2: `));
      expect(inspect(failure, { depth: 10 })).not.toContain("secret");
    }
  });

  describe("scoreEvaluation", () => {
    it("scores all shards, failed answers apart", async () => {
      const testSet = aTestSet(260);
      const evaluation = await evaluate(anEvaluation(testSet), (question) =>
        numberOf(question) < 130 ? right : wrong,
      );
      expect(evaluation).toMatchObject({ model: "games-2", testSet, shards: 2, records: 260, failed: 0 });
      expect(evaluation.metrics).toMatchObject({ accuracy_output_fn: 0.5, accuracy_attr_types: 1 });
    });

    it("fails as NotFound when a shard is missing", async () => {
      const request = { ...anEvaluation(aTestSet(260)), key: "k", shards: 2 };
      const { activities } = over(() => right);
      await inActivity(() => activities.askShard({ ...request, shard: 0 }));
      expect(await expectFailure(() => activities.scoreEvaluation(request), "NotFound")).toContain("shard 1");
    });
  });
});
