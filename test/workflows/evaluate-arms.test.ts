import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { TypedFailure } from "../../src/domain/failures.ts";
import { aSecondCycle, type SecondCycle } from "../support/second-cycle.ts";
import { startTestTemporal, type TestTemporal } from "../support/temporal.ts";
import type { World } from "../support/world.ts";

let temporal: TestTemporal;
let cycle: SecondCycle;
let world: World;
beforeAll(async () => {
  temporal = await startTestTemporal(import.meta.filename);
});
beforeEach(() => {
  cycle = aSecondCycle(temporal);
  ({ world } = cycle);
});
afterAll(() => temporal.stop());

const base = { url: "https://models.example", model: "qwen", tokenSecret: "QWEN_TOKEN" };
const examples = { key: "examples.json", sha256: "e", count: 4 };
/** A cycle that asks the base model as well; with this many examples once more. */
const run = async (fewShot: number) => {
  world.when("readTraining", async (request, usual) => ({
    ...(await usual()),
    examples: request.fewShot === 0 ? null : examples,
  }));
  return (await cycle.start({ evaluate: { base, fewShot } })).result();
};
const asked = () =>
  new Set(
    world
      .requests("askQuestions")
      .map(({ model, endpoint, examples }) => `${model} at ${endpoint?.model} with ${examples?.key}`),
  );

describe("askArms", () => {
  it("asks the base model the same questions, without examples and with those of the training data", async () => {
    await run(4);
    expect(world.requests("readTraining")[0]).toMatchObject({ fewShot: 4, seed: 42 });
    expect(asked()).toEqual(
      new Set([
        "base at qwen with undefined",
        "base-few-shot at qwen with examples.json",
        `${world.name}-1 at undefined with undefined`,
        `${world.name}-2 at undefined with undefined`,
      ]),
    );
    const { arms } = world.requests("decideCycle")[0] ?? { arms: [] };
    expect(arms.map(({ name, model }) => [name, model])).toEqual([
      ["challenger", `${world.name}-2`],
      ["champion", `${world.name}-1`],
      ["base", "qwen"],
      ["base-few-shot", "qwen"],
    ]);
  });

  it("goes on without a base model that cannot be asked, whatever is wrong with it", async () => {
    world.when("askQuestions", async ({ endpoint }, usual) => {
      if (endpoint !== null) throw new TypedFailure("InvalidInput", "QWEN_TOKEN is not set");
      return usual();
    });
    expect(await run(0)).toMatchObject({ outcome: "promoted" });
    const { arms } = world.requests("decideCycle")[0] ?? { arms: [] };
    expect(arms[2]).toEqual({
      name: "base",
      model: "qwen",
      evaluation: null,
      failure: expect.stringContaining("QWEN_TOKEN is not set"),
    });
  });
});
