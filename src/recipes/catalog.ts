import { TypedFailure } from "../domain/failures.ts";
import type { ChosenRecipe } from "../domain/pipeline-schema.ts";
import { defaultRecipeCache, findRecipe, type Recipe, type RecipeJob, type RecipeService } from "./index.ts";

/**
 * The recipes that are part of Tuneloop, as the port of that name wants them. What they build is built once per process
 * for each choice: code does not change under it.
 *
 * @param cacheDirectory where that lies; null for the user's usual place
 */
export function createRecipeCatalog(cacheDirectory: string | null) {
  const context = { cacheDirectory: cacheDirectory ?? defaultRecipeCache() };
  const jobs = new Map<string, Promise<RecipeJob>>();
  const services = new Map<string, Promise<RecipeService>>();

  /** The recipe, and what it makes of the choice. */
  const resolve = ({ name, ...choice }: ChosenRecipe) =>
    invalidInput(() => {
      const recipe: Recipe = findRecipe(name);
      return { recipe, choice: recipe.parse(choice) };
    });

  return {
    check(chosen: ChosenRecipe): ChosenRecipe {
      return { name: chosen.name, ...resolve(chosen).choice };
    },

    async renderJob(chosen: ChosenRecipe, specUri: string) {
      const { recipe, choice } = resolve(chosen);
      const { entrypoint, ...job } = await once(jobs, [chosen.name, choice], () => recipe.job(context, choice));
      return { ...job, entrypoint: entrypoint(specUri) };
    },

    async renderService(chosen: ChosenRecipe, modelUri: string) {
      const { recipe, choice } = resolve(chosen);
      const built = await once(services, [chosen.name, choice], () => recipe.service(context, choice));
      const { args, modelName, ...service } = built;
      return { ...service, args: args(modelUri), modelName: modelName(modelUri) };
    },
  };
}

/** A failed build is not kept, so that it is tried again. */
function once<T>(built: Map<string, Promise<T>>, of: unknown, build: () => Promise<T>): Promise<T> {
  const key = JSON.stringify(of);
  const known = built.get(key);
  if (known) return known;
  const fresh = build();
  built.set(key, fresh);
  fresh.catch(() => built.delete(key));
  return fresh;
}

function invalidInput<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw new TypedFailure("InvalidInput", error instanceof Error ? error.message : String(error), { cause: error });
  }
}
