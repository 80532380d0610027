/** Cycles of what the embedded recipe learns besides frames, and of trainings that keep checkpoints. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkpointChoiceSchema, modelManifestSchema } from "../../src/domain/model-version-schema.ts";
import { objectKeys } from "../../src/domain/object-keys.ts";
import {
  aPipeline,
  askService,
  feed,
  giveTestSet,
  readManifest,
  sampleLines,
  startLoop,
  type Loop,
} from "../support/loop.ts";

let loop: Loop;

beforeAll(async () => {
  loop = await startLoop();
  await giveTestSet(loop);
});
afterAll(() => loop.stop());

async function readJson(key: string): Promise<unknown> {
  const object = await loop.store.get(key);
  return JSON.parse(object?.body.toString() ?? "null");
}

describe("a training that keeps checkpoints", () => {
  it("is compared by the one that does best on the validation split, which then serves", async () => {
    const pipeline = aPipeline(loop, {
      name: "kept",
      dataset: { split: { valid: 0.3, test: 0 }, testSet: loop.store.uri("given/test.jsonl") },
      recipe: { name: "embedded", hyperparameters: { epochs: 6, checkpoints: 2 } },
    });
    const { cycle } = await feed(loop, pipeline, 1, sampleLines({ seed: 1, count: 150 }));
    const report = await cycle.result();
    expect(report).toMatchObject({ outcome: "promoted", failure: null });
    expect(Object.keys(report.phases)).toContain("choose");

    const { checkpoints } = modelManifestSchema.parse(await readJson(objectKeys.modelManifest("kept", "kept-1")));
    expect(checkpoints.map(({ name }) => name)).toEqual(["step-2", "step-4"]);
    const choice = checkpointChoiceSchema.parse(await readJson(objectKeys.checkpointChoice("kept", "kept-1")));
    expect(choice).toMatchObject({ metric: "accuracy_output_fn" });
    expect(choice.candidates.map(({ checkpoint }) => checkpoint)).toEqual(["step-2", "step-4", "final"]);
    const values = choice.candidates.map(({ value }) => value ?? -1);
    const chosen = choice.candidates.find(({ checkpoint }) => checkpoint === choice.checkpoint);
    expect(chosen?.value).toBe(Math.max(...values));
    const asked = await readManifest(loop, "kept", 1);
    const [candidate] = choice.candidates;
    const answers = await loop.store.get(objectKeys.predictions(candidate?.evaluation ?? "", 0));
    expect(answers?.body.toString().trimEnd().split("\n")).toHaveLength(asked.records.valid);
    expect(await askService(loop, "kept")).toBe("kept-1");
  });
});

describe.each([
  { outputs: "labels", task: "labels", primary: "accuracy" },
  { outputs: "answers", task: "retrieval", primary: "token_f1" },
] as const)("a pipeline of $outputs", ({ outputs, task, primary }) => {
  it(`is decided by ${primary}, and more records win`, async () => {
    await loop.store.put(
      `given/${outputs}.jsonl`,
      sampleLines({ seed: 99, count: 300, split: "test", outputs }).join("\n"),
    );
    const pipeline = aPipeline(loop, {
      name: outputs,
      dataset: { split: { valid: 0, test: 0 }, testSet: loop.store.uri(`given/${outputs}.jsonl`) },
      decide: { floor: 0.2 },
    });
    const training = sampleLines({ seed: 1, count: 1200, outputs });
    const first = await (await feed(loop, pipeline, 1, training.slice(0, 200))).cycle.result();
    expect(first).toMatchObject({ outcome: "promoted", failure: null });
    const second = await (await feed(loop, pipeline, 2, training.slice(200))).cycle.result();
    expect(second).toMatchObject({ outcome: "promoted", failure: null });
    const [before, after] = [second.champion, second.challenger].map((model) => model?.metrics[primary] ?? Number.NaN);
    expect(after).toBeGreaterThan(before ?? Number.NaN);
    expect(await readJson(objectKeys.modelManifest(outputs, `${outputs}-2`))).toMatchObject({
      task,
      taskReason: expect.stringMatching(/^0\.0 % of the 1200 training outputs/),
    });
  });
});
