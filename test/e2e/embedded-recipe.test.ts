import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { generateSample } from "../../src/dev/sample-data.ts";
import type { DatasetVersion, Part } from "../../src/domain/dataset-version-schema.ts";
import { jobProgressSchema } from "../../src/domain/job-schema.ts";
import { modelManifestSchema } from "../../src/domain/model-version-schema.ts";
import type { TrainingRecord } from "../../src/domain/record-schema.ts";
import { parseFrame } from "../../src/recipes/embedded/frame.ts";
import { findRecipe, loadRecipes } from "../../src/recipes/index.ts";
import type { RecipeJob, RecipeService } from "../../src/recipes/index.ts";
import { startTestStack, type TestStack } from "../support/stack.ts";

const BUCKET = "tuneloop";
const ROOT = "team/a/";

let stack: TestStack;
let client: S3Client;
let cacheDirectory: string;
let job: RecipeJob;
let service: RecipeService;

beforeAll(async () => {
  stack = await startTestStack({ services: ["s3"] });
  cacheDirectory = await mkdtemp(join(tmpdir(), "tuneloop-recipes-"));
  const recipe = findRecipe("embedded", loadRecipes([]));
  const choice = recipe.parse({ baseModel: null, hyperparameters: {} });
  job = await recipe.job({ cacheDirectory }, choice);
  service = await recipe.service({ cacheDirectory }, choice);
  const { AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = stack.environment;
  client = new S3Client({
    endpoint: AWS_ENDPOINT_URL ?? "",
    region: AWS_REGION ?? "",
    credentials: { accessKeyId: AWS_ACCESS_KEY_ID ?? "", secretAccessKey: AWS_SECRET_ACCESS_KEY ?? "" },
    forcePathStyle: true,
  });
});

afterAll(async () => {
  client.destroy();
  await stack.stop();
  await rm(cacheDirectory, { recursive: true, force: true });
});

afterEach(() => {
  vi.unstubAllEnvs();
});

const sha256 = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex");
const put = (key: string, body: Uint8Array | string): Promise<unknown> =>
  client.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: body }));

async function get(key: string): Promise<Buffer> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}

/** Writes a part of generated records; a line separator that JSON allows in strings is in each of them. */
async function aPart(
  seed: number,
  split: Part["split"],
  change: Partial<Part> = {},
  outputs: "frames" | "labels" | "answers" = "frames",
): Promise<Part> {
  const records = generateSample({ seed, count: 60, split: "train", outputs }).map(
    ({ messages, source, id, receivedAt }) => {
      const said = messages.map((message) => ({
        ...message,
        content: `${message.content}${message.role === "system" ? "\u2028" : ""}`,
      }));
      const record: TrainingRecord = {
        id: sha256(JSON.stringify(said)),
        messages: said,
        source,
        sourceItem: id,
        receivedAt,
        author: null,
        group: id,
        labels: {},
      };
      return JSON.stringify(record);
    },
  );
  const bytes = gzipSync(`${records.join("\n")}\n`);
  const key = `datasets/games/parts/${sha256(bytes)}.jsonl.gz`;
  await put(ROOT + key, bytes);
  return {
    key,
    sha256: sha256(bytes),
    split,
    records: records.length,
    source: "discord",
    bytes: bytes.length,
    ...change,
  };
}

/** Writes a manifest over the parts and a spec for it; answers the URI of the spec. */
async function aSpec(version: string, parts: Part[], hyperparameters: object = {}): Promise<string> {
  const manifest: DatasetVersion = {
    format: 1,
    dataset: "games",
    version: 12,
    parent: null,
    createdAt: "2026-01-05T08:00:00Z",
    contentHash: sha256(version),
    records: { train: 0, valid: 0, test: 0 },
    split: { valid: 0.05, test: 0.1 },
    perSource: {},
    failedSources: {},
    parts,
    ids: [],
    batches: [],
    cursors: {},
  };
  const key = `${ROOT}datasets/games/versions/${version}.json`;
  await put(key, JSON.stringify(manifest));
  const output = `s3://${BUCKET}/${ROOT}models/games/${version}/`;
  const spec = { format: 1, manifest: `s3://${BUCKET}/${key}`, output, baseModel: null, hyperparameters };
  await put(`${ROOT}jobs/${version}.json`, JSON.stringify(spec));
  return `s3://${BUCKET}/${ROOT}jobs/${version}.json`;
}

async function train(specUri: string): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn("/bin/sh", ["-c", job.entrypoint(specUri).replace(/^node/, process.execPath)], {
    cwd: job.workingDirectory,
    env: stack.fullEnvironment,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await ended, out, err };
}

async function serve(modelUri: string): Promise<(request: Request) => Promise<Response>> {
  for (const [name, value] of Object.entries(stack.environment)) vi.stubEnv(name, value);
  const module = await import(/* @vite-ignore */ join(service.workingDirectory, "serve.mjs"));
  return await module.handler(service.args(modelUri));
}

async function ask(service: (request: Request) => Promise<Response>, model: string, question: string): Promise<string> {
  const body = JSON.stringify({ model, messages: [{ role: "user", content: question }] });
  const response = await service(new Request("http://service/v1/chat/completions", { method: "POST", body }));
  const completion = await response.json();
  return completion.choices[0].message.content;
}

describe("embedded recipe", () => {
  it("trains a model on the train parts only, and serves it", async () => {
    const parts = [await aPart(1, "train"), await aPart(2, "train"), await aPart(3, "valid"), await aPart(4, "test")];
    const { code, out, err } = await train(await aSpec("games-12", parts, { epochs: 8 }));
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const [task, ...lines] = out.trimEnd().split("\n");
    expect(task).toBe(
      "task frames: 100.0 % of the 120 training outputs read as function calls, function(attribute[value], ...)",
    );
    const progress = lines.map((line) => jobProgressSchema.parse(JSON.parse(line)));
    expect(progress.map(({ step, total }) => `${step}/${total}`)).toEqual(
      [1, 2, 3, 4, 5, 6, 7, 8].map((step) => `${step}/8`),
    );
    const manifest = modelManifestSchema.parse(
      JSON.parse((await get(`${ROOT}models/games/games-12/model.json`)).toString()),
    );
    expect(manifest).toMatchObject({
      model: "games",
      version: "games-12",
      recipe: "embedded",
      dataset: "games@12",
      task: "frames",
      taskReason: task?.slice("task frames: ".length),
      checkpoints: [],
      trainedRecords: 120,
      loss: progress.map(({ loss }) => loss),
    });
    const [file] = manifest.files;
    expect(sha256(await get(file?.key ?? ""))).toBe(file?.sha256);
    const { Contents } = await client.send(
      new ListObjectsV2Command({ Bucket: BUCKET, Prefix: `${ROOT}models/games/games-12/` }),
    );
    expect(new Set(Contents?.map(({ Key }) => Key))).toEqual(
      new Set([file?.key, `${ROOT}models/games/games-12/model.json`]),
    );
    const answer = await serve(`s3://${BUCKET}/${ROOT}models/games/games-12/`);
    const request = {
      model: "games-12",
      messages: [{ role: "user", content: "Do you know Ember Harbour? It is a puzzle game." }],
    };
    const response = await answer(
      new Request("http://service/v1/chat/completions", { method: "POST", body: JSON.stringify(request) }),
    );
    const completion = await response.json();
    expect(parseFrame(completion.choices[0].message.content)).toMatchObject({ fn: "recommend" });
  });

  it.each([
    ["labels", "labels", "labels.json.gz", 15],
    ["answers", "retrieval", "retrieval.json.gz", 1],
  ] as const)("learns from %s what their outputs let it, and says so", async (outputs, task, file, steps) => {
    const version = `games-${outputs}`;
    const { code, out, err } = await train(await aSpec(version, [await aPart(1, "train", {}, outputs)]));
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const lines = out.trimEnd().split("\n");
    expect(lines[0]).toMatch(new RegExp(`^task ${task}: 0\\.0 % of the 60 training outputs`));
    expect(lines).toHaveLength(1 + steps);
    const modelUri = `s3://${BUCKET}/${ROOT}models/games/${version}/`;
    const manifest = modelManifestSchema.parse(
      JSON.parse((await get(`${ROOT}models/games/${version}/model.json`)).toString()),
    );
    expect(manifest).toMatchObject({
      task,
      trainedRecords: 60,
      files: [{ key: `${ROOT}models/games/${version}/${file}` }],
    });
    expect(manifest.loss).toHaveLength(task === "retrieval" ? 0 : steps);
    const [known] = generateSample({ seed: 1, count: 60, split: "train", outputs });
    const [, question, answer] = known?.messages ?? [];
    expect(await ask(await serve(modelUri), version, question?.content ?? "")).toBe(answer?.content);
  });

  it("keeps checkpoints, answers for each, and follows the choice of one", async () => {
    const spec = await aSpec("games-15", [await aPart(1, "train")], { epochs: 6, checkpoints: 2 });
    expect(await train(spec)).toMatchObject({ code: 0, err: "" });
    const root = `${ROOT}models/games/games-15/`;
    const manifest = modelManifestSchema.parse(JSON.parse((await get(`${root}model.json`)).toString()));
    expect(manifest.checkpoints.map(({ name, step }) => [name, step])).toEqual([
      ["step-2", 2],
      ["step-4", 4],
    ]);
    for (const { name, files } of manifest.checkpoints) {
      expect(files.map(({ key }) => key)).toEqual([`${root}checkpoints/${name}/frames.json.gz`]);
      for (const { key, sha256: hash } of files) expect(sha256(await get(key))).toBe(hash);
    }

    const service = await serve(`s3://${BUCKET}/${root}`);
    const questions = generateSample({ seed: 5, count: 40, split: "test" }).map(
      ({ messages }) => messages[1]?.content ?? "",
    );
    const answersOf = async (from: typeof service, model: string): Promise<string[]> =>
      Promise.all(questions.map((question) => ask(from, model, question)));
    const final = await answersOf(service, "games-15@final");
    const early = await answersOf(service, "games-15@step-2");
    expect(early).not.toEqual(final);
    expect(await answersOf(service, "games-15")).toEqual(final);

    const candidates = [{ checkpoint: "step-2", value: 0.5, evaluation: "0".repeat(64) }];
    const choice = { format: 1, checkpoint: "step-2", metric: "accuracy_output_fn", candidates };
    await put(`${root}choice.json`, JSON.stringify(choice));
    expect(await answersOf(await serve(`s3://${BUCKET}/${root}`), "games-15")).toEqual(early);
    await vi.waitFor(async () => expect(await answersOf(service, "games-15")).toEqual(early), {
      timeout: 10_000,
      interval: 100,
    });
    expect(await answersOf(service, "games-15@final")).toEqual(final);

    await put(`${root}choice.json`, JSON.stringify({ ...choice, checkpoint: "step-3" }));
    await expect(serve(`s3://${BUCKET}/${root}`)).rejects.toThrow(
      "choice.json: checkpoint: step-3 is not one of step-2, step-4, final",
    );
  });

  it("writes the same files over themselves when it runs again", async () => {
    const spec = await aSpec("games-13", [await aPart(1, "train")]);
    const keys = ["frames.json.gz", "model.json"].map((name) => `${ROOT}models/games/games-13/${name}`);
    const files = async (): Promise<unknown[]> => {
      const [weights, manifest] = await Promise.all(keys.map(get));
      const { trainSeconds: _, ...rest } = modelManifestSchema.parse(JSON.parse(String(manifest)));
      return [sha256(weights ?? ""), rest];
    };
    expect((await train(spec)).code).toBe(0);
    const first = await files();
    expect((await train(spec)).code).toBe(0);
    expect(await files()).toEqual(first);
  });

  it.each([
    [
      "a part that is not the one of its manifest",
      { sha256: "0".repeat(64) },
      {},
      /parts\/\w+\.jsonl\.gz has sha256 \w+, expected 0{64}/,
    ],
    [
      "a part that is not there",
      { key: "datasets/games/parts/none.jsonl.gz" },
      {},
      /cannot read s3:.*none\.jsonl\.gz: NoSuchKey/,
    ],
    ["a part with another number of records", { records: 59 }, {}, /has 60 records, its manifest says 59/],
    ["an unknown hyperparameter", {}, { sed: 1 }, /hyperparameters\.sed: not known/],
    ["no train part", { split: "test" as const }, {}, /0 training records/],
  ])("fails with one line, and without a model, on %s", async (name, change, hyperparameters, message) => {
    const version = `games-${sha256(name).slice(0, 8)}`;
    const { code, out, err } = await train(await aSpec(version, [await aPart(1, "train", change)], hyperparameters));
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toMatch(/^training failed: [^\n]+\n$/);
    expect(err).toMatch(message);
    const { KeyCount } = await client.send(
      new ListObjectsV2Command({ Bucket: BUCKET, Prefix: `${ROOT}models/games/${version}/` }),
    );
    expect(KeyCount).toBe(0);
  });

  it("does not serve a model whose file was changed, or that is not whole", async () => {
    expect((await train(await aSpec("games-14", [await aPart(1, "train")]))).code).toBe(0);
    await put(`${ROOT}models/games/games-14/frames.json.gz`, gzipSync("{}"));
    await expect(serve(`s3://${BUCKET}/${ROOT}models/games/games-14/`)).rejects.toThrow(/frames\.json\.gz has sha256/);
    await expect(serve(`s3://${BUCKET}/${ROOT}models/games/none/`)).rejects.toThrow(/none\/model\.json: NoSuchKey/);
  });
});
