import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { shellWord } from "../../domain/shell.ts";
import type { Recipe } from "../recipe.ts";
import { parseChoice, parseSettings } from "./hyperparameters.ts";
import { placeFiles } from "./place-files.ts";
import {
  BASE_IMAGE,
  renderContainerfile,
  renderDatasetInfo,
  renderYaml,
  servingCompute,
  TRAINER_BIN,
  trainingArguments,
  trainingCompute,
  TRAINING_ENVIRONMENT,
} from "./render.ts";
import { servedModelName, SERVING_IMPORT_PATH, servingArguments } from "./serving.ts";

/** The Python of the job, beside this module. */
const JOB_CODE = join(dirname(fileURLToPath(import.meta.url)), "job");
const JOB_FILES = [
  "train.py",
  "tuning/__init__.py",
  "tuning/dataset.py",
  "tuning/run.py",
  "tuning/storage.py",
  "tuning/trainer.py",
];

/** LoRA of a 7B instruct model by LLaMA-Factory on GPUs through Ray, served by Ray Serve LLM with the adapter from S3. */
export const llamaFactoryRecipe: Recipe = {
  name: "llama-factory",
  description: "trains LoRA adapters of 7B instruct models on GPUs",
  parse: parseChoice,

  async job({ cacheDirectory }, choice) {
    const settings = parseSettings(choice);
    const plan = {
      ...parseChoice(choice),
      gpus: settings.gpus,
      maxRecords: settings.maxRecords,
      trainerBin: TRAINER_BIN,
    };
    const image = await placeFiles(cacheDirectory, "llama-factory-image", { Containerfile: renderContainerfile() });
    const workingDirectory = await placeFiles(cacheDirectory, "llama-factory-train", {
      ...(await readFiles(JOB_CODE, JOB_FILES)),
      "plan.json": `${JSON.stringify(plan, null, 2)}\n`,
      "dataset_info.json": renderDatasetInfo(),
      "train.yaml": renderYaml(trainingArguments(settings, false)),
      "train-and-validate.yaml": renderYaml(trainingArguments(settings, true)),
    });
    return {
      workingDirectory,
      entrypoint: (specUri) => `python train.py ${shellWord(specUri)}`,
      image: { containerfile: join(image, "Containerfile") },
      compute: trainingCompute(settings),
      requirements: [],
      envVars: { ...TRAINING_ENVIRONMENT },
    };
  },

  async service({ cacheDirectory }, choice) {
    const settings = parseSettings(choice);
    return {
      // Nothing of ours is imported; whoever looks at the version finds what it was rendered from.
      workingDirectory: await placeFiles(cacheDirectory, "llama-factory-serve", {
        "settings.json": `${JSON.stringify(parseChoice(choice), null, 2)}\n`,
      }),
      importPath: SERVING_IMPORT_PATH,
      args: (modelUri) => servingArguments(settings, modelUri),
      modelName: (modelUri) => servedModelName(settings, modelUri),
      image: { imageUri: BASE_IMAGE },
      compute: servingCompute(settings),
      requirements: [],
      envVars: {},
    };
  },
};

async function readFiles(directory: string, names: readonly string[]): Promise<Record<string, string>> {
  const texts = names.map(async (name) => [name, await readFile(join(directory, name), "utf8")] as const);
  return Object.fromEntries(await Promise.all(texts));
}
