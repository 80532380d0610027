import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { readRecipeFolder } from "../../src/recipes/folder.ts";
import { YamlFileError } from "../../src/yaml-file.ts";
import { aDirectory } from "../support/emulator.ts";

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

const least = {
  name: "mine",
  description: "does it my way",
  job: { entrypoint: "python train.py --fast" },
  service: { importPath: "serve.mjs:handler" },
};
const context = { cacheDirectory: "/nowhere" };
const none = { baseModel: null, hyperparameters: {} };

/** A folder with this manifest and the files that it may name. */
function aFolder(manifest: object | string): string {
  const text = typeof manifest === "string" ? manifest : stringify(manifest);
  const folder = aDirectory({ "recipe.yaml": text, "serve.mjs": "", "images/Containerfile": "FROM ray" });
  folders.push(folder);
  return folder;
}
const read = (manifest: object | string) => readRecipeFolder(aFolder(manifest));
const problemsOf = (folder: string): string[] => {
  try {
    readRecipeFolder(folder);
  } catch (error) {
    if (!(error instanceof YamlFileError)) throw error;
    return error.message.replaceAll(`${folder}/`, "").split("\n");
  }
  throw new Error("the folder was taken");
};

describe("readRecipeFolder", () => {
  it("takes the least there can be: no choices, and the account's defaults", async () => {
    const folder = aFolder(least);
    const recipe = readRecipeFolder(folder);
    expect(recipe).toMatchObject({ name: "mine", description: "does it my way" });
    expect(recipe.parse(none)).toEqual(none);
    const plain = { workingDirectory: folder, image: null, compute: null, requirements: [], envVars: {} };
    const job = await recipe.job(context, none);
    expect(job).toMatchObject(plain);
    expect(job.entrypoint("s3://bucket/a b'c/spec.json")).toBe(
      `python train.py --fast 's3://bucket/a b'\\''c/spec.json'`,
    );
    const service = await recipe.service(context, none);
    expect(service).toMatchObject({ ...plain, importPath: "serve.mjs:handler" });
    expect(service.args("s3://bucket/models/games/games-12/")).toEqual({
      modelUri: "s3://bucket/models/games/games-12/",
    });
    expect(service.modelName("s3://bucket/models/games/games-12/")).toBe("games-12");
  });

  it("hands on everything that a manifest can say", async () => {
    const folder = aFolder({
      ...least,
      baseModels: { default: "Qwen/Qwen2.5-7B-Instruct" },
      job: {
        ...least.job,
        containerfile: "images/Containerfile",
        compute: { head: { instanceType: "m5.2xlarge" } },
        requirements: ["peft==0.15.1"],
        envVars: { OMP_NUM_THREADS: "4" },
      },
      service: {
        importPath: "app.serve:app",
        image: "acme/serve:1",
        args: { replicas: 2, engine: { dtype: "auto" } },
        modelName: "{baseModel}:{version}",
      },
    });
    const recipe = readRecipeFolder(folder);
    const choice = recipe.parse(none);
    expect(choice).toEqual({ baseModel: "Qwen/Qwen2.5-7B-Instruct", hyperparameters: {} });
    expect(await recipe.job(context, choice)).toMatchObject({
      image: { containerfile: join(folder, "images/Containerfile") },
      compute: { head: { instanceType: "m5.2xlarge" }, workers: [] },
      requirements: ["peft==0.15.1"],
      envVars: { OMP_NUM_THREADS: "4" },
    });
    const service = await recipe.service(context, choice);
    expect(service).toMatchObject({ image: { imageUri: "acme/serve:1" }, importPath: "app.serve:app" });
    expect(service.args("s3://b/models/m/m-1/")).toEqual({
      replicas: 2,
      engine: { dtype: "auto" },
      modelUri: "s3://b/models/m/m-1/",
    });
    expect(service.modelName("s3://b/models/m/m-1/")).toBe("Qwen/Qwen2.5-7B-Instruct:m-1");
  });

  it("takes the machines that the documentation shows", async () => {
    const docs = readFileSync(new URL("../../docs/recipes.md", import.meta.url), "utf8");
    const shown = /^```yaml\n(compute:\n.*?)^```$/ms.exec(docs)?.[1]?.replaceAll(/^/gm, "  ");
    const manifest = `name: mine\ndescription: mine\njob:\n  entrypoint: "true"\n${shown}\nservice: { importPath: "a:b" }\n`;
    const { compute } = await read(manifest).job(context, none);
    expect(compute).toEqual({
      head: { instanceType: "m5.2xlarge" },
      workers: [
        {
          name: "gpu",
          node: { resources: { cpus: 16, memoryGiB: 64, gpus: 4, accelerator: "A10G" } },
          minNodes: 0,
          maxNodes: 1,
          market: "PREFER_SPOT",
        },
      ],
    });
  });

  const node = { resources: { cpus: 1, memoryGiB: 1 } };
  const withJob = (job: object) => ({ ...least, job: { ...least.job, ...job } });
  const withService = (service: object) => ({ ...least, service: { ...least.service, ...service } });
  const withParameter = (lr: object) => ({ ...least, hyperparameters: { lr } });
  it.each<[string, object | string, string | RegExp]>([
    ["an unknown field", { ...least, jobs: {} }, /^recipe\.yaml:\d+: recipe: Unrecognized key: "jobs"$/],
    ["no name", { ...least, name: undefined }, /: name: .*expected string/],
    ["a bad name", { ...least, name: "My recipe" }, "name: must be 1 to 40 of a-z, 0-9 and -"],
    ["an empty description", { ...least, description: " " }, "description: is empty"],
    ["no job", { ...least, job: undefined }, ": job: "],
    ["no service", { ...least, service: undefined }, ": service: "],
    ["an empty command", withJob({ entrypoint: "" }), "job.entrypoint: is empty"],
    ["a command of two lines", withJob({ entrypoint: "a\nb" }), "job.entrypoint: must be one line"],
    [
      "an import path without handler",
      withService({ importPath: "serve.mjs" }),
      "service.importPath: must be file.mjs:",
    ],
    [
      "a handler that is not there",
      withService({ importPath: "gone.mjs:handler" }),
      /importPath: there is no file .*gone\.mjs$/,
    ],
    ["a handler outside", withService({ importPath: "../x.mjs:handler" }), "importPath: ../x.mjs is not in the folder"],
    [
      "a Containerfile that is not there",
      withJob({ containerfile: "Gone" }),
      /job\.containerfile: there is no file .*Gone$/,
    ],
    [
      "a Containerfile outside",
      withService({ containerfile: "/etc/hosts" }),
      "service.containerfile: /etc/hosts is not in",
    ],
    [
      "two images",
      withJob({ image: "a", containerfile: "images/Containerfile" }),
      "job.containerfile: give either image or",
    ],
    [
      "a variable that is no text",
      withJob({ envVars: { THREADS: 4 } }),
      "job.envVars.THREADS: must be a text: quote it",
    ],
    ["a bad variable's name", withJob({ envVars: { "A-B": "4" } }), "job.envVars.A-B: "],
    ["requirements that are no list", withJob({ requirements: "requirements.txt" }), "job.requirements: "],
    [
      "a machine by nothing",
      withJob({ compute: { head: {} } }),
      "job.compute.head: needs either instanceType or resources",
    ],
    [
      "a machine by both",
      withService({ compute: { head: { instanceType: "m5", ...node } } }),
      "service.compute.head: needs either instanceType or resources",
    ],
    [
      "half a GPU",
      withJob({ compute: { head: { resources: { cpus: 1, memoryGiB: 1, gpus: 0.5 } } } }),
      "head.resources.gpus: ",
    ],
    [
      "more machines at least than at most",
      withJob({ compute: { head: node, workers: [{ name: "w", node, minNodes: 2 }] } }),
      "job.compute.workers.0.minNodes: must not be more than maxNodes",
    ],
    [
      "two groups of one name",
      withJob({
        compute: {
          head: node,
          workers: [
            { name: "w", node },
            { name: "w", node },
          ],
        },
      }),
      "job.compute.workers: two groups have the same name",
    ],
    [
      "an unknown market",
      withJob({ compute: { head: node, workers: [{ name: "w", node, market: "CHEAP" }] } }),
      "workers.0.market: ",
    ],
    [
      "an argument that is Tuneloop's",
      withService({ args: { modelUri: "x" } }),
      "service.args.modelUri: is set by Tuneloop",
    ],
    [
      "a name of unknown parts",
      withService({ modelName: "{model}" }),
      "service.modelName: knows {version} and {baseModel} only",
    ],
    [
      "a base model's name without any",
      withService({ modelName: "{baseModel}" }),
      "service.modelName: has {baseModel}, but",
    ],
    [
      "a default that is not allowed",
      { ...least, baseModels: { default: "a", allowed: ["b"] } },
      "baseModels.default: is not one of",
    ],
    ["an unknown type", withParameter({ type: "float" }), "hyperparameters.lr.type: "],
    [
      "an unknown rule",
      withParameter({ type: "number", minimun: 1 }),
      'hyperparameters.lr: Unrecognized key: "minimun"',
    ],
    ["a default of another type", withParameter({ type: "integer", default: 1.5 }), "hyperparameters.lr.default: "],
    [
      "a default out of range",
      withParameter({ type: "number", minimum: 1, default: 0 }),
      "hyperparameters.lr.default: Too small",
    ],
    [
      "a default that is no choice",
      withParameter({ type: "string", enum: ["a"], default: "b" }),
      "hyperparameters.lr.default: ",
    ],
    ["a choice of another type", withParameter({ type: "number", enum: [1, "a"] }), "hyperparameters.lr.enum.1: "],
    [
      "limits of a text",
      withParameter({ type: "string", maximum: 4 }),
      "hyperparameters.lr.maximum: a string has no limits",
    ],
    ["a parameter's bad name", { ...least, hyperparameters: { "l r": { type: "number" } } }, "hyperparameters.l r: "],
    ["nothing", "", "recipe.yaml: recipe: "],
  ])("names the file and the field of %s", (_, manifest, problem) => {
    const [first, ...more] = problemsOf(aFolder(manifest));
    if (typeof problem === "string") expect(first).toContain(problem);
    else expect(first).toMatch(problem);
    expect(more).toEqual([]);
    expect(first).toMatch(/^recipe\.yaml:/);
  });

  it("says every problem at once, each with its line", () => {
    const text = `name: Mine\ndescription: mine\njob:\n  entrypoint: ""\nservice: { importPath: x }\n`;
    expect(problemsOf(aFolder(text))).toEqual([
      expect.stringMatching(/^recipe\.yaml:1: name: /),
      expect.stringMatching(/^recipe\.yaml:4: job\.entrypoint: /),
      expect.stringMatching(/^recipe\.yaml:5: service\.importPath: /),
    ]);
  });

  it("shows where YAML is broken", () => {
    expect(problemsOf(aFolder("name: mine\njob: ["))[0]).toMatch(/^recipe\.yaml: .* at line 2, column \d+/);
  });

  it("tells a folder that is not there from one without a manifest", () => {
    const empty = aDirectory();
    folders.push(empty);
    expect(problemsOf("/nowhere/mine")).toEqual(["/nowhere/mine: there is no such folder"]);
    expect(problemsOf(join(aFolder(least), "recipe.yaml"))[0]).toMatch(/recipe\.yaml: there is no such folder$/);
    expect(problemsOf(empty)[0]).toMatch(/^recipe\.yaml: cannot be read \(ENOENT/);
  });
});

describe("parse of a folder's recipe", () => {
  const recipe = read({
    ...least,
    baseModels: { allowed: ["small", "large"] },
    hyperparameters: {
      epochs: { type: "integer", minimum: 1, maximum: 10, default: 3 },
      lr: { type: "number", exclusiveMinimum: 0 },
      mode: { enum: ["lora", "full"], type: "string", default: "lora" },
      pack: { type: "boolean", default: false },
    },
  });
  const good = { baseModel: "small", hyperparameters: { lr: 0.1 } };

  it("fills in defaults, and takes its own answer unchanged", () => {
    const parsed = recipe.parse(good);
    expect(parsed).toEqual({
      baseModel: "small",
      hyperparameters: { epochs: 3, lr: 0.1, mode: "lora", pack: false },
    });
    expect(recipe.parse(parsed)).toEqual(parsed);
  });

  it.each<[object, string]>([
    [{ lr: undefined }, "hyperparameters.lr: "],
    [{ lr: 0 }, "hyperparameters.lr: Too small: expected number to be >0"],
    [{ lr: "0.1" }, "hyperparameters.lr: Invalid input: expected number, received string"],
    [{ epochs: 1.5 }, "hyperparameters.epochs: "],
    [{ epochs: 11 }, "hyperparameters.epochs: Too big: expected number to be <=10"],
    [{ mode: "qlora" }, 'hyperparameters.mode: Invalid option: expected one of "lora"|"full"'],
    [{ pack: null }, "hyperparameters.pack: "],
    [{ epoch: 1 }, "hyperparameters.epoch: not known, the mine recipe has epochs, lr, mode, pack"],
  ])("names the field of %j", (change, problem) => {
    const hyperparameters = { ...good.hyperparameters, ...change };
    expect(() => recipe.parse({ ...good, hyperparameters })).toThrow(problem);
  });

  it("takes a base model where there are some, those that are allowed, and the default for none", () => {
    expect(() => recipe.parse({ ...good, baseModel: "huge" })).toThrow(
      "baseModel: huge is not for the mine recipe, which takes small, large",
    );
    expect(() => recipe.parse({ ...good, baseModel: null })).toThrow(
      "baseModel: the mine recipe needs one to start from",
    );
    expect(() => read(least).parse({ ...none, baseModel: "small" })).toThrow(
      "baseModel: the mine recipe starts from no model, leave it out",
    );
    expect(read({ ...least, baseModels: {} }).parse({ ...none, baseModel: "any" }).baseModel).toBe("any");
  });
});
