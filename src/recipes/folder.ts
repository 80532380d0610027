/** A recipe that is a folder: its `recipe.yaml` says how to run what lies beside it. */
import { statSync } from "node:fs";
import { join, relative, resolve, sep } from "node:path";
import { z } from "zod";
import type { ImageSource } from "../domain/compute-schema.ts";
import { hyperparametersSchema } from "../domain/job-schema.ts";
import { modelVersionAt } from "../domain/ids.ts";
import { shellWord } from "../domain/shell.ts";
import { readYamlFile, YamlFileError } from "../yaml-file.ts";
import { parseHyperparameters } from "./hyperparameters.ts";
import { recipeManifestSchema, type RecipeManifest } from "./manifest.ts";
import type { Recipe } from "./recipe.ts";

/** What makes a folder a recipe. */
export const MANIFEST_FILE = "recipe.yaml";

/**
 * Reads the recipe of a folder; its manifest is read now, its other files whenever a job or a service is uploaded. Throws
 * an error that names the file and each field at fault.
 */
export function readRecipeFolder(folder: string): Recipe {
  const file = join(folder, MANIFEST_FILE);
  if (!isDirectory(folder)) throw new YamlFileError(`${folder}: there is no such folder`);
  const manifest = readYamlFile(file, recipeManifestSchema, "recipe");
  checkFiles(folder, file, manifest);
  const { name, description, job, service } = manifest;
  const schema = hyperparametersOf(manifest);
  const known = Object.keys(manifest.hyperparameters);
  return {
    name,
    description,
    parse: ({ baseModel, hyperparameters }) => ({
      baseModel: chooseBaseModel(manifest, baseModel),
      hyperparameters: parseHyperparameters({ name, schema, known }, hyperparameters),
    }),
    job: async () => ({
      ...runOf(folder, job),
      entrypoint: (specUri) => `${job.entrypoint} ${shellWord(specUri)}`,
    }),
    service: async (_, { baseModel }) => ({
      ...runOf(folder, service),
      importPath: service.importPath,
      args: (modelUri) => ({ ...service.args, modelUri }),
      modelName: (modelUri) =>
        service.modelName.replaceAll("{version}", modelVersionAt(modelUri)).replaceAll("{baseModel}", baseModel ?? ""),
    }),
  };
}

/** Files that the manifest names must be in the folder: nothing else is uploaded. */
function checkFiles(folder: string, manifestFile: string, { job, service }: RecipeManifest): void {
  const [module = ""] = service.importPath.split(":");
  const named: [field: string, file: string | undefined][] = [
    ["job.containerfile", job.containerfile],
    ["service.containerfile", service.containerfile],
    ["service.importPath", module.endsWith(".mjs") ? module : undefined],
  ];
  const problems = named.flatMap(([field, name]) => {
    if (name === undefined) return [];
    const path = resolve(folder, name);
    if (relative(folder, path).split(sep)[0] === "..")
      return [`${manifestFile}: ${field}: ${name} is not in the folder`];
    return isFile(path) ? [] : [`${manifestFile}: ${field}: there is no file ${path}`];
  });
  if (problems.length > 0) throw new YamlFileError(problems.join("\n"));
}

function hyperparametersOf({ hyperparameters }: RecipeManifest) {
  const required = Object.entries(hyperparameters).flatMap(([name, { default: usual }]) =>
    usual === undefined ? [name] : [],
  );
  const schema = { type: "object", properties: hyperparameters, required, additionalProperties: false } as const;
  return z.fromJSONSchema(schema).pipe(hyperparametersSchema);
}

function chooseBaseModel({ name, baseModels }: RecipeManifest, chosen: string | null): string | null {
  if (baseModels === undefined) {
    if (chosen === null) return null;
    throw new Error(`baseModel: the ${name} recipe starts from no model, leave it out`);
  }
  const baseModel = chosen ?? baseModels.default;
  if (baseModel === undefined) throw new Error(`baseModel: the ${name} recipe needs one to start from`);
  if (baseModels.allowed?.includes(baseModel) === false) {
    throw new Error(
      `baseModel: ${baseModel} is not for the ${name} recipe, which takes ${baseModels.allowed.join(", ")}`,
    );
  }
  return baseModel;
}

function runOf(folder: string, run: RecipeManifest["job"] | RecipeManifest["service"]) {
  const { compute, requirements, envVars } = run;
  return { workingDirectory: folder, image: imageOf(folder, run), compute, requirements, envVars };
}

function imageOf(folder: string, { image, containerfile }: RecipeManifest["job" | "service"]): ImageSource | null {
  if (image !== undefined) return { imageUri: image };
  return containerfile === undefined ? null : { containerfile: resolve(folder, containerfile) };
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
