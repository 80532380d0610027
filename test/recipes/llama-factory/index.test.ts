import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { llamaFactoryRecipe as recipe } from "../../../src/recipes/llama-factory/index.ts";
import { BASE_IMAGE, renderContainerfile } from "../../../src/recipes/llama-factory/render.ts";

const URI = "s3://bucket/models/games/games-12/";
const choice = recipe.parse({ baseModel: null, hyperparameters: { preset: "airflow" } });
let cacheDirectory: string;

beforeEach(async () => {
  cacheDirectory = join(await mkdtemp(join(tmpdir(), "tuneloop-llama-")), "cache");
});
afterEach(async () => {
  await rm(cacheDirectory, { recursive: true, force: true });
});

const filesOf = async (directory: string) =>
  (await readdir(directory, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .toSorted();

describe("job", () => {
  it("is Python with the rendered files beside it, in its own image, on GPUs", async () => {
    const { workingDirectory, entrypoint, image, compute, ...rest } = await recipe.job({ cacheDirectory }, choice);
    expect(await filesOf(workingDirectory)).toEqual([
      "dataset_info.json",
      "plan.json",
      "train-and-validate.yaml",
      "train.py",
      "train.yaml",
      "tuning/__init__.py",
      "tuning/dataset.py",
      "tuning/run.py",
      "tuning/storage.py",
      "tuning/trainer.py",
    ]);
    expect(entrypoint("s3://bucket/a b/spec.json")).toBe("python train.py 's3://bucket/a b/spec.json'");
    expect(compute?.workers).toMatchObject([{ node: { resources: { gpus: 4 } } }]);
    expect(rest).toEqual({ requirements: [], envVars: { DISABLE_VERSION_CHECK: "1" } });
    const containerfile = image !== null && "containerfile" in image ? image.containerfile : "";
    expect(await readFile(containerfile, "utf8")).toBe(renderContainerfile());
  });

  it("has a directory for each choice, named by its content, also when two build it at once", async () => {
    const [first, second] = await Promise.all([
      recipe.job({ cacheDirectory }, choice),
      recipe.job({ cacheDirectory }, choice),
    ]);
    expect(second.workingDirectory).toBe(first.workingDirectory);
    const other = await recipe.job({ cacheDirectory }, recipe.parse({ baseModel: null, hyperparameters: {} }));
    expect(other.workingDirectory).not.toBe(first.workingDirectory);
    const names = await readdir(cacheDirectory);
    expect(names.toSorted()).toEqual([
      expect.stringMatching(/^llama-factory-image-/),
      ...[basename(first.workingDirectory), basename(other.workingDirectory)].toSorted(),
    ]);
  });

  it("mends a file that was changed or lost, and leaves the others alone", async () => {
    const { workingDirectory } = await recipe.job({ cacheDirectory }, choice);
    const untouched = await stat(join(workingDirectory, "plan.json"));
    const bytes = await readFile(join(workingDirectory, "tuning", "run.py"));
    await writeFile(join(workingDirectory, "tuning", "run.py"), "damaged");
    await rm(join(workingDirectory, "train.py"));
    await recipe.job({ cacheDirectory }, choice);
    expect(await readFile(join(workingDirectory, "tuning", "run.py"))).toEqual(bytes);
    expect(await filesOf(workingDirectory)).toContain("train.py");
    expect((await stat(join(workingDirectory, "plan.json"))).ino).toBe(untouched.ino);
  });
});

describe("service", () => {
  it("is Ray's own application, told where the adapters of the model are", async () => {
    const { args, modelName, workingDirectory, ...service } = await recipe.service({ cacheDirectory }, choice);
    expect(service).toMatchObject({
      importPath: "ray.serve.llm:build_openai_app",
      image: { imageUri: BASE_IMAGE },
      compute: { workers: [{ node: { resources: { gpus: 1, accelerator: "L4" } } }] },
    });
    expect(args(URI)).toMatchObject({
      llm_configs: [{ lora_config: { dynamic_lora_loading_path: "s3://bucket/models/games" } }],
    });
    expect(modelName(URI)).toBe("Qwen/Qwen2.5-7B-Instruct:games-12");
    expect(JSON.parse(await readFile(join(workingDirectory, "settings.json"), "utf8"))).toEqual(choice);
  });
});
