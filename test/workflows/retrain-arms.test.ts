import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { TypedFailure, type FailureType } from "../../src/domain/failures.ts";
import { aSecondCycle, type SecondCycle } from "../support/second-cycle.ts";
import { failureOf, startTestTemporal, type TestTemporal } from "../support/temporal.ts";
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
});
afterAll(() => temporal.stop());

/** Asking these models fails like this. */
function silence(models: readonly string[], type: FailureType): void {
  world.when("askQuestions", async ({ model }, usual) => {
    if (models.includes(model)) throw new TypedFailure(type, `${model} does not answer`);
    return usual();
  });
}

describe("the models of a cycle", () => {
  it("tells the decision of a champion that cannot be asked, and leaves it where it is", async () => {
    silence([champion], "ServiceFailed");
    world.verdict = "inconclusive";
    expect(await (await cycle.start()).result()).toMatchObject({ outcome: "inconclusive", failure: null });
    expect(cycle.arms()).toEqual([
      ["challenger", challenger, null],
      ["champion", champion, `ServiceFailed: ${champion} does not answer`],
    ]);
    expect(world.serving).toEqual({ [champion]: 100 });
    expect(world.registry).toMatchObject({ champion, challenger: null });
  });

  it("tells the decision of a challenger that cannot be asked, and takes it down", async () => {
    silence([challenger], "ServiceFailed");
    world.verdict = "inconclusive";
    expect(await (await cycle.start()).result()).toMatchObject({ outcome: "inconclusive" });
    expect(cycle.arms()[0]).toEqual(["challenger", challenger, `ServiceFailed: ${challenger} does not answer`]);
    expect(world.serving).toEqual({ [champion]: 100 });
  });

  it("ends without a decision when something is wrong with the questions, and asks nobody any more", async () => {
    silence([champion], "CorruptObject");
    expect(await failureOf(await cycle.start())).toBe(`CorruptObject: ${champion} does not answer`);
    expect(world.requests("decideCycle")).toEqual([]);
    expect(world.reports[0]).toMatchObject({ outcome: "failed" });
    expect(world.serving).toEqual({ [champion]: 100 });
  });

  it("asks a base model beside them, with examples and without, and goes on when it cannot be asked", async () => {
    silence(["base"], "Refused");
    const base = { url: "http://127.0.0.1:9", model: "llama" };
    expect(await (await cycle.start({ evaluate: { base } })).result()).toMatchObject({ outcome: "promoted" });
    expect(cycle.arms().slice(0, 3)).toEqual([
      ["challenger", challenger, null],
      ["champion", champion, null],
      ["base", "llama", "Refused: base does not answer"],
    ]);
  });

  it("settles packs and policy before anything is paid for", async () => {
    world.when("settleChoices", async () => {
      throw new TypedFailure("InvalidInput", "decide.primary: there is no such metric");
    });
    expect(await failureOf(await cycle.start())).toBe("InvalidInput: decide.primary: there is no such metric");
    expect(world.requests("submitTraining")).toEqual([]);
  });
});

describe("the judges of a cycle", () => {
  const judge = { pack: "llm-judge", options: { endpoint: { url: "http://127.0.0.1:9", model: "judge" } } };
  const judged = { evaluate: { metrics: ["functional-representation", judge] } };

  it("are asked of both models' answers, and of the challenger's against the champion's", async () => {
    await (await cycle.start(judged)).result();
    const asked = world
      .requests("judgeAnswers")
      .map(({ choice, evaluation, against }) => [
        choice.pack,
        evaluation.key.startsWith(challenger) ? "challenger" : "champion",
        against === null ? null : "champion",
      ]);
    expect(new Set(asked.map(String))).toEqual(new Set(["llm-judge,challenger,champion", "llm-judge,champion,"]));
    expect(world.requests("decideCycle")[0]?.judging).toMatchObject({
      judged: [{ asked: 40 }, { asked: 40 }],
      failure: null,
    });
  });

  it("that cannot be asked are no failure but a finding", async () => {
    world.when("judgeAnswers", async () => {
      throw new TypedFailure("ServiceFailed", "the judge is away");
    });
    expect(await (await cycle.start(judged)).result()).toMatchObject({ outcome: "promoted" });
    expect(world.requests("decideCycle")[0]?.judging).toEqual({
      judged: [],
      failure: "ServiceFailed: the judge is away",
    });
  });

  it("whose objects are damaged end the cycle without a decision", async () => {
    world.when("judgeAnswers", async () => {
      throw new TypedFailure("InvalidData", "judge.jsonl#3: not JSON");
    });
    expect(await failureOf(await cycle.start(judged))).toBe("InvalidData: judge.jsonl#3: not JSON");
    expect(world.serving).toEqual({ [champion]: 100 });
  });

  it("are not asked of a model that could not be asked", async () => {
    silence([champion], "ServiceFailed");
    await (await cycle.start(judged)).result();
    expect(world.requests("judgeAnswers").map(({ against }) => against)).toEqual([null]);
  });
});
