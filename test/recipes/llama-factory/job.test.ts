import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Hyperparameters } from "../../../src/domain/job-schema.ts";
import { jobProgressSchema } from "../../../src/domain/job-schema.ts";
import { modelManifestSchema } from "../../../src/domain/model-version-schema.ts";
import { llamaFactoryRecipe } from "../../../src/recipes/llama-factory/index.ts";
import { until } from "../../support/emulator.ts";

const SPEC = "s3://bucket/p/models/games/games-12/spec.json";
const OUTPUT = "s3://bucket/p/models/games/games-12/";
const SECRET = "the text of a record";

interface Chat {
  id?: string;
  messages: { role: string; content: string }[];
}
const chat = (...roles: string[]): Chat => ({
  messages: roles.map((role) => ({ role, content: `${SECRET} of ${role}` })),
});

/** Stands for LLaMA-Factory: a program of its name that logs, writes an adapter and ends as told. */
const trainer = (body: string) => `#!/bin/sh
mkdir -p out; cp -r data "$STORE/seen"; echo "$* $FORCE_TORCHRUN $NPROC_PER_NODE" > "$STORE/command"
${body}
`;
const entry = (step: number, loss: string) =>
  `echo '{"current_steps":${step},"total_steps":20,${loss},"lr":5e-05,"epoch":1.0,"percentage":5.0,"elapsed_time":"0:00:09","remaining_time":"1 day, 0:01:40"}' >> out/trainer_log.jsonl`;
const ADAPTER = `echo '{"r":8}' > out/adapter_config.json; echo weights > out/adapter_model.safetensors`;
const TRAINS = trainer(`${entry(10, '"loss":1.25')}
${entry(10, '"eval_loss":1.5')}
${entry(20, '"loss":0.75')}
${entry(20, '"epoch":2.0')}
${ADAPTER}; echo '{}' > out/all_results.json; mkdir out/checkpoint-20; echo x > out/checkpoint-20/optimizer.pt; echo '${SECRET}'`);

function pythonIsThere(): boolean {
  try {
    execFileSync("python3", ["-c", "import sys; sys.exit(sys.version_info < (3, 11))"], { stdio: "ignore" });
    return true;
  } catch {
    process.stderr.write("llama-factory job: skipped, there is no python3 of version 3.11 or later\n");
    return false;
  }
}

let cacheDirectory: string;
let store: string;

beforeAll(async () => {
  cacheDirectory = await mkdtemp(join(tmpdir(), "tuneloop-llama-"));
});
beforeEach(async () => {
  store = await mkdtemp(join(cacheDirectory, "store-"));
});
afterAll(async () => {
  await rm(cacheDirectory, { recursive: true, force: true });
});

const at = (uri: string) => join(store, uri.slice("s3://".length));

async function put(uri: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(at(uri)), { recursive: true });
  await writeFile(at(uri), content);
}

interface Part {
  key: string;
  sha256: string;
  records: number;
  split: string;
  bytes: Uint8Array;
}

function part(split: string, records: readonly (Chat | string)[], overrides: Partial<Part> = {}): Part {
  const lines = records.map((record) => `${typeof record === "string" ? record : JSON.stringify(record)}\n`);
  const bytes = overrides.bytes ?? gzipSync(lines.join(""));
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return {
    key: `datasets/games/parts/${sha256}.jsonl.gz`,
    sha256,
    records: records.length,
    split,
    bytes,
    ...overrides,
  };
}

interface Job {
  parts?: Part[];
  hyperparameters?: Hyperparameters;
  spec?: object;
  trainer?: string | null;
}

/** Stores a dataset and a spec, renders the job and answers how to run it. */
async function prepare(job: Job): Promise<{ workingDirectory: string; env: NodeJS.ProcessEnv }> {
  const hyperparameters = { gpus: 0, precision: "fp32", ...job.hyperparameters };
  const choice = llamaFactoryRecipe.parse({ baseModel: null, hyperparameters });
  const { workingDirectory } = await llamaFactoryRecipe.job({ cacheDirectory }, choice);
  const parts = job.parts ?? [part("train", [chat("user", "assistant")]), part("valid", [chat("user", "assistant")])];
  for (const { key, bytes } of parts) await put(`s3://bucket/p/${key}`, bytes);
  const manifest = "s3://bucket/p/datasets/games/versions/000012.json";
  await put(manifest, JSON.stringify({ format: 1, dataset: "games", version: 12, parts }));
  await put(SPEC, JSON.stringify({ format: 1, manifest, output: OUTPUT, ...choice, ...job.spec }));
  const bin = join(store, "bin");
  await mkdir(bin);
  if (job.trainer !== null) {
    await writeFile(join(bin, "llamafactory-cli"), job.trainer ?? TRAINS);
    await chmod(join(bin, "llamafactory-cli"), 0o755);
  }
  const env = {
    ...process.env,
    PATH: [bin, process.env["PATH"]].join(delimiter),
    STORE: store,
    TMPDIR: store,
    PYTHONDONTWRITEBYTECODE: "1",
  };
  return { workingDirectory, env };
}

async function run(job: Job = {}): Promise<{ code: number; out: string; err: string }> {
  const { workingDirectory, env } = await prepare(job);
  const program = join(import.meta.dirname, "run-job.py");
  return await new Promise((resolve) => {
    const child: ChildProcess = execFile("python3", [program, workingDirectory, store, SPEC], { env }, (_, out, err) =>
      resolve({ code: child.exitCode ?? -1, out, err }),
    );
  });
}

const seen = async (split: string) =>
  (await readFile(join(store, "seen", `${split}.jsonl`), "utf8"))
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));

describe.skipIf(!pythonIsThere())("the training job", () => {
  it("trains on both splits, reports progress and stores the adapter, model.json last", async () => {
    const dialogue = chat("system", "user", "assistant", "user", "assistant");
    const parts = [
      part("train", [chat("user", "assistant"), dialogue]),
      part("test", [chat("user", "assistant")]),
      part("train", [{ ...chat("user", "assistant"), id: "x" }]),
      part("valid", [chat("user", "assistant")]),
    ];
    const { code, out, err } = await run({ parts });
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(await seen("train")).toEqual([chat("user", "assistant"), dialogue, chat("user", "assistant")]);
    expect(await seen("valid")).toEqual([chat("user", "assistant")]);
    expect(await readFile(join(store, "command"), "utf8")).toBe("train train-and-validate.yaml  \n");

    expect(out.split("\n")).toEqual([
      "no Ray cluster is used: training on this machine",
      "training on 3 records, validating on 1",
      '{"step": 10, "total": 20, "loss": 1.25, "etaSeconds": 86500}',
      '{"step": 10, "total": 20, "loss": null, "evalLoss": 1.5, "etaSeconds": 86500}',
      '{"step": 20, "total": 20, "loss": 0.75, "etaSeconds": 86500}',
      "",
    ]);
    for (const line of out.split("\n").slice(2, -1)) jobProgressSchema.parse(JSON.parse(line));

    expect((await readFile(join(store, "writes.txt"), "utf8")).split("\n")).toEqual([
      `${OUTPUT}adapter_config.json`,
      `${OUTPUT}adapter_model.safetensors`,
      `${OUTPUT}trainer_log.jsonl`,
      `${OUTPUT}all_results.json`,
      `${OUTPUT}model.json`,
      "",
    ]);
    const model = modelManifestSchema.parse(JSON.parse(await readFile(at(`${OUTPUT}model.json`), "utf8")));
    const weights = createHash("sha256").update("weights\n").digest("hex");
    expect(model).toMatchObject({
      model: "games",
      version: "games-12",
      recipe: "llama-factory",
      baseModel: "Qwen/Qwen2.5-7B-Instruct",
      dataset: "games@12",
      task: "chat",
      trainedRecords: 3,
      loss: [1.25, 0.75],
    });
    expect(model.files[1]).toEqual({
      key: "p/models/games/games-12/adapter_model.safetensors",
      sha256: weights,
      bytes: 8,
    });
    expect((await readdir(store)).filter((name) => name.startsWith("tuneloop-"))).toEqual([]);
  });

  it("does without validation when the valid split is empty", async () => {
    const { code, out } = await run({ parts: [part("train", [chat("user", "assistant")])] });
    expect(code).toBe(0);
    expect(out).toContain("training on 1 records, validating on 0\n");
    expect(await readFile(join(store, "command"), "utf8")).toBe("train train.yaml  \n");
  });

  it("leaves out and counts records that no chat template takes, and says nothing of their text", async () => {
    const odd = [
      chat("user"),
      chat("assistant", "user"),
      chat("user", "user", "assistant"),
      chat("system"),
      chat("user", "tool"),
    ];
    const { out } = await run({ parts: [part("train", [...odd, chat("user", "assistant")])] });
    expect(out).toContain("train: 5 records left out, their turns do not alternate from user to assistant\n");
    expect(await seen("train")).toHaveLength(1);
    expect(out).not.toContain(SECRET);
  });

  it("trains on the first records when told how many at most", async () => {
    const parts = [
      part("train", [chat("user", "assistant"), chat("system", "user", "assistant"), chat("user", "assistant")]),
    ];
    const { out } = await run({ parts, hyperparameters: { maxRecords: 2 } });
    expect(out).toContain("training on 2 records");
    expect(await seen("train")).toHaveLength(2);
  });

  it("starts a process for each of several GPUs", async () => {
    const { out } = await run({ hyperparameters: { preset: "airflow", gpus: 4, precision: "bf16" } });
    expect(out).toMatch(/^looking for a Ray cluster\nno Ray cluster is used: training on this machine\n/);
    expect(await readFile(join(store, "command"), "utf8")).toBe("train train-and-validate.yaml 1 4\n");
  });

  it.each<[string, () => Job, string]>([
    [
      "there is no record",
      () => ({ parts: [part("valid", [chat("user", "assistant")])] }),
      "games@12 has no record to train on; its train split is empty",
    ],
    [
      "no record fits",
      () => ({ parts: [part("train", [chat("user")])] }),
      "games@12 has no record to train on; train: 1 records left out",
    ],
    [
      "a part has another hash",
      () => ({ parts: [part("train", [chat("user", "assistant")], { sha256: "0".repeat(64) })] }),
      "its manifest says 000000",
    ],
    [
      "a part has another number of records",
      () => ({ parts: [part("train", [chat("user", "assistant")], { records: 2 })] }),
      "has 1 records, its manifest says 2",
    ],
    [
      "a part is cut short",
      () => ({ parts: [part("train", [], { bytes: gzipSync("x".repeat(100)).subarray(0, 20) })] }),
      "is damaged: ",
    ],
    [
      "a part is no gzip",
      () => ({ parts: [part("train", [], { bytes: Buffer.from("plain text") })] }),
      "is damaged: Not a gzipped file",
    ],
    [
      "a line is no record",
      () => ({ parts: [part("train", [chat("user", "assistant"), SECRET])] }),
      "line 2 is not a record with messages",
    ],
    [
      "a record has no messages",
      () => ({ parts: [part("train", [`{"text":"${SECRET}"}`])] }),
      "line 1 is not a record with messages",
    ],
    [
      "the spec is of another base model",
      () => ({ spec: { baseModel: "org/other" } }),
      "baseModel: the job was rendered for Qwen/Qwen2.5-7B-Instruct",
    ],
    [
      "the spec has other settings",
      () => ({ spec: { hyperparameters: { epochs: 4 } } }),
      "hyperparameters.epochs: the job was rendered for another value",
    ],
    ["the spec is of another format", () => ({ spec: { format: 2 } }), "spec.json: format: expected 1"],
    [
      "the spec's output names no version",
      () => ({ spec: { output: "s3://bucket/x/" } }),
      "output: s3://bucket/x/ does not end in <model>/<model version>/",
    ],
    [
      "the trainer is missing",
      () => ({ trainer: null }),
      "llamafactory-cli is neither in /opt/llama-factory/bin nor on PATH",
    ],
    [
      "the trainer writes no adapter",
      () => ({ trainer: trainer("echo x > out/adapter_config.json") }),
      "the trainer ended well but wrote no adapter_model.safetensors",
    ],
    [
      "the trainer is killed",
      () => ({ trainer: trainer("kill -9 $$") }),
      "llamafactory-cli was ended by SIGKILL, maybe for want of memory",
    ],
    [
      "the training diverges",
      () => ({ trainer: trainer(`${entry(30, '"loss":NaN')}\nexec sleep 60`) }),
      "the loss of step 30 is nan: the training diverged",
    ],
  ])("ends with a clear error, no model and no text of a record when %s", async (_, job, message) => {
    const { code, out, err } = await run(job());
    expect(err).toContain(message);
    expect(err).toMatch(/^training failed: [^\n]*\n$/);
    expect(code).toBe(1);
    expect(out + err).not.toContain(SECRET);
    expect(await readdir(dirname(at(SPEC)))).not.toContain("model.json");
  });

  it("says how the trainer failed by the ends of its tracebacks", async () => {
    const fails = trainer(`echo '${SECRET}'
cat >&2 <<'END'
[INFO] loading ${SECRET.length} things
  3%|###   | 3/100
Traceback (most recent call last):
  File "tuner.py", line 1, in <module>
ValueError: Unknown task: zzz.
Traceback (most recent call last):
[rank0]: torch.OutOfMemoryError: CUDA out of memory.
END
exit 3`);
    const { err } = await run({ trainer: fails });
    expect(err).toBe(
      "training failed: llamafactory-cli ended with exit code 3: ValueError: Unknown task: zzz. / torch.OutOfMemoryError: CUDA out of memory.\n",
    );
  });

  it.skipIf(process.platform !== "linux")("converts a part that is much larger than the memory it takes", async () => {
    const { workingDirectory } = await prepare({});
    const measure = async (records: number) => {
      const record = `${JSON.stringify({
        messages: [
          { role: "user", content: "x".repeat(3000) },
          { role: "assistant", content: "y" },
        ],
      })}\n`;
      const bytes = gzipSync(record.repeat(records), { level: 1 });
      const path = join(store, `part-${records}`);
      await writeFile(path, bytes);
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      const program = join(import.meta.dirname, "measure-memory.py");
      return Number(
        execFileSync("python3", [program, workingDirectory, path, sha256, String(records)], {
          encoding: "utf8",
          env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" },
        }),
      );
    };
    const small = await measure(1);
    // 120 MB of records.
    const large = await measure(40_000);
    expect(large - small).toBeLessThan(8_000_000);
  });
});

describe.skipIf(!pythonIsThere())("train.py", () => {
  it("says in one line what is wrong and ends with 1", async () => {
    const { workingDirectory, env } = await prepare({});
    const ended = await new Promise<{ code: number | null; err: string }>((resolve) => {
      const child = execFile("python3", ["train.py"], { cwd: workingDirectory, env }, (_, _out, err) =>
        resolve({ code: child.exitCode, err }),
      );
    });
    expect(ended).toEqual({ code: 1, err: "training failed: expected one argument, the s3:// URI of a job spec\n" });
  });

  it("ends the trainer and removes the records when it is terminated", async () => {
    const { workingDirectory, env } = await prepare({ trainer: trainer(`echo $$ > "$STORE/pid"; exec sleep 600`) });
    const child = spawn("python3", [join(import.meta.dirname, "run-job.py"), workingDirectory, store, SPEC], {
      env,
      stdio: "ignore",
    });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    const pid = await until(
      "the trainer's start",
      async () => Number(await readFile(join(store, "pid"), "utf8").catch(() => "")) || null,
    );
    child.kill("SIGTERM");
    expect(await ended).toBe(143);
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");
    expect((await readdir(store)).filter((name) => name.startsWith("tuneloop-"))).toEqual([]);
  });
});
