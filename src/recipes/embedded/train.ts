/**
 * The training job of the embedded recipe. Its one argument is the `s3://` URI of a job spec; everything it does can be
 * done again: the same spec writes the same files over themselves. `model.json` comes last and means that all is there.
 */
import { gzipSync } from "node:zlib";
import type { S3Client } from "@aws-sdk/client-s3";
import type { z } from "zod";
import { datasetVersionSchema } from "../../domain/dataset-version-schema.ts";
import { jobSpecSchema } from "../../domain/job-schema.ts";
import type { JobProgress } from "../../domain/job-schema.ts";
import type { Checkpoint, ModelFile, ModelManifest } from "../../domain/model-version-schema.ts";
import { recordSchema } from "../../domain/record-schema.ts";
import { parseEmbeddedHyperparameters } from "./hyperparameters.ts";
import { learnModel, pairOf } from "./learn.ts";
import type { TextPair } from "./learn.ts";
import { saveModel } from "./model.ts";
import { parseJson } from "./json.ts";
import { createS3Client, parseS3Uri, readGzipLines, readJson, sha256OfBytes, writeObject } from "./storage.ts";

/** What the job needs of a dataset version. */
const manifestSchema = datasetVersionSchema.pick({ format: true, dataset: true, version: true, parts: true });
type Manifest = z.infer<typeof manifestSchema>;

/**
 * Runs the job; answers the exit code. What it learns and why goes to `out`, then progress, one JSON object per line; a
 * failure to `err`, as one line.
 */
export async function main(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  streams: { out: (text: string) => void; err: (text: string) => void },
): Promise<number> {
  const [specUri] = argv;
  try {
    if (specUri === undefined || argv.length > 1) throw new Error("expected one argument, the s3:// URI of a job spec");
    await runJob(specUri, createS3Client(env), (line) => streams.out(`${line}\n`));
    return 0;
  } catch (error) {
    streams.err(
      `training failed: ${(error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, " ")}\n`,
    );
    return 1;
  }
}

async function runJob(specUri: string, client: S3Client, say: (line: string) => void): Promise<void> {
  const spec = await readJson(client, specUri, jobSpecSchema);
  if (spec.baseModel !== null) throw new Error("baseModel: the embedded recipe trains from nothing, expected null");
  const hyperparameters = parseEmbeddedHyperparameters(spec.hyperparameters);
  const manifest = await readJson(client, spec.manifest, manifestSchema);
  const pairs = await readPairs(client, spec.manifest, manifest);
  const startedAt = performance.now();
  const loss: number[] = [];
  const kept: { step: number; file: Uint8Array }[] = [];
  const { saved, choice, trainedRecords, skippedRecords } = learnModel(pairs, hyperparameters, {
    onTask: ({ task, reason }) => say(`task ${task}: ${reason}`),
    onStep(step, total, stepLoss) {
      const progress: JobProgress = { step, total, loss: stepLoss === null ? null : Number(stepLoss.toFixed(6)) };
      if (progress.loss !== null) loss.push(progress.loss);
      say(JSON.stringify(progress));
    },
    onCheckpoint: (step, checkpoint) => void kept.push({ step, file: gzipSync(saveModel(checkpoint)) }),
  });
  if (skippedRecords > 0) say(`${skippedRecords} records left out, their output is not of that shape`);
  if (choice.task === "retrieval" && hyperparameters.checkpoints > 0) say("no checkpoints: nothing is fitted");
  const trainSeconds = Number(((performance.now() - startedAt) / 1000).toFixed(3));
  const { model, version } = versionAt(spec.output);
  const file = `${saved.task}.json.gz`;
  const checkpoints: Checkpoint[] = [];
  for (const { step, file: weights } of kept) {
    const name = `step-${step}`;
    checkpoints.push({
      name,
      step,
      files: [await store(client, `${spec.output}checkpoints/${name}/${file}`, weights)],
    });
  }
  const manifestOfModel: ModelManifest = {
    format: 1,
    model,
    version,
    recipe: "embedded",
    baseModel: null,
    dataset: `${manifest.dataset}@${manifest.version}`,
    task: choice.task,
    taskReason: choice.reason,
    files: [await store(client, `${spec.output}${file}`, gzipSync(saveModel(saved)))],
    checkpoints,
    trainedRecords,
    trainSeconds,
    loss,
  };
  const at = parseS3Uri(`${spec.output}model.json`);
  await writeObject(client, at, JSON.stringify(manifestOfModel, null, 2), "application/json");
}

/** The model and its version that an output URI ends in. */
function versionAt(output: string): { model: string; version: string } {
  const [model, version] = parseS3Uri(output).key.split("/").slice(-3, -1);
  if (model === undefined || version === undefined) {
    throw new Error(`output: ${output} does not end in <model>/<model version>/`);
  }
  return { model, version };
}

async function store(client: S3Client, uri: string, body: Uint8Array): Promise<ModelFile> {
  const address = parseS3Uri(uri);
  await writeObject(client, address, body, "application/gzip");
  return { key: address.key, sha256: sha256OfBytes(body), bytes: body.byteLength };
}

/** Questions and answers of the train split, in manifest order; part keys are relative to what precedes `datasets/`. */
async function readPairs(client: S3Client, manifestUri: string, manifest: Manifest): Promise<TextPair[]> {
  const { bucket, key } = parseS3Uri(manifestUri);
  const below = key.lastIndexOf(`datasets/${manifest.dataset}/versions/`);
  if (below < 0) throw new Error(`manifest: ${manifestUri} does not lie in datasets/${manifest.dataset}/versions/`);
  const pairs: TextPair[] = [];
  for (const part of manifest.parts.filter(({ split }) => split === "train")) {
    let line = 0;
    for await (const text of readGzipLines(client, { bucket, key: key.slice(0, below) + part.key }, part.sha256)) {
      line++;
      const pair = pairOf(parseJson(text, `${part.key} line ${line}`, recordSchema).messages);
      if (pair !== null) pairs.push(pair);
    }
    if (line !== part.records) throw new Error(`${part.key} has ${line} records, its manifest says ${part.records}`);
  }
  return pairs;
}
