import { assert as check, boolean, constantFrom, double, integer, property, record } from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { Hyperparameters } from "../../../src/domain/job-schema.ts";
import { ACCELERATORS, parseSettings } from "../../../src/recipes/llama-factory/hyperparameters.ts";
import {
  BASE_IMAGE,
  renderContainerfile,
  renderDatasetInfo,
  renderYaml,
  servingCompute,
  TRAINER_PACKAGES,
  trainingArguments,
  trainingCompute,
} from "../../../src/recipes/llama-factory/render.ts";

const settingsOf = (hyperparameters: Hyperparameters, baseModel: string | null = null) =>
  parseSettings({ baseModel, hyperparameters });

const choices = record(
  {
    preset: constantFrom("template", "airflow"),
    trustRemoteCode: boolean(),
    contextLength: integer({ min: 64, max: 4096 }),
    epochs: double({ min: 0.01, max: 1000, noNaN: true }),
    batchSize: integer({ min: 1, max: 1024 }),
    learningRate: double({ min: 1e-12, max: 1, noNaN: true }),
    scheduler: constantFrom("linear", "cosine", "constant", "constant_with_warmup", "inverse_sqrt", "polynomial"),
    warmupRatio: double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    loraRank: integer({ min: 1, max: 512 }),
    loraTarget: constantFrom("all", "q_proj", "q_proj,v_proj"),
    quantizationBits: constantFrom(null, 4, 8),
    precision: constantFrom("bf16", "fp16", "fp32"),
    seed: integer({ min: 0, max: 4_294_967_295 }),
    gpus: integer({ min: 1, max: 8 }),
    accelerator: constantFrom(...ACCELERATORS),
  },
  { requiredKeys: [] },
);

describe("trainingArguments", () => {
  it("is what LLaMA-Factory gets for Mistral with the original's values", () => {
    expect(renderYaml(trainingArguments(settingsOf({ preset: "airflow" }, "mistralai/Mistral-7B-Instruct-v0.3"), true)))
      .toBe(`model_name_or_path: mistralai/Mistral-7B-Instruct-v0.3
trust_remote_code: false
stage: sft
do_train: true
finetuning_type: lora
lora_rank: 8
lora_alpha: 16
lora_dropout: 0
lora_target: all
dataset_dir: data
dataset: train
template: mistral
cutoff_len: 512
overwrite_cache: true
preprocessing_num_workers: 16
dataloader_num_workers: 4
output_dir: out
report_to: none
save_strategy: "no"
logging_steps: 10
logging_first_step: true
per_device_train_batch_size: 8
gradient_accumulation_steps: 1
learning_rate: 0.0001
num_train_epochs: 12
lr_scheduler_type: cosine
warmup_steps: 0.1
weight_decay: 0
seed: 42
bf16: true
fp16: false
ddp_timeout: 180000000
eval_dataset: valid
eval_strategy: steps
eval_steps: 125
per_device_eval_batch_size: 8
`);
  });

  it("differs for Qwen with the template's values in these lines alone", () => {
    const original = trainingArguments(settingsOf({ preset: "airflow" }, "mistralai/Mistral-7B-Instruct-v0.3"), true);
    expect(trainingArguments(settingsOf({}), true)).toEqual({
      ...original,
      model_name_or_path: "Qwen/Qwen2.5-7B-Instruct",
      template: "qwen",
      cutoff_len: 2048,
      num_train_epochs: 5,
      per_device_train_batch_size: 1,
      per_device_eval_batch_size: 1,
      gradient_accumulation_steps: 8,
      preprocessing_num_workers: 4,
    });
  });

  it("names no validation when there are no records for it, which the trainer would refuse", () => {
    const keys = Object.keys(trainingArguments(settingsOf({}), false));
    expect(keys.filter((key) => key.includes("eval"))).toEqual([]);
  });

  it("quantises with bitsandbytes when told", () => {
    expect(trainingArguments(settingsOf({ quantizationBits: 4 }), false)).toMatchObject({
      quantization_bit: 4,
      quantization_method: "bnb",
      finetuning_type: "lora",
    });
  });

  it("asks for the CPU, without worker processes, when there is no GPU", () => {
    expect(trainingArguments(settingsOf({ gpus: 0, precision: "fp32" }), false)).toMatchObject({
      use_cpu: true,
      bf16: false,
      fp16: false,
      dataloader_num_workers: 0,
      preprocessing_num_workers: 1,
    });
  });
});

describe("renderYaml", () => {
  it("reads back as the same values, with YAML's words of version 1.1, for all settings", () => {
    check(
      property(choices, boolean(), (choice, validation) => {
        const values = trainingArguments(settingsOf(choice), validation);
        expect(parse(renderYaml(values), { version: "1.1" })).toEqual(values);
      }),
    );
  });

  it("keeps a small learning rate a number and words that mean false or null text", () => {
    expect(renderYaml({ learning_rate: 1e-7, save_strategy: "no", name: "null" })).toBe(
      'learning_rate: 1e-7\nsave_strategy: "no"\nname: "null"\n',
    );
  });
});

describe("renderDatasetInfo", () => {
  it("reads both files as chats with the roles that records have", () => {
    const info = JSON.parse(renderDatasetInfo());
    expect(Object.keys(info)).toEqual(["train", "valid"]);
    expect(info.valid).toEqual({
      file_name: "valid.jsonl",
      formatting: "sharegpt",
      columns: { messages: "messages" },
      tags: {
        role_tag: "role",
        content_tag: "content",
        user_tag: "user",
        assistant_tag: "assistant",
        system_tag: "system",
      },
    });
  });
});

describe("renderContainerfile", () => {
  it("pins the image and every package, torch and its companions of one release", () => {
    const text = renderContainerfile();
    expect(text).toMatch(new RegExp(`^FROM ${BASE_IMAGE}\n`));
    for (const name of TRAINER_PACKAGES) {
      expect(name).toMatch(/^[\w-]+==[\d.]+$/);
      expect(text).toContain(` ${name}`);
    }
    expect(TRAINER_PACKAGES).toEqual(
      expect.arrayContaining(["llamafactory==0.9.5", "torch==2.11.0", "torchvision==0.26.0", "torchaudio==2.11.0"]),
    );
  });
});

describe("trainingCompute", () => {
  it("has a head without GPU and one machine with all GPUs, bought on demand", () => {
    expect(trainingCompute(settingsOf({ preset: "airflow", accelerator: "L40S" }))).toEqual({
      head: { resources: { cpus: 8, memoryGiB: 32, gpus: 0, accelerator: null } },
      workers: [
        {
          name: "train",
          node: { resources: { cpus: 32, memoryGiB: 128, gpus: 4, accelerator: "L40S" } },
          minNodes: 0,
          maxNodes: 1,
          market: "ON_DEMAND",
        },
      ],
    });
  });

  it("takes machines that can be taken back when told", () => {
    expect(trainingCompute(settingsOf({ spot: true }))?.workers[0]?.market).toBe("PREFER_SPOT");
  });

  it("leaves the machines to the account where no GPU is needed", () => {
    expect(trainingCompute(settingsOf({ gpus: 0, precision: "fp32" }))).toBeNull();
  });
});

describe("servingCompute", () => {
  it("has a machine for each replica", () => {
    const { workers } = servingCompute(
      settingsOf({ serveGpus: 2, serveAccelerator: "H100", serveMinReplicas: 2, serveMaxReplicas: 5 }),
    );
    expect(workers).toMatchObject([
      { node: { resources: { gpus: 2, accelerator: "H100" } }, minNodes: 2, maxNodes: 5, market: "ON_DEMAND" },
    ]);
  });
});
