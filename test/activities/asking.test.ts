import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createHttpModelEndpoint, maxReplyBytes } from "../../src/adapters/http-model-endpoint.ts";
import type { AskingProgress } from "../../src/domain/evaluation-schema.ts";
import type { EvaluateModelInput } from "../../src/domain/workflow-input-schema.ts";
import { activityEnvironment, failureOf, inActivity } from "../support/activity.ts";
import { startTestBucket, type TestBucket, type TestPrefix } from "../support/bucket.ts";
import { until } from "../support/emulator.ts";
import { anEvaluation, evaluationActivities, freeze, questions, storedPredictions } from "../support/evaluations.ts";
import { completion, serveModel, type AskedOfModel, type ModelFake, type ModelReply } from "../support/model-fake.ts";

let bucket: TestBucket;
let place: TestPrefix;
let model: ModelFake;
beforeAll(async () => {
  bucket = await startTestBucket();
});
afterAll(() => bucket.stop());
beforeEach(() => {
  place = bucket.prefix();
});
afterEach(() => model.stop());

const right = ({ question }: AskedOfModel): string => `answer to ${question}`;

/** An evaluation of so many questions over a real S3 and HTTP. */
async function over(
  count: number,
  reply: (asked: AskedOfModel) => ModelReply | Promise<ModelReply>,
  evaluate: Partial<EvaluateModelInput["evaluate"]> = {},
) {
  model = await serveModel(reply);
  const told: AskingProgress[] = [];
  const { store } = place;
  const activities = evaluationActivities({ store, endpoint: createHttpModelEndpoint() }, told);
  const endpoint = { url: model.url, model: "served", tokenSecret: "MODEL_TOKEN" };
  const request = anEvaluation(await freeze(store, questions(count)), { model: "base", endpoint, evaluate });
  return { request, store, ask: () => activities.askQuestions(request) };
}
const askedMoreThanOnce = (): string[] =>
  [...model.times()].flatMap(([question, times]) => (times > 1 ? question : []));

describe("an evaluation over S3 and HTTP", () => {
  it("goes on with later questions while one of the first waits, never asking more at a time than it may", async () => {
    const held = Promise.withResolvers<string>();
    const reply = async (asked: AskedOfModel): Promise<string> => {
      if (asked.question === "q3") return held.promise;
      await delay(5);
      return right(asked);
    };
    const { ask, store } = await over(600, reply, { concurrency: 8 });
    const asking = inActivity(ask);
    await until("all other answers", () => model.ledger.length === 600, 30_000);
    held.resolve("late");
    const found = await asking;
    expect(found).toMatchObject({ shards: 3, records: 600, failed: 0 });
    expect(model.mostOpen).toBeGreaterThan(4);
    expect(model.mostOpen).toBeLessThanOrEqual(8);
    const stored = await storedPredictions(store, found);
    expect(stored.map(({ id }) => id)).toEqual(questions(600).map(({ id }) => id));
    expect(stored[3]?.answer).toBe("late");
    expect(stored[3]?.latencyMs).toBeGreaterThan(stored[4]?.latencyMs ?? 0);
  });

  it("asks only what was on its way when it is lost half-way", async () => {
    const environment = activityEnvironment();
    const lanes = 8;
    const { ask, store } = await over(
      400,
      (asked) => {
        if (model.ledger.length === 200) environment.cancel();
        return right(asked);
      },
      { concurrency: lanes },
    );
    await expect(environment.run(ask)).rejects.toThrow();
    const found = await inActivity(ask);
    expect(found).toMatchObject({ records: 400, failed: 0 });
    expect(askedMoreThanOnce().length).toBeLessThanOrEqual(lanes);
    expect(new Set(model.ledger).size).toBe(400);
    expect(await storedPredictions(store, found)).toHaveLength(400);
  });

  it("keeps what failed in its place while it is asked again, for those who read meanwhile", async () => {
    const held = Promise.withResolvers<string>();
    const { ask, store } = await over(40, (asked) => {
      if (asked.question !== "q3" && asked.question !== "q7") return right(asked);
      if (asked.times === 1) return { status: 403, body: "" };
      return asked.question === "q3" ? right(asked) : held.promise;
    });
    const found = await inActivity(ask);
    expect(found.failed).toBe(2);
    const again = inActivity(ask);
    const answerTo = async (place: number) => (await storedPredictions(store, found))[place];
    await until("the answer to the first of them", async () => (await answerTo(3))?.answer === "answer to q3", 10_000);
    expect(await storedPredictions(store, found)).toHaveLength(40);
    expect(await answerTo(7)).toMatchObject({ id: "r7", answer: null, failure: "refused" });
    held.resolve("late");
    expect(await again).toMatchObject({ records: 40, failed: 0 });
    expect(await answerTo(7)).toMatchObject({ answer: "late" });
  });

  it("gets an answer to every question of an endpoint that fails now and then", async () => {
    const { ask } = await over(200, (asked) =>
      asked.times === 1 && Number(asked.question.slice(1)) % 20 === 0 ? { status: 503, body: "busy" } : right(asked),
    );
    expect(await inActivity(ask)).toMatchObject({ records: 200, failed: 0 });
    expect(askedMoreThanOnce()).toHaveLength(10);
    expect(model.ledger).toHaveLength(210);
  });

  it.each([429, 503])(
    "obeys Retry-After of a %d for all questions, not only for the one it was said to",
    async (status) => {
      let refusedMs = 0;
      let earliestMs = Infinity;
      const { ask } = await over(
        40,
        (asked) => {
          if (model.ledger.length === 10) {
            refusedMs = performance.now();
            return { status, headers: { "retry-after": "1" }, body: "{}" };
          }
          // What was on its way may still come in.
          if (refusedMs > 0 && performance.now() > refusedMs + 100)
            earliestMs = Math.min(earliestMs, performance.now());
          return right(asked);
        },
        { concurrency: 4 },
      );
      expect(await inActivity(ask)).toMatchObject({ failed: 0 });
      expect(earliestMs - refusedMs).toBeGreaterThan(990);
    },
  );

  it("finds the measure of an endpoint that answers four at a time", async () => {
    let open = 0;
    const { ask } = await over(
      100,
      async (asked) => {
        if (open === 4) return { status: 429, headers: { "retry-after": "0" }, body: "{}" };
        open++;
        await delay(5);
        open--;
        return right(asked);
      },
      { concurrency: 64 },
    );
    expect(await inActivity(ask)).toMatchObject({ failed: 0 });
  });

  it("begins no more requests in a second than the definition allows", async () => {
    const { ask } = await over(41, right, { requestsPerSecond: 50 });
    const startedMs = performance.now();
    await inActivity(ask);
    expect(performance.now() - startedMs).toBeGreaterThan(780);
  });

  it(
    "counts odd answers as failed, with reasons that say nothing of them, and goes on",
    { timeout: 40_000 },
    async () => {
      const odd: Record<string, ModelReply> = {
        q1: { body: completion("x".repeat(1_000_000)) },
        q2: "",
        q3: { body: "<html>secret</html>", headers: { "content-type": "text/html" } },
        q4: { body: '{"choices": [{"message": {"content": NaN, "x": "secret"}}]}' },
        q5: { hangUp: true },
        q6: { body: JSON.stringify({ choices: [{ message: { content: null, tool_calls: [{ name: "secret" }] } }] }) },
        q7: { body: completion(7) },
        q8: { status: 400, body: '{"error": "secret"}' },
        q9: { body: '{"error": {"message": "secret"}}' },
        q10: { body: completion("fine", { prompt_tokens: "NaN" }) },
        q11: { body: '{"choices": [{"message": {"content": "secret' },
        q12: { status: 403, body: "secret" },
      };
      const { ask, store } = await over(30, (asked) => odd[asked.question] ?? right(asked));
      const found = await inActivity(ask);
      const predictions = await storedPredictions(store, found);
      const reasons = predictions.flatMap(({ id, answer, error, failure }) =>
        answer === null ? [[id, error, failure]] : [],
      );
      expect(reasons).toEqual([
        ["r1", `the model's reply is longer than ${maxReplyBytes} bytes`, "unusable"],
        ["r2", "the model's answer is empty", "unusable"],
        ["r3", "the model endpoint's reply is not JSON", "unavailable"],
        ["r4", "the model endpoint's reply is not JSON", "unavailable"],
        ["r5", "the model endpoint does not answer: UND_ERR_SOCKET", "unavailable"],
        ["r6", "the model's answer calls a tool instead of answering", "unusable"],
        ["r7", "the model endpoint's reply is not a chat completion", "unavailable"],
        ["r8", "the model endpoint answered 400", "unusable"],
        ["r9", "the model endpoint's reply is not a chat completion", "unavailable"],
        ["r11", "the model endpoint's reply is not JSON", "unavailable"],
        ["r12", "the model endpoint answered 403", "refused"],
      ]);
      expect(found.failed).toBe(11);
      expect(predictions[10]).toMatchObject({ answer: "fine", promptTokens: null, completionTokens: null });
      for (const question of ["q1", "q2", "q6", "q8", "q12"]) expect(model.times().get(question)).toBe(1);
      // Five tries in each of two rounds.
      expect(model.times().get("q3")).toBe(10);
    },
  );

  it.each([401, 403, 404])("leaves an endpoint alone that refuses everything by %d, and says so", async (status) => {
    const { ask, request } = await over(1000, () => ({ status, body: '{"error": "a secret"}' }));
    const failure = await failureOf(ask);
    expect(failure).toMatchObject({
      type: "ServiceFailed",
      nonRetryable: true,
      message: `base answered none of the last 50 questions: the model endpoint answered ${status}`,
    });
    expect(model.ledger.length).toBeLessThanOrEqual(50 + request.evaluate.concurrency);
    expect(askedMoreThanOnce()).toEqual([]);
  });

  it("has Temporal try an endpoint again that is down, and gives it up in the end", { timeout: 30_000 }, async () => {
    const { ask } = await over(60, () => ({ status: 502, body: "<html>" }), { concurrency: 64 });
    const attempts = [await failureOf(ask, { attempt: 2 }), await failureOf(ask, { attempt: 5 })];
    const message = "base answered none of the last 50 questions: the model endpoint answered 502";
    expect(attempts).toMatchObject([
      { type: "Unavailable", nonRetryable: false, nextRetryDelay: 20_000, message },
      { type: "ServiceFailed", nonRetryable: true, message },
    ]);
  });

  it("takes an endpoint that answers the questions of a small test set with nothing for one that answers nobody", async () => {
    const { ask } = await over(20, () => "");
    const failure = await failureOf(ask);
    expect(failure).toMatchObject({
      type: "ServiceFailed",
      message: "base answered none of 20 questions: the model's answer is empty",
    });
  });
});
