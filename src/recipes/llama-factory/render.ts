/** Settings to everything a training job is made of. Pure: the same settings give the same text. */
import { stringify } from "yaml";
import type { ComputeShape, NodeShape } from "../../domain/compute-schema.ts";
import type { LlamaFactorySettings } from "./hyperparameters.ts";

/** Image of Anyscale with Ray 2.57.0, vLLM and Python 3.12. */
export const BASE_IMAGE = "anyscale/ray-llm:2.57.0-py312-cu130";

/** Ray's version in the image; what is rendered for the service is checked against its schema. */
export const RAY_VERSION = "2.57.0";

/** Directory of the image with LLaMA-Factory's programs. */
export const TRAINER_BIN = "/opt/llama-factory/bin";

/**
 * What trains. torch, torchvision and torchaudio must be of one release: left to itself, pip takes the newest of each, and
 * torchaudio then refuses to be imported. `npm run check:gpu-recipe` installs this very list.
 */
export const TRAINER_PACKAGES: readonly string[] = [
  "llamafactory==0.9.5",
  "torch==2.11.0",
  "torchvision==0.26.0",
  "torchaudio==2.11.0",
  "transformers==5.6.0",
  "peft==0.18.1",
  "trl==0.24.0",
  "accelerate==1.11.0",
  "datasets==4.0.0",
  "bitsandbytes==0.50.2",
  "boto3==1.44.5",
];

/** Names in `dataset_info.json`, of the files beside it, and in the rendered YAML. */
const DATASETS = { train: "train", valid: "valid" } as const;

/** What each GPU gets of its machine: the smallest machines with one of these GPUs have this much. */
const PER_GPU = { cpus: 8, memoryGiB: 32 };
/** Of machines without a GPU: the head, which only starts the work. */
const HEAD = { resources: { cpus: 8, memoryGiB: 32, gpus: 0, accelerator: null } };

/** LLaMA-Factory's arguments, by their names there. */
export type TrainingArguments = Record<string, string | number | boolean>;

/**
 * The arguments of `llamafactory-cli train`, run in a directory with `data/`; it writes to `out/`. No checkpoints: they
 * would lie on a machine that is gone when the job is tried again.
 *
 * @param validation whether there are records to measure the loss on meanwhile
 */
export function trainingArguments(settings: LlamaFactorySettings, validation: boolean): TrainingArguments {
  const onCpu = settings.gpus === 0;
  return {
    model_name_or_path: settings.baseModel.name,
    trust_remote_code: settings.trustRemoteCode,
    ...(settings.quantizationBits === null
      ? {}
      : { quantization_bit: settings.quantizationBits, quantization_method: "bnb" }),
    stage: "sft",
    do_train: true,
    finetuning_type: "lora",
    lora_rank: settings.loraRank,
    lora_alpha: settings.loraAlpha ?? 2 * settings.loraRank,
    lora_dropout: settings.loraDropout,
    lora_target: settings.loraTarget,
    dataset_dir: "data",
    dataset: DATASETS.train,
    template: settings.baseModel.template,
    cutoff_len: settings.contextLength,
    overwrite_cache: true,
    preprocessing_num_workers: Math.max(1, 4 * settings.gpus),
    dataloader_num_workers: onCpu ? 0 : 4,
    output_dir: "out",
    report_to: "none",
    save_strategy: "no",
    logging_steps: settings.loggingSteps,
    // Else a training shorter than that would end without any loss.
    logging_first_step: true,
    per_device_train_batch_size: settings.batchSize,
    gradient_accumulation_steps: settings.gradientAccumulation,
    learning_rate: settings.learningRate,
    num_train_epochs: settings.epochs,
    lr_scheduler_type: settings.scheduler,
    // Below 1, transformers 5 reads it as a share of all steps; its `warmup_ratio` goes away.
    warmup_steps: settings.warmupRatio,
    weight_decay: settings.weightDecay,
    seed: settings.seed,
    bf16: settings.precision === "bf16",
    fp16: settings.precision === "fp16",
    // Seconds that one GPU waits for the others; they wait while the first one tokenises.
    ddp_timeout: 180_000_000,
    ...(onCpu ? { use_cpu: true } : {}),
    ...(validation
      ? {
          eval_dataset: DATASETS.valid,
          eval_strategy: "steps",
          eval_steps: settings.evalSteps,
          per_device_eval_batch_size: settings.batchSize,
        }
      : {}),
  };
}

/**
 * Arguments as the YAML that LLaMA-Factory reads: it is of version 1.1, where a bare `no` is false. (It also says that it
 * reads JSON, and crashes.)
 */
export function renderYaml(values: TrainingArguments): string {
  return stringify(values, { version: "1.1", lineWidth: 0 });
}

/** `dataset_info.json`: where the records of each split are and how a chat reads in them. */
export function renderDatasetInfo(): string {
  const entry = (name: string) => ({
    file_name: `${name}.jsonl`,
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
  return `${JSON.stringify(Object.fromEntries(Object.values(DATASETS).map((name) => [name, entry(name)])), null, 2)}\n`;
}

/** The image to train in. LLaMA-Factory has its own Python environment, so that it takes nothing away from Ray's. */
export function renderContainerfile(): string {
  return `FROM ${BASE_IMAGE}
RUN sudo mkdir -p /opt/llama-factory && sudo chown "$(id -u)" /opt/llama-factory \\
 && python -m venv /opt/llama-factory \\
 && ${TRAINER_BIN}/pip install --no-cache-dir \\
      ${TRAINER_PACKAGES.join(" \\\n      ")}
`;
}

/** Environment of the job. */
export const TRAINING_ENVIRONMENT: Readonly<Record<string, string>> = {
  // The versions are pinned above and were seen to work together; LLaMA-Factory's own ranges may be narrower.
  DISABLE_VERSION_CHECK: "1",
};

/** Machines to train on: a head without GPU and one with all GPUs, bought when the job asks for it. Null on the CPU. */
export function trainingCompute({ accelerator, gpus, spot }: LlamaFactorySettings): ComputeShape | null {
  if (gpus === 0) return null;
  const market = spot ? "PREFER_SPOT" : "ON_DEMAND";
  return {
    head: HEAD,
    workers: [{ name: "train", node: gpuNode(accelerator, gpus), minNodes: 0, maxNodes: 1, market }],
  };
}

/** Machines to serve on: one for each replica. */
export function servingCompute(settings: LlamaFactorySettings): ComputeShape {
  const { serveAccelerator, serveGpus, serveMinReplicas, serveMaxReplicas } = settings;
  return {
    head: HEAD,
    workers: [
      {
        name: "serve",
        node: gpuNode(serveAccelerator, serveGpus),
        minNodes: serveMinReplicas,
        maxNodes: serveMaxReplicas,
        market: "ON_DEMAND",
      },
    ],
  };
}

function gpuNode(accelerator: string, gpus: number): NodeShape {
  return { resources: { cpus: gpus * PER_GPU.cpus, memoryGiB: gpus * PER_GPU.memoryGiB, gpus, accelerator } };
}
