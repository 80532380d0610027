import { describe, expect, it } from "vitest";
import { parseChoice, parseSettings } from "../../../src/recipes/llama-factory/hyperparameters.ts";
import type { Hyperparameters } from "../../../src/domain/job-schema.ts";

const QWEN = "Qwen/Qwen2.5-7B-Instruct";
const MISTRAL = "mistralai/Mistral-7B-Instruct-v0.3";
const parse = (hyperparameters: Hyperparameters, baseModel: string | null = null) =>
  parseChoice({ baseModel, hyperparameters });

describe("parseChoice", () => {
  it("takes the public template's values and Qwen when nothing is chosen", () => {
    expect(parse({})).toMatchObject({
      baseModel: QWEN,
      hyperparameters: {
        preset: "template",
        template: "qwen",
        contextLength: 2048,
        epochs: 5,
        batchSize: 1,
        gradientAccumulation: 8,
        learningRate: 1e-4,
        seed: 42,
        accelerator: "L4",
        gpus: 1,
        trustRemoteCode: false,
      },
    });
  });

  it("has the original's values as a preset", () => {
    expect(parse({ preset: "airflow" }, MISTRAL)).toMatchObject({
      baseModel: MISTRAL,
      hyperparameters: {
        preset: "airflow",
        template: "mistral",
        contextLength: 512,
        epochs: 12,
        batchSize: 8,
        gradientAccumulation: 1,
        learningRate: 1e-4,
        gpus: 4,
        seed: 42,
      },
    });
  });

  it("puts single settings above the preset", () => {
    expect(parse({ preset: "airflow", epochs: 3 }).hyperparameters).toEqual({
      ...parse({ preset: "airflow" }).hyperparameters,
      epochs: 3,
    });
  });

  it.each<Hyperparameters>([
    {},
    { preset: "airflow", gpus: 2 },
    { template: "chatml", loraTarget: "q_proj,v_proj", quantizationBits: 4 },
  ])("takes its own answer for %j unchanged", (hyperparameters) => {
    const parsed = parse(hyperparameters);
    expect(parseChoice(parsed)).toEqual(parsed);
  });

  it.each<[Hyperparameters, string]>([
    [{ epoch: 1 }, "hyperparameters.epoch: not known, the llama-factory recipe has preset, template"],
    [{ preset: "modern" }, "hyperparameters.preset: "],
    [{ template: "nosuch" }, "hyperparameters.template: not a template of LLaMA-Factory"],
    [{ learningRate: "abc" }, "hyperparameters.learningRate: "],
    [{ learningRate: 0 }, "hyperparameters.learningRate: "],
    [{ epochs: 0 }, "hyperparameters.epochs: "],
    [{ batchSize: 1.5 }, "hyperparameters.batchSize: "],
    [{ batchSize: null }, "hyperparameters.batchSize: "],
    [{ scheduler: "cosin" }, "hyperparameters.scheduler: "],
    [{ warmupRatio: 1 }, "hyperparameters.warmupRatio: "],
    [{ loraTarget: "q_proj,lm_head" }, "hyperparameters.loraTarget: expected all, or some of q_proj,"],
    [{ loraTarget: "q_proj,q_proj" }, "hyperparameters.loraTarget: "],
    [{ quantizationBits: 3 }, "hyperparameters.quantizationBits: "],
    [{ precision: "tf32" }, "hyperparameters.precision: "],
    [{ accelerator: "T4" }, "hyperparameters.accelerator: "],
    [{ gpus: 9 }, "hyperparameters.gpus: "],
    [{ serveGpus: 3 }, "hyperparameters.serveGpus: "],
    [{ trustRemoteCode: "yes" }, "hyperparameters.trustRemoteCode: "],
    [{ awsRegion: "us west" }, "hyperparameters.awsRegion: expected a region such as us-west-2"],
    [{ gpus: 0 }, "hyperparameters.precision: bf16 needs a GPU"],
    [{ gpus: 0, precision: "fp32", quantizationBits: 4 }, "hyperparameters.quantizationBits: needs a GPU"],
    [{ contextLength: 8192 }, "hyperparameters.servedContextLength: 4096 is less than contextLength 8192"],
    [
      { servedContextLength: 65_536 },
      "hyperparameters.servedContextLength: 65536 is more than Qwen/Qwen2.5-7B-Instruct",
    ],
    [{ serveMinReplicas: 3 }, "hyperparameters.serveMinReplicas: 3 is more than serveMaxReplicas 2"],
  ])("refuses %j and names the field", (hyperparameters, message) => {
    expect(() => parse(hyperparameters)).toThrow(message);
  });

  it("names every field at fault", () => {
    expect(() => parse({ epochs: -1, seed: "x", nosuch: 1 })).toThrow(
      /hyperparameters\.epochs: .*; hyperparameters\.seed: .*; hyperparameters\.nosuch: /,
    );
  });

  it.each([
    [
      "org/other-7b",
      "baseModel: the chat format of org/other-7b is not known; take Qwen/Qwen2.5-7B-Instruct or mistralai/",
    ],
    ["qwen", 'baseModel: "qwen" is not <organisation>/<name>'],
    ["org/a:b", 'baseModel: "org/a:b" is not <organisation>/<name>'],
    ["relative/path/model", 'baseModel: "relative/path/model" is not'],
  ])("refuses the base model %s", (baseModel, message) => {
    expect(() => parse({}, baseModel)).toThrow(message);
  });

  it("takes any other base model with its template", () => {
    expect(parse({ template: "llama3", servedContextLength: 65_536 }, "org/other-8b")).toMatchObject({
      baseModel: "org/other-8b",
      hyperparameters: { template: "llama3" },
    });
    expect(parse({ template: "qwen" }, "/models/mine").baseModel).toBe("/models/mine");
  });
});

describe("parseSettings", () => {
  it("holds the base model instead of its name and template", () => {
    expect(parseSettings({ baseModel: MISTRAL, hyperparameters: { template: "chatml" } }).baseModel).toMatchObject({
      name: MISTRAL,
      template: "chatml",
    });
  });
});
