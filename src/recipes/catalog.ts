import { TypedFailure } from "../domain/failures.ts";
import type { Hyperparameters } from "../domain/job-schema.ts";
import { defaultRecipeCache, findRecipe, type Recipe, type RecipeJob, type RecipeService } from "./index.ts";

/**
 * The recipes that are part of Tuneloop, as the port of that name wants them. What they build is built once per process: code does not change under it.
 *
 * @param cacheDirectory where that lies; null for the user's usual place
 */
export function createRecipeCatalog(cacheDirectory: string | null) {
  const context = { cacheDirectory: cacheDirectory ?? defaultRecipeCache() };
  const jobs = new Map<string, Promise<RecipeJob>>();
  const services = new Map<string, Promise<RecipeService>>();
  return {
    checkHyperparameters: (name: string, hyperparameters: Hyperparameters) =>
      invalidInput(() => find(name).parseHyperparameters(hyperparameters)),

    async renderJob(name: string, specUri: string) {
      const job = await once(jobs, name, () => find(name).job(context));
      return { workingDirectory: job.workingDirectory, imageUri: job.imageUri, entrypoint: job.entrypoint(specUri) };
    },

    async renderService(name: string, modelUri: string) {
      const service = await once(services, name, () => find(name).service(context));
      const { workingDirectory, importPath, imageUri } = service;
      return { workingDirectory, importPath, imageUri, args: service.args(modelUri) };
    },
  };
}

function find(name: string): Recipe {
  return invalidInput(() => findRecipe(name));
}

/** A failed build is not kept, so that it is tried again. */
function once<T>(built: Map<string, Promise<T>>, name: string, build: () => Promise<T>): Promise<T> {
  const known = built.get(name);
  if (known) return known;
  const fresh = build();
  built.set(name, fresh);
  fresh.catch(() => built.delete(name));
  return fresh;
}

function invalidInput<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw new TypedFailure("InvalidInput", error instanceof Error ? error.message : String(error), { cause: error });
  }
}
