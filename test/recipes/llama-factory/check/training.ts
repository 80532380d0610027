/** Whole trainings of a tiny model through the emulator, with S3 and the recipe's own job, as a pipeline would run them. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { GetObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { gzipSync } from "node:zlib";
import { createAnyscaleCompute } from "../../../../src/adapters/anyscale-compute.ts";
import { createS3Client } from "../../../../src/adapters/s3-object-store.ts";
import { AnyscaleClient } from "../../../../src/anyscale/client.ts";
import { LOCAL_BUCKET, LOCAL_REGION } from "../../../../src/dev/s3-server.ts";
import type { Hyperparameters } from "../../../../src/domain/job-schema.ts";
import { jobProgressSchema } from "../../../../src/domain/job-schema.ts";
import { modelManifestSchema } from "../../../../src/domain/model-version-schema.ts";
import { createRecipeCatalog } from "../../../../src/recipes/catalog.ts";
import { loadRecipes } from "../../../../src/recipes/index.ts";
import type { TestStack } from "../../../support/stack.ts";

const TIMEOUT_SECONDS = 900;
const MODEL = "tiny";
const BUCKET = `s3://${LOCAL_BUCKET}`;

/** Settings for a model of 100,000 parameters on a CPU; everything else is as for 7B. */
export const TINY: Hyperparameters = {
  template: "qwen",
  gpus: 0,
  precision: "fp32",
  contextLength: 256,
  epochs: 4,
  batchSize: 4,
  gradientAccumulation: 1,
  learningRate: 0.01,
  loggingSteps: 4,
  evalSteps: 10,
};

/** What a training left behind. */
export interface Trained {
  modelUri: string;
  trainedRecords: number;
  /** Training loss of the first and of the last progress line. */
  loss: [number, number];
  progressLines: number;
  notes: string[];
  seconds: number;
}

/** Where trainings run: an emulator and the S3 that its jobs see. */
export interface Site {
  stateDirectory: string;
  s3: S3Client;
  anyscale: AnyscaleClient;
}

/** The site of a stack with both. */
export function siteOf({ stateDirectory, environment }: TestStack): Site {
  const of = (name: string) => {
    const value = environment[name];
    if (value === undefined) throw new Error(`the stack has no ${name}`);
    return value;
  };
  const credentials = { accessKeyId: of("AWS_ACCESS_KEY_ID"), secretAccessKey: of("AWS_SECRET_ACCESS_KEY") };
  return {
    stateDirectory,
    s3: createS3Client({ endpoint: of("AWS_ENDPOINT_URL"), region: LOCAL_REGION, credentials }),
    anyscale: new AnyscaleClient({ host: of("ANYSCALE_HOST"), token: of("ANYSCALE_CLI_TOKEN") }),
  };
}

/** Writes a small dataset version for all trainings of a site. */
export async function storeDataset(site: Site): Promise<void> {
  const records = (count: number) =>
    Array.from({ length: count }, (_, index) => {
      const messages = [
        { role: "system", content: "Answer with a function." },
        { role: "user", content: `give me opinion number ${index} on a game` },
        { role: "assistant", content: `give_opinion(number[${index}])` },
      ];
      return `${JSON.stringify({ messages })}\n`;
    });
  const parts = [];
  for (const [split, count] of [
    ["train", 64],
    ["train", 16],
    ["valid", 8],
  ] as const) {
    const bytes = gzipSync(records(count).join(""));
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const key = `datasets/${MODEL}/parts/${sha256}.jsonl.gz`;
    await put(site, key, bytes);
    parts.push({ key, sha256, split, records: count });
  }
  const manifest = { format: 1, dataset: MODEL, version: 1, parts };
  await put(site, `datasets/${MODEL}/versions/000001.json`, JSON.stringify(manifest));
}

/** Submits the rendered job, waits for its end and checks what it stored. Throws with the job's log when it failed. */
export async function trainThroughEmulator(
  site: Site,
  version: string,
  baseModel: string,
  hyperparameters: Hyperparameters,
): Promise<Trained> {
  const startedAt = performance.now();
  const catalog = createRecipeCatalog(loadRecipes([]), join(site.stateDirectory, "recipes"));
  const chosen = catalog.check({ name: "llama-factory", baseModel, hyperparameters });
  const modelUri = `${BUCKET}/models/${MODEL}/${version}/`;
  const manifest = `${BUCKET}/datasets/${MODEL}/versions/000001.json`;
  const { name: _name, ...choice } = chosen;
  await put(
    site,
    `models/${MODEL}/${version}/spec.json`,
    JSON.stringify({ format: 1, manifest, output: modelUri, ...choice }),
  );
  const { jobs } = site.anyscale;
  const { id } = await createAnyscaleCompute(site.anyscale).submitJob({
    ...(await catalog.renderJob(chosen, `${modelUri}spec.json`)),
    name: `train-${version}`,
    maxRetries: 0,
    timeoutSeconds: TIMEOUT_SECONDS,
    cloud: null,
    tags: {},
  });
  const { outcome } = await jobs.wait(id, { timeoutMs: TIMEOUT_SECONDS * 1000, pollMs: 1000 });
  const log = await jobs.logTail(id, { maxLines: 500 });
  if (outcome !== "succeeded") throw new Error(`the job ${outcome}:\n${log.join("\n")}`);
  return {
    ...(await checkModel(site, version, log)),
    modelUri,
    seconds: Math.round((performance.now() - startedAt) / 1000),
  };
}

async function checkModel(site: Site, version: string, log: readonly string[]) {
  const model = modelManifestSchema.parse(
    JSON.parse((await get(site, `models/${MODEL}/${version}/model.json`)).toString()),
  );
  for (const { key, sha256, bytes } of model.files) {
    const body = await get(site, key);
    if (body.byteLength !== bytes || createHash("sha256").update(body).digest("hex") !== sha256)
      throw new Error(`${key} is not what model.json says`);
  }
  const names = model.files.map(({ key }) => key.split("/").at(-1));
  const expected = ["adapter_config.json", "adapter_model.safetensors", "trainer_log.jsonl", "all_results.json"];
  if (names.join() !== expected.join()) throw new Error(`model.json lists ${names.join()}`);
  const progress = log.filter((line) => line.startsWith("{")).map((line) => jobProgressSchema.parse(JSON.parse(line)));
  const [first, last] = [model.loss.at(0), model.loss.at(-1)];
  if (first === undefined || last === undefined || !(last < first))
    throw new Error(`nothing was learnt: the loss went from ${first} to ${last}`);
  const loss: [number, number] = [first, last];
  const notes = log.filter((line) => !line.startsWith("{"));
  return { trainedRecords: model.trainedRecords, loss, progressLines: progress.length, notes };
}

async function put({ s3 }: Site, key: string, body: string | Uint8Array): Promise<void> {
  await s3.send(new PutObjectCommand({ Bucket: LOCAL_BUCKET, Key: key, Body: body }));
}

async function get({ s3 }: Site, key: string): Promise<Buffer> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: LOCAL_BUCKET, Key: key }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}
