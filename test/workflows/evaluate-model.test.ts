import type { WorkflowHandle } from "@temporalio/client";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { TypedFailure } from "../../src/domain/failures.ts";
import type { evaluateModel } from "../../workflows/evaluate-model.ts";
import { aTestSet, anEvaluateModelInput } from "../support/builders.ts";
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

describe("evaluateModel", () => {
  it("asks every shard once and answers the scores of all", async () => {
    const handle = await start(input());
    const model = `${world.name}-1`;
    expect(await handle.result()).toMatchObject({
      model,
      shards: 2,
      records: 20,
      metrics: { accuracy_output_fn: 0.9 },
    });
    expect(world.requests("askShard").map(({ key, shard }) => [key, shard])).toEqual([
      [`${model}-0f0f0f0f`, 0],
      [`${model}-0f0f0f0f`, 1],
    ]);
    expect(world.story().at(-1)).toBe("scoreEvaluation");
    await temporal.record(handle, "scored");
  });

  it("asks a shard again after an outage, and only that one", async () => {
    let outages = 2;
    world.when("askShard", async ({ shard }, usual) => {
      if (shard === 1 && outages-- > 0) throw new TypedFailure("Unavailable", "no answer", { retryAfterMs: 1 });
      return usual();
    });
    await (await start(input())).result();
    expect(world.requests("askShard").map(({ shard }) => shard)).toEqual([0, 1, 1, 1]);
  });

  it("fails and scores nothing when a shard cannot be asked", async () => {
    world.when("askShard", async () => {
      throw new TypedFailure("NotFound", "games-1 is not up");
    });
    const handle = await start(input());
    expect(await failureOf(handle)).toBe("NotFound: games-1 is not up");
    expect(world.story()).toEqual(["planEvaluation", "askShard"]);
    await temporal.record(handle, "failed");
  });

  it.each([
    ["nothing", undefined, "InvalidInput: Invalid input: expected object, received undefined"],
    ["an empty test set", { testSet: { ...aTestSet(), records: 0 } }, "InvalidInput: testSet.records: "],
    ["an unknown metric pack", { evaluate: { metrics: ["taste"] } }, "InvalidInput: evaluate.metrics.0: "],
    ["no questions at once", { evaluate: { concurrency: 0 } }, "InvalidInput: evaluate.concurrency: "],
  ])("fails at once and names the field when given %s", async (_, wrong, message) => {
    expect(await failureOf(await start(wrong && { ...input(), ...wrong }))).toContain(message);
    expect(world.calls).toEqual([]);
  });
});
