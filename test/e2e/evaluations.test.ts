/** Evaluations by the worker of a whole stack: of endpoints that keep a ledger, and of the version that a service has up. */
import { setTimeout as delay } from "node:timers/promises";
import type { WorkflowHandle } from "@temporalio/client";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { TestSet } from "../../src/domain/evaluation-schema.ts";
import { taskQueues, workflowIds } from "../../workflows/names.ts";
import type { evaluateModel } from "../../workflows/evaluate-model.ts";
import { until } from "../support/emulator.ts";
import { freeze, questions, vocabularyKey } from "../support/evaluations.ts";
import { aPipeline, feed, giveTestSet, sampleLines, startLoop, TEST_SAMPLE, type Loop } from "../support/loop.ts";
import { completion, serveModel, type AskedOfModel, type ModelFake, type ModelReply } from "../support/model-fake.ts";
import { failureOf } from "../support/temporal.ts";

let loop: Loop;
let testSet: TestSet;
let model: ModelFake;
beforeAll(async () => {
  loop = await startLoop();
  testSet = await freeze(loop.store, questions(600));
  await loop.store.put(vocabularyKey, JSON.stringify({ functions: [], attributeTypes: [] }));
});
afterAll(() => loop.stop());
afterEach(() => model?.stop());

const right = ({ question }: AskedOfModel): string => `answer to ${question}`;

/** Starts an evaluation of an endpoint that replies like this. */
async function start(
  name: string,
  reply: (asked: AskedOfModel) => ModelReply | Promise<ModelReply>,
  evaluate: object = {},
): Promise<WorkflowHandle<typeof evaluateModel>> {
  model = await serveModel(reply);
  const input = {
    pipeline: "games",
    model: name,
    endpoint: { url: model.url, model: name },
    testSet,
    vocabulary: vocabularyKey,
    evaluate: { metrics: ["exact-match"], concurrency: 16, ...evaluate },
  };
  return loop.client.workflow.start<typeof evaluateModel>("evaluateModel", {
    workflowId: workflowIds.evaluate(name),
    taskQueue: taskQueues.main,
    args: [input as never],
  });
}

describe("evaluateModel", () => {
  it("asks, after a kill -9 of its worker, only the questions again that were on their way", async () => {
    const lanes = 16;
    const handle = await start("killed", async (asked) => {
      await delay(20);
      return right(asked);
    });
    await until("a third of the answers", () => model.ledger.length >= 200, 60_000);
    const back = (): boolean => loop.stack.reports.includes("worker is back");
    process.kill(loop.stack.pids()["worker"] ?? 0, "SIGKILL");
    await until("the return of the worker", back, 60_000);
    const askedBefore = model.ledger.length;
    expect(askedBefore).toBeLessThan(600);
    expect(await handle.result()).toMatchObject({ records: 600, failed: 0, metrics: { exact_match: 1 } });
    const twice = [...model.times()].filter(([, times]) => times > 1);
    // Asked and not stored: one that is asked, and one answer that is being stored, for each lane.
    expect(twice.length).toBeLessThanOrEqual(2 * lanes);
    expect(twice.every(([, times]) => times === 2)).toBe(true);
    expect(model.ledger.length).toBe(600 + twice.length);
  });

  it("asks nothing the second time", async () => {
    const first = await (await start("cached", right)).result();
    const port = new URL(model.url).port;
    const asked = model.ledger.length;
    const handle = await loop.client.workflow.start<typeof evaluateModel>("evaluateModel", {
      workflowId: workflowIds.evaluate("cached-again"),
      taskQueue: taskQueues.main,
      args: [
        {
          pipeline: "games",
          model: "cached",
          endpoint: { url: `http://127.0.0.1:${port}`, model: "cached" },
          testSet,
          vocabulary: vocabularyKey,
          evaluate: { metrics: ["exact-match"], concurrency: 4 },
        } as never,
      ],
    });
    expect(await handle.result()).toEqual(first);
    expect(model.ledger).toHaveLength(asked);
  });

  it.each<[string, (asked: AskedOfModel) => ModelReply, object]>([
    [
      "5 % of its requests fail",
      (asked) =>
        asked.times === 1 && Number(asked.question.slice(1)) % 20 === 0 ? { status: 500, body: "" } : right(asked),
      { failed: 0, metrics: { exact_match: 1 } },
    ],
    [
      "5 % of its answers are empty",
      (asked) => (Number(asked.question.slice(1)) % 20 === 0 ? "" : right(asked)),
      { failed: 30, metrics: { exact_match: 0.95, failed_api_responses: 0.05 } },
    ],
    [
      "5 % of its answers have 1 MB",
      (asked) => (Number(asked.question.slice(1)) % 20 === 0 ? completionOf(1_000_000) : right(asked)),
      { failed: 30 },
    ],
  ])("counts what has no answer of an endpoint when %s", async (name, reply, found) => {
    const handle = await start(`odd-${name.replaceAll(/[^a-z0-9]+/g, "-")}`.slice(0, 40), reply);
    expect(await handle.result()).toMatchObject({ records: 600, ...found });
  });

  it("fails soon, with the reason, when the endpoint refuses everything", async () => {
    const handle = await start("refusing", () => ({ status: 401, body: '{"error":"a secret"}' }));
    expect(await failureOf(handle)).toBe(
      "ServiceFailed: refusing answered none of the last 50 questions: the model endpoint answered 401",
    );
    expect(model.ledger.length).toBeLessThan(100);
  });
});

describe("tuneloop evaluate", () => {
  it("measures a model version as its cycle did, and asks nothing again", { timeout: 180_000 }, async () => {
    await giveTestSet(loop);
    const pipeline = aPipeline(loop, { name: "calm" });
    const { cycle } = await feed(loop, pipeline, 1, sampleLines({ seed: 1, count: 200 }));
    const report = await cycle.result();
    const { code, stdout, stderr } = await loop.tuneloop("evaluate", "calm-1", "--json");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "evaluate/calm-1 is running.\n" });
    const found = JSON.parse(stdout);
    expect(found).toMatchObject({ model: "calm-1", url: null, records: TEST_SAMPLE.count, failed: 0 });
    const values = Object.fromEntries(
      found.metrics.map(({ metric, value }: { metric: string; value: number }) => [metric, value]),
    );
    expect(values).toEqual(report.challenger?.metrics);

    const missing = await loop.tuneloop("evaluate", "calm-2");
    expect(missing).toMatchObject({ code: 1, stdout: "" });
    expect(missing.stderr).toContain("there is no model version calm-2");
  });
});

function completionOf(characters: number): ModelReply {
  return { body: completion("x".repeat(characters)) };
}
