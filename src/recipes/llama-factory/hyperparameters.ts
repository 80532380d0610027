import { z } from "zod";
import type { Hyperparameters } from "../../domain/job-schema.ts";
import type { RecipeChoice } from "../recipe.ts";
import { type BaseModel, DEFAULT_BASE_MODEL, findBaseModel, TEMPLATES } from "./base-models.ts";

/** Kinds of GPU that a 7B model fits on for training and serving, as Ray and Anyscale name them. */
export const ACCELERATORS = ["L4", "A10G", "L40S", "A100-40G", "A100-80G", "H100", "H200"] as const;

/** Linear layers that both base models have, which the service can take an adapter for. */
const LORA_TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];

/**
 * What a user may set. LLaMA-Factory's own parser takes wrong names and types (`learning_rate: abc`), which would then
 * fail on a paid machine: every value is checked here.
 */
const settingsSchema = z.strictObject({
  /** Where the values come from that are not set one by one. */
  preset: z.enum(["template", "airflow"]),
  /** LLaMA-Factory's chat format; null for that of the base model. */
  template: z.enum(TEMPLATES).nullable(),
  /** Whether code that comes with the base model may run, in training and in serving. */
  trustRemoteCode: z.boolean(),
  /** Tokens of a record; what is longer is cut. */
  contextLength: z.int().min(64).max(131_072),
  epochs: z.number().gt(0).max(1000),
  /** Most records to train on, the first ones; null for all. */
  maxRecords: z.int().min(1).nullable(),
  /** Records of one step on one GPU. */
  batchSize: z.int().min(1).max(1024),
  /** Steps whose gradients make one update of the weights. */
  gradientAccumulation: z.int().min(1).max(1024),
  learningRate: z.number().gt(0).max(1),
  scheduler: z.enum(["linear", "cosine", "constant", "constant_with_warmup", "inverse_sqrt", "polynomial"]),
  /** Share of the updates in which the learning rate rises. */
  warmupRatio: z.number().min(0).lt(1),
  weightDecay: z.number().min(0).max(1),
  loraRank: z.int().min(1).max(512),
  /** Null for twice the rank. */
  loraAlpha: z.int().min(1).max(4096).nullable(),
  loraDropout: z.number().min(0).lt(1),
  /** `all`, or names of layers with commas between. */
  loraTarget: z.string().refine(isLoraTarget, `expected all, or some of ${LORA_TARGETS.join(",")} with commas between`),
  /** Bits of the base model's weights in training (QLoRA); null for all of them. */
  quantizationBits: z.union([z.literal(4), z.literal(8)]).nullable(),
  precision: z.enum(["bf16", "fp16", "fp32"]),
  seed: z.int().min(0).max(4_294_967_295),
  /** Updates between two progress lines. */
  loggingSteps: z.int().min(1).max(100_000),
  /** Updates between two measurements of the loss on the valid split. */
  evalSteps: z.int().min(1).max(1_000_000),
  accelerator: z.enum(ACCELERATORS),
  /** GPUs to train on, all in one machine; 0 trains on the CPU, for tests with tiny models. */
  gpus: z.int().min(0).max(8),
  /** Whether to train on machines that the cloud may take back, where there are any. */
  spot: z.boolean(),
  /** Tokens of prompt and answer that the service takes. */
  servedContextLength: z.int().min(64).max(131_072),
  serveAccelerator: z.enum(ACCELERATORS),
  /** GPUs of one replica. */
  serveGpus: z.union([z.literal(1), z.literal(2), z.literal(4), z.literal(8)]),
  serveMinReplicas: z.int().min(1).max(100),
  serveMaxReplicas: z.int().min(1).max(100),
  /** Region of the bucket for the service; null where its machines know it. */
  awsRegion: z
    .string()
    .regex(/^[a-z0-9-]{1,40}$/, "expected a region such as us-west-2")
    .nullable(),
});

type Values = z.infer<typeof settingsSchema>;

/** Settings that were checked, with the base model that they are for. */
export interface LlamaFactorySettings extends Omit<Values, "template"> {
  baseModel: BaseModel;
}

/** Values of Anyscale's public fine-tuning and serving templates for 7B models on L4. */
const TEMPLATE: Values = {
  preset: "template",
  template: null,
  trustRemoteCode: false,
  contextLength: 2048,
  epochs: 5,
  maxRecords: null,
  batchSize: 1,
  gradientAccumulation: 8,
  learningRate: 1e-4,
  scheduler: "cosine",
  warmupRatio: 0.1,
  weightDecay: 0,
  loraRank: 8,
  loraAlpha: null,
  loraDropout: 0,
  loraTarget: "all",
  quantizationBits: null,
  precision: "bf16",
  seed: 42,
  loggingSteps: 10,
  evalSteps: 125,
  accelerator: "L4",
  gpus: 1,
  spot: false,
  servedContextLength: 4096,
  serveAccelerator: "L4",
  serveGpus: 1,
  serveMinReplicas: 1,
  serveMaxReplicas: 2,
  awsRegion: null,
};

/** What each preset stands for. */
export const PRESETS: Readonly<Record<Values["preset"], Readonly<Values>>> = {
  template: TEMPLATE,
  airflow: {
    ...TEMPLATE,
    preset: "airflow",
    contextLength: 512,
    epochs: 12,
    batchSize: 8,
    gradientAccumulation: 1,
    gpus: 4,
  },
};

/**
 * Checks a choice and fills in the preset's values and the default base model; its own answers come back unchanged.
 * Throws one line that names each field at fault.
 */
export function parseChoice(choice: RecipeChoice): { baseModel: string; hyperparameters: Hyperparameters } {
  const { values, baseModel } = check(choice);
  return { baseModel: baseModel.name, hyperparameters: { ...values, template: baseModel.template } };
}

/** The settings of a choice, for rendering. Throws as `parseChoice` does. */
export function parseSettings(choice: RecipeChoice): LlamaFactorySettings {
  const { values, baseModel } = check(choice);
  const { template: _template, ...settings } = values;
  return { ...settings, baseModel };
}

function check({ baseModel, hyperparameters }: RecipeChoice): { values: Values; baseModel: BaseModel } {
  const { preset } = z.object({ preset: settingsSchema.shape.preset.catch("template") }).parse(hyperparameters);
  const parsed = settingsSchema.safeParse({ ...PRESETS[preset], ...hyperparameters });
  if (!parsed.success) throw new Error(parsed.error.issues.map(describeIssue).join("; "));
  const found = findBaseModel(baseModel ?? DEFAULT_BASE_MODEL, parsed.data.template);
  const problems = "problem" in found ? [found.problem] : crossProblems(parsed.data, found);
  if ("problem" in found || problems.length > 0) throw new Error(problems.join("; "));
  return { values: parsed.data, baseModel: found };
}

/** What is wrong with values that are each right. */
function crossProblems(values: Values, { name, longestContext }: BaseModel): string[] {
  const { contextLength, servedContextLength, gpus, precision, quantizationBits } = values;
  const problems: string[] = [];
  const refuse = (field: keyof Values, reason: string) => problems.push(`hyperparameters.${field}: ${reason}`);
  if (gpus === 0 && precision !== "fp32") refuse("precision", `${precision} needs a GPU, set fp32 or gpus`);
  if (gpus === 0 && quantizationBits !== null) refuse("quantizationBits", "needs a GPU, set null or gpus");
  if (servedContextLength < contextLength) {
    refuse(
      "servedContextLength",
      `${servedContextLength} is less than contextLength ${contextLength}: the service would refuse records that it was trained on`,
    );
  }
  if (longestContext !== null && servedContextLength > longestContext) {
    refuse("servedContextLength", `${servedContextLength} is more than ${name} takes, ${longestContext}`);
  }
  if (values.serveMinReplicas > values.serveMaxReplicas) {
    refuse("serveMinReplicas", `${values.serveMinReplicas} is more than serveMaxReplicas ${values.serveMaxReplicas}`);
  }
  return problems;
}

function describeIssue(issue: z.core.$ZodIssue): string {
  if (issue.code === "unrecognized_keys") {
    const known = Object.keys(settingsSchema.shape).join(", ");
    return `${issue.keys.map((key) => `hyperparameters.${key}`).join(", ")}: not known, the llama-factory recipe has ${known}`;
  }
  const field = ["hyperparameters", ...issue.path].join(".");
  if (issue.path[0] === "template" && issue.code === "invalid_value") {
    return `${field}: not a template of LLaMA-Factory, expected such as qwen, mistral, llama3, gemma3 or phi4`;
  }
  return `${field}: ${issue.message}`;
}

function isLoraTarget(text: string): boolean {
  return (
    text === "all" ||
    text.split(",").every((name, index, all) => LORA_TARGETS.includes(name) && all.indexOf(name) === index)
  );
}
