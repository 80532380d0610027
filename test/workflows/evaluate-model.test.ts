import type { WorkflowHandle } from "@temporalio/client";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { TypedFailure } from "../../src/domain/failures.ts";
import type { evaluateModel } from "../../workflows/evaluate-model.ts";
import { aTestSet, anEvaluateModelInput } from "../support/builders.ts";
import { until } from "../support/emulator.ts";
import { failureOf, startTestTemporal, type TestTemporal } from "../support/temporal.ts";
import type { World } from "../support/world.ts";

let temporal: TestTemporal;
let world: World;

beforeAll(async () => {
  temporal = await startTestTemporal(import.meta.filename);
});
beforeEach(() => {
  world = temporal.newWorld();
});
afterAll(() => temporal.stop());

const input = () => anEvaluateModelInput({ pipeline: world.name });
const start = (given: unknown): Promise<WorkflowHandle<typeof evaluateModel>> =>
  temporal.start("evaluateModel", `evaluate/${world.name}`, given);

const anEndpoint = { url: "https://models.example", model: "m" };

describe("evaluateModel", () => {
  it("asks the questions once and answers the scores", async () => {
    const handle = await start(input());
    const model = `${world.name}-1`;
    const key = `${model}-0f0f0f0f`;
    expect(await handle.result()).toMatchObject({ key, model, records: 20, metrics: { accuracy_output_fn: 0.9 } });
    expect(world.story()).toEqual(["askQuestions", "scoreEvaluation"]);
    expect(await handle.query("state")).toMatchObject({ records: 20, answered: 20, failed: 0 });
    await temporal.record(handle, "scored");
  });

  it("asks again after an outage", async () => {
    let outages = 2;
    world.when("askQuestions", async (_, usual) => {
      if (outages-- > 0) throw new TypedFailure("Unavailable", "no answer", { retryAfterMs: 1 });
      return usual();
    });
    await (await start(input())).result();
    expect(world.requests("askQuestions")).toHaveLength(3);
  });

  it("shows how far its worker is, and nothing that is no progress", async () => {
    const held = Promise.withResolvers<void>();
    world.when("askQuestions", async (_, usual) => {
      await held.promise;
      return usual();
    });
    const handle = await start(input());
    await until("the questions", () => world.requests("askQuestions").length === 1);
    const said = { records: 20, answered: 7, failed: 1, perSecond: 2, lastFailure: "HTTP 503" };
    await handle.signal("progress", said);
    for (const odd of [null, "half", { records: -1, answered: 0, failed: 0 }, { answered: Number.NaN }]) {
      await handle.signal("progress", odd);
    }
    expect(await handle.query("state")).toEqual(said);
    held.resolve();
    await handle.result();
  });

  it("fails and scores nothing when the model is not up", async () => {
    world.when("askQuestions", async () => {
      throw new TypedFailure("ServiceFailed", "games-1 is not up");
    });
    const handle = await start(input());
    expect(await failureOf(handle)).toBe("ServiceFailed: games-1 is not up");
    expect(world.story()).toEqual(["askQuestions"]);
    await temporal.record(handle, "failed");
  });

  it.each([
    ["nothing", undefined, "InvalidInput: Invalid input: expected object, received undefined"],
    ["an empty test set", { testSet: { ...aTestSet(), records: 0 } }, "InvalidInput: testSet.records: "],
    ["no model version and no endpoint", { model: "games" }, "InvalidInput: model: must be a model version"],
    ["an endpoint that is no address", { endpoint: { url: "x", model: "m" } }, "InvalidInput: endpoint.url: "],
    [
      "a secret in place of its name",
      { endpoint: { ...anEndpoint, tokenSecret: "sk-1" } },
      "InvalidInput: endpoint.tokenSecret: ",
    ],
    ["no questions at once", { evaluate: { concurrency: 0 } }, "InvalidInput: evaluate.concurrency: "],
  ])("fails at once and names the field when given %s", async (_, wrong, message) => {
    expect(await failureOf(await start(wrong && { ...input(), ...wrong }))).toContain(message);
    expect(world.calls).toEqual([]);
  });
});
