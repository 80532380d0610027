/**
 * `npm run check:gpu-recipe`: the llama-factory recipe against the real LLaMA-Factory, Ray and vLLM, on a machine without a
 * GPU. Needs python3 3.11 or later, 16 GB of disk, and PyPI the first time; takes some minutes then. Prints what it saw,
 * ends with 1 if anything failed.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { z } from "zod";
import type { Hyperparameters } from "../../../../src/domain/job-schema.ts";
import { BASE_MODEL_NAMES, TEMPLATES } from "../../../../src/recipes/llama-factory/base-models.ts";
import { parseSettings } from "../../../../src/recipes/llama-factory/hyperparameters.ts";
import {
  RAY_VERSION,
  renderYaml,
  TRAINER_PACKAGES,
  trainingArguments,
} from "../../../../src/recipes/llama-factory/render.ts";
import { servedModelName, servingArguments } from "../../../../src/recipes/llama-factory/serving.ts";
import { startTestStack, type TestStack } from "../../../support/stack.ts";
import { startRay } from "./ray.ts";
import { type Site, siteOf, storeDataset, TINY, type Trained, trainThroughEmulator } from "./training.ts";
import { ensureVenv, run, type Venv } from "./venv.ts";

const PYTHON_TIMEOUT_MS = 10 * 60_000;
const HERE = import.meta.dirname;
/** Nothing may be downloaded: the models of this check are made here. */
const OFFLINE = { HF_HUB_OFFLINE: "1", DISABLE_VERSION_CHECK: "1", PYTHONDONTWRITEBYTECODE: "1" };

/** Both presets, and what else changes the keys. */
const SETTINGS: Hyperparameters[] = [
  { preset: "template" },
  { preset: "airflow" },
  { quantizationBits: 4, precision: "fp16", loraTarget: "q_proj,v_proj", loraRank: 9 },
];
const CHOICES = BASE_MODEL_NAMES.flatMap((baseModel) =>
  SETTINGS.map((hyperparameters) => ({ baseModel, hyperparameters })),
);

const installed = (seconds: number) => (seconds === 0 ? "there already" : `installed in ${seconds} s`);

let failures = 0;
function report(what: string, ok: boolean, details: string): void {
  if (!ok) failures++;
  process.stdout.write(`${ok ? "ok  " : "FAIL"} ${what}: ${details}\n`);
}

async function attempt<T>(what: string, work: () => Promise<T>, describe: (result: T) => string): Promise<T | null> {
  try {
    const result = await work();
    report(what, true, describe(result));
    return result;
  } catch (error) {
    report(what, false, error instanceof Error ? error.message : String(error));
    return null;
  }
}

/** Work that reports for itself, unless it breaks off. */
async function orFailure(what: string, work: Promise<void>): Promise<void> {
  await work.catch((error: unknown) => report(what, false, error instanceof Error ? error.message : String(error)));
}

const parsedSchema = z.object({ name: z.string(), problems: z.array(z.string()) });

/** LLaMA-Factory's parser takes all that we render, holds the values that we mean, and refuses another key. */
async function checkParser(venv: Venv): Promise<void> {
  const rendered = CHOICES.flatMap((choice, index) =>
    [true, false].map((validation): [string, string] => [
      `${choice.baseModel} ${JSON.stringify(choice.hyperparameters)} ${validation ? "with" : "without"} validation ${index}`,
      renderYaml(trainingArguments(parseSettings(choice), validation)),
    ]),
  );
  const unknown = rendered[0]?.[1] + "no_such_key: 1\n";
  const lines = await run(join(venv.bin, "python"), [join(HERE, "parse-arguments.py")], {
    timeoutMs: PYTHON_TIMEOUT_MS,
    env: { ...process.env, ...OFFLINE },
    input: JSON.stringify(Object.fromEntries([...rendered, ["unknown key", unknown]])),
  });
  const answers = lines
    .filter((line) => line.startsWith('{"name"'))
    .map((line) => parsedSchema.parse(JSON.parse(line)));
  const bad = answers.filter(({ name, problems }) => name !== "unknown key" && problems.length > 0);
  report(
    "LLaMA-Factory's parser",
    bad.length === 0 && answers.length === rendered.length + 1,
    `${rendered.length} YAML files parsed, ${bad.length} with problems${bad.map(({ name, problems }) => ` | ${name}: ${problems.join("; ")}`).join("")}`,
  );
  const refusal = answers.find(({ name }) => name === "unknown key")?.problems[0] ?? "";
  report("its refusal of an unknown key", refusal.includes("no_such_key"), refusal.slice(0, 120));
  const { templates } = z.object({ templates: z.array(z.string()) }).parse(JSON.parse(lines.at(-1) ?? ""));
  const same = templates.join() === [...TEMPLATES].toSorted().join();
  report("its templates", same, `${templates.length} there, ${TEMPLATES.length} known here`);
}

const servingSchema = z.object({ problems: z.array(z.string()), adapterLayers: z.number() });

/** Ray's and vLLM's classes take what we render, refuse what is wrong, and load an adapter that was trained here. */
async function checkServing(venv: Venv, stack: TestStack, trained: Trained, baseModel: string): Promise<void> {
  const uri = "s3://bucket/models/games/games-12/";
  const accepted = CHOICES.map((choice) => servingArguments(parseSettings(choice), uri));
  const settings = parseSettings({ baseModel: null, hyperparameters: {} });
  const of = (change: (text: string) => string) => JSON.parse(change(JSON.stringify(servingArguments(settings, uri))));
  const refused = [
    of((text) => text.replace('"L4"', '"L5"')),
    of((text) => text.replace("s3://", "/local/")),
    of((text) => text.replace('"max_lora_rank":8', '"max_lora_rank":9')),
    of((text) => text.replace('"enable_lora"', '"enable_lra"')),
    of((text) => text.replace('"min_replicas":1', '"min_replicas":"many"')),
  ];
  const tiny = parseSettings({ baseModel, hyperparameters: TINY });
  const adapter = {
    arguments: servingArguments(tiny, trained.modelUri),
    name: servedModelName(tiny, trained.modelUri),
  };
  const lines = await run(join(venv.bin, "python"), [join(HERE, "check-serving.py")], {
    timeoutMs: PYTHON_TIMEOUT_MS,
    env: { ...stack.fullEnvironment, ...OFFLINE },
    input: JSON.stringify({ model: baseModel, accepted, refused, adapter }),
  });
  const { problems, adapterLayers } = servingSchema.parse(JSON.parse(lines.at(-1) ?? ""));
  report(
    `LLMServingArgs of Ray ${RAY_VERSION} and vLLM's engine arguments`,
    problems.length === 0,
    `${accepted.length} applications taken, ${refused.length} wrong ones refused${problems.map((problem) => `; ${problem}`).join("")}`,
  );
  report(
    "Ray's adapter loader and vLLM's reader",
    adapterLayers > 0,
    `${adapterLayers} LoRA layers of ${adapter.name.split("/").at(-1)}`,
  );
}

function describeTraining({ trainedRecords, loss, progressLines, notes, seconds }: Trained): string {
  return `${trainedRecords} records, ${progressLines} progress lines, loss ${loss.join(" -> ")}, ${seconds} s; the log says: ${notes.join(" / ")}`;
}

/** Runs work with an emulator and S3; its jobs find these programs first. */
async function withStack(
  bins: readonly string[],
  environment: Record<string, string>,
  work: (stack: TestStack, site: Site) => Promise<void>,
): Promise<void> {
  const path = [...bins, process.env["PATH"] ?? ""].join(delimiter);
  const stack = await startTestStack({
    services: ["s3", "emulator"],
    environment: { ...OFFLINE, ...environment, PATH: path },
  });
  try {
    const site = siteOf(stack);
    await storeDataset(site);
    await work(stack, site);
  } finally {
    await stack.stop();
  }
}

/** Trains on this machine, and loads the adapter as a service would. */
async function checkAlone(trainer: Venv, server: Venv, model: string): Promise<void> {
  await withStack([trainer.bin], {}, async (stack, site) => {
    const trained = await attempt(
      "training of a tiny Qwen2 through the emulator",
      () => trainThroughEmulator(site, "tiny-1", model, TINY),
      describeTraining,
    );
    if (trained !== null) await orFailure("serving", checkServing(server, stack, trained, model));
  });
}

/** Trains on a Ray cluster, once well and once from a base model that is not there. */
async function checkCluster(trainer: Venv, server: Venv, model: string): Promise<void> {
  // Short, because Ray puts sockets below it.
  const directory = await mkdtemp(join(tmpdir(), "tl-ray-"));
  const rayEnvironment = {
    RAY_AUTH_MODE: "token",
    RAY_AUTH_TOKEN: randomBytes(24).toString("hex"),
    RAY_TMPDIR: directory,
  };
  const settings = { ...TINY, gpus: 1 };
  try {
    // Ray's Python is found first, as on a machine of the cluster.
    await withStack([server.bin, trainer.bin], rayEnvironment, async (stack, site) => {
      const ray = await startRay(server.bin, directory, stack.fullEnvironment);
      try {
        await attempt(
          "the same as a task of a Ray cluster that counts one GPU",
          () => trainThroughEmulator(site, "tiny-2", model, settings),
          describeTraining,
        );
        const ended = await trainThroughEmulator(site, "tiny-3", "/no/such/model", settings).then(
          () => "succeeded",
          (error: unknown) => (error instanceof Error ? error.message : "failed without a reason"),
        );
        const reason = /training failed: llamafactory-cli ended with exit code 1: .*/.exec(ended)?.[0];
        report("a failed training on it", reason !== undefined, reason ?? ended);
      } finally {
        await ray.stop();
      }
    });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function checkRuns(trainer: Venv, server: Venv): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "tuneloop-gpu-recipe-"));
  const model = join(directory, "tiny-qwen2");
  try {
    const made = await attempt(
      "a Qwen2 with random weights",
      () => run(join(trainer.bin, "python"), [join(HERE, "make-model.py"), model], { timeoutMs: PYTHON_TIMEOUT_MS }),
      (lines) => `${lines.at(-1)} parameters`,
    );
    if (made === null) return;
    await checkAlone(trainer, server, model);
    await checkCluster(trainer, server, model);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const trainer = await attempt(
  "environment of the trainer",
  () => ensureVenv("train", TRAINER_PACKAGES),
  ({ seconds }) => `${TRAINER_PACKAGES.join(" ")}, ${installed(seconds)}`,
);
const server = await attempt(
  "environment of the service",
  () => ensureVenv("serve", [`ray[llm]==${RAY_VERSION}`, "boto3==1.44.5"]),
  ({ seconds }) => `ray[llm]==${RAY_VERSION}, ${installed(seconds)}`,
);
if (trainer !== null) await orFailure("LLaMA-Factory's parser", checkParser(trainer));
if (trainer !== null && server !== null) await orFailure("trainings", checkRuns(trainer, server));
process.stdout.write(failures === 0 ? "all checks passed; nothing of this ran on a GPU\n" : `${failures} failed\n`);
process.exitCode = failures === 0 ? 0 : 1;
