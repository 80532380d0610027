import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { createRecipeCatalog } from "../../src/recipes/catalog.ts";
import { findRecipe, loadRecipes, type Recipe } from "../../src/recipes/index.ts";
import { aDirectory } from "../support/emulator.ts";

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

describe("loadRecipes", () => {
  const folder = (name: string): string => {
    const manifest = `name: ${name}\ndescription: x\njob: { entrypoint: "true" }\nservice: { importPath: "a:b" }\n`;
    const directory = aDirectory({ "recipe.yaml": manifest });
    folders.push(directory);
    return directory;
  };
  const folders: string[] = [];
  afterAll(() => {
    for (const directory of folders) rmSync(directory, { recursive: true });
  });

  it("knows what is part of Tuneloop, and the recipe of each folder once", () => {
    const mine = folder("mine");
    const known = loadRecipes([mine, relative(process.cwd(), mine)]);
    expect(known.filter((recipe) => recipe.folder !== null)).toHaveLength(1);
    expect(known.find(({ recipe }) => recipe.name === "mine")?.folder).toBe(mine);
    expect(findRecipe("embedded", known).name).toBe("embedded");
  });

  it("says all that is wrong with any folder: a name that is taken, one that is not there, a bad manifest", () => {
    const [mine, again, built, bad] = [folder("mine"), folder("mine"), folder("embedded"), folder("Bad")];
    expect(() => loadRecipes([mine, again, built, "/nowhere", bad])).toThrow(
      [
        `${again}/recipe.yaml: name: mine is the recipe of ${mine}, choose another name`,
        `${built}/recipe.yaml: name: embedded is part of Tuneloop, choose another name`,
        "/nowhere: there is no such folder",
        `${bad}/recipe.yaml:1: name: must be 1 to 40 of a-z, 0-9 and -`,
      ].join("\n"),
    );
  });
});

describe("createRecipeCatalog", () => {
  const chosen = { name: "counting", baseModel: null, hyperparameters: { epochs: 1 } };
  const builds: object[] = [];
  const run = { workingDirectory: "/", image: null, compute: null, requirements: [], envVars: {} };
  const counting: Recipe = {
    name: "counting",
    description: "counts what is built",
    parse: (choice) => ({ ...choice, hyperparameters: { epochs: 3, ...choice.hyperparameters } }),
    async job(_, choice) {
      builds.push(choice);
      if (builds.length === 1) throw new Error("no space");
      return { ...run, entrypoint: (specUri) => `train ${specUri}` };
    },
    service: async (_, { baseModel }) => ({
      ...run,
      importPath: "a:b",
      args: (modelUri) => ({ modelUri }),
      modelName: () => `${baseModel}-model`,
    }),
  };
  const catalog = createRecipeCatalog([{ recipe: counting, folder: null }], null);

  it("fills in what was not chosen, and refuses a recipe that is not known as bad input", () => {
    expect(catalog.check({ ...chosen, hyperparameters: {} }).hyperparameters).toEqual({ epochs: 3 });
    expect(() => catalog.check({ ...chosen, name: "magic" })).toThrow(
      expect.objectContaining({
        type: "InvalidInput",
        message: expect.stringContaining("recipe.name: magic is not known"),
      }),
    );
  });

  it("builds once for each choice, and again after a build that failed", async () => {
    await expect(catalog.renderJob(chosen, "s3://b/1")).rejects.toThrow("no space");
    expect(await catalog.renderJob(chosen, "s3://b/1")).toEqual({ ...run, entrypoint: "train s3://b/1" });
    expect((await catalog.renderJob(chosen, "s3://b/2")).entrypoint).toBe("train s3://b/2");
    await catalog.renderJob({ ...chosen, baseModel: "large" }, "s3://b/3");
    const { hyperparameters } = chosen;
    expect(builds.slice(1)).toEqual([
      { baseModel: null, hyperparameters },
      { baseModel: "large", hyperparameters },
    ]);
  });

  it("renders a service for one model version, with the name that its requests go to", async () => {
    expect(await catalog.renderService({ ...chosen, baseModel: "large" }, "s3://b/m/")).toEqual({
      ...run,
      importPath: "a:b",
      args: { modelUri: "s3://b/m/" },
      modelName: "large-model",
    });
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
