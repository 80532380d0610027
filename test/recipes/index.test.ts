import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { execFile } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findRecipe, loadRecipes } from "../../src/recipes/index.ts";

let cacheDirectory: string;

beforeEach(async () => {
  cacheDirectory = await mkdtemp(join(tmpdir(), "tuneloop-recipes-"));
});

afterEach(async () => {
  await rm(cacheDirectory, { recursive: true, force: true });
});

describe("findRecipe", () => {
  it("refuses a name that is not known, and names those that are", () => {
    expect(() => findRecipe("embeded", loadRecipes([]))).toThrow(
      "recipe.name: embeded is not known, expected embedded",
    );
  });
});

describe("embedded recipe", () => {
  const recipe = findRecipe("embedded", loadRecipes([]));
  const choice = recipe.parse({ baseModel: null, hyperparameters: {} });

  it("has no base model to start from, and fills in hyperparameters", () => {
    expect(choice.hyperparameters).toMatchObject({ seed: 42 });
    expect(recipe.parse(choice)).toEqual(choice);
    expect(() => recipe.parse({ ...choice, baseModel: "gpt" })).toThrow(
      "baseModel: the embedded recipe starts from no model, leave it out",
    );
  });

  it("builds a directory with one file that runs where no package is installed", async () => {
    const { workingDirectory, entrypoint } = await recipe.job({ cacheDirectory }, choice);
    expect(await readdir(workingDirectory)).toEqual(["train.mjs"]);
    expect(entrypoint("s3://bucket/a/spec.json")).toBe("node train.mjs s3://bucket/a/spec.json");
    expect(entrypoint("s3://bucket/a b'c")).toBe(`node train.mjs 's3://bucket/a b'\\''c'`);
    const ended = promisify(execFile)(process.execPath, ["train.mjs"], { cwd: workingDirectory });
    await expect(ended).rejects.toMatchObject({
      code: 1,
      stdout: "",
      stderr: "training failed: expected one argument, the s3:// URI of a job spec\n",
    });
  });

  it("builds a service that exports its handler", async () => {
    const { workingDirectory, importPath, args, modelName } = await recipe.service({ cacheDirectory }, choice);
    expect(await readdir(workingDirectory)).toEqual(["serve.mjs"]);
    expect(importPath).toBe("serve.mjs:handler");
    expect(args("s3://bucket/models/games/games-12/")).toEqual({ modelUri: "s3://bucket/models/games/games-12/" });
    expect(modelName("s3://bucket/models/games/games-12/")).toBe("games-12");
    const module = await import(/* @vite-ignore */ join(workingDirectory, "serve.mjs"));
    await expect(module.handler({ modelUri: "nowhere" })).rejects.toThrow(
      "nowhere/model.json: expected s3://bucket/key",
    );
  });

  it("builds the same bytes in the same place again, also when two build at once, and mends a damaged file", async () => {
    const [first, second] = await Promise.all([
      recipe.job({ cacheDirectory }, choice),
      recipe.job({ cacheDirectory }, choice),
    ]);
    expect(second.workingDirectory).toBe(first.workingDirectory);
    expect(await readdir(cacheDirectory)).toHaveLength(1);
    const file = join(first.workingDirectory, "train.mjs");
    const bytes = await readFile(file);
    await writeFile(file, "damaged");
    expect((await recipe.job({ cacheDirectory }, choice)).workingDirectory).toBe(first.workingDirectory);
    expect((await readFile(file)).equals(bytes)).toBe(true);
    expect(bytes.includes(import.meta.dirname)).toBe(false);
  });
});
