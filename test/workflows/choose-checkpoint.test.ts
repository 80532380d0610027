import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { TypedFailure } from "../../src/domain/failures.ts";
import { aTestSet } from "../support/builders.ts";
import { aSecondCycle, type SecondCycle } from "../support/second-cycle.ts";
import { startTestTemporal, type TestTemporal } from "../support/temporal.ts";
import type { World } from "../support/world.ts";

let temporal: TestTemporal;
let cycle: SecondCycle;
let world: World;
let champion: string;
let challenger: string;

beforeAll(async () => {
  temporal = await startTestTemporal(import.meta.filename);
});
beforeEach(() => {
  cycle = aSecondCycle(temporal);
  ({ world, champion, challenger } = cycle);
  world.checkpoints = { "step-4": 0.7, "step-8": 0.95, final: 0.9 };
});
afterAll(() => temporal.stop());

const runCycle = async () => (await cycle.start()).result();
const asked = () =>
  world.requests("askQuestions").map(({ model, checkpoint, testSet }) => [model, checkpoint, testSet.key]);

describe("chooseCheckpoint", () => {
  it("asks every checkpoint and the final model the validation split, before the comparison", async () => {
    const { outcome, phases } = await runCycle();
    expect(outcome).toBe("promoted");
    expect(Object.keys(phases).slice(0, 5)).toEqual(["prepare", "train", "deploy", "choose", "evaluate"]);
    const valid = "testsets/valid.jsonl";
    expect(asked().slice(0, 3)).toEqual([
      [challenger, "step-4", valid],
      [challenger, "step-8", valid],
      [challenger, "final", valid],
    ]);
    const compared = asked().slice(3);
    expect(compared).toHaveLength(2);
    expect(compared).toContainEqual([champion, null, aTestSet().key]);
    expect(compared).toContainEqual([challenger, null, aTestSet().key]);
    expect(world.requests("chooseCheckpoint")).toEqual([
      expect.objectContaining({
        model: challenger,
        metric: "accuracy_output_fn",
        candidates: [
          { checkpoint: "step-4", value: 0.7, evaluation: `${challenger}@step-4-0f0f0f0f` },
          { checkpoint: "step-8", value: 0.95, evaluation: `${challenger}@step-8-0f0f0f0f` },
          { checkpoint: "final", value: 0.9, evaluation: `${challenger}@final-0f0f0f0f` },
        ],
      }),
    ]);
  });

  it("has nothing to do where the recipe keeps none", async () => {
    world.checkpoints = {};
    const { phases } = await runCycle();
    expect(phases).not.toHaveProperty("choose");
    expect(world.story()).not.toContain("validationSet");
  });

  it("goes on with the final model where the validation split is too small", async () => {
    world.when("validationSet", async () => null);
    expect(await runCycle()).toMatchObject({ outcome: "promoted" });
    expect(world.story()).not.toContain("chooseCheckpoint");
    expect(asked()).toHaveLength(2);
  });

  it("goes on without a checkpoint that cannot be asked", async () => {
    world.when("askQuestions", async (request, usual) => {
      if (request.checkpoint === "step-8") throw new TypedFailure("ServiceFailed", "out of memory");
      return usual();
    });
    expect(await runCycle()).toMatchObject({ outcome: "promoted" });
    expect(world.requests("chooseCheckpoint")[0]?.candidates[1]).toEqual({
      checkpoint: "step-8",
      value: null,
      evaluation: null,
    });
  });

  it("takes the challenger down when nothing can be chosen", async () => {
    world.when("chooseCheckpoint", async () => {
      throw new TypedFailure("InvalidData", "choice.json: format: expected 1");
    });
    await expect(runCycle()).rejects.toThrow();
    expect(world.reports[0]).toMatchObject({ outcome: "failed", failure: expect.stringContaining("choice.json") });
    expect(world.serving).toEqual({ [champion]: 100 });
  });
});
