import { TypedFailure } from "../domain/failures.ts";
import type { ChosenRecipe } from "../domain/pipeline-schema.ts";
import { defaultRecipeCache, findRecipe, type KnownRecipe, type RecipeJob, type RecipeService } from "./index.ts";

/**
 * Recipes as the port of that name wants them. What they build is built once per process for each choice: code does not
 * change under it.
 *
 * @param cacheDirectory where that lies; null for the user's usual place
 */
export function createRecipeCatalog(known: readonly KnownRecipe[], cacheDirectory: string | null) {
  const context = { cacheDirectory: cacheDirectory ?? defaultRecipeCache() };
  const jobs = new Map<string, Promise<RecipeJob>>();
  const services = new Map<string, Promise<RecipeService>>();

  const find = (name: string) => invalidInput(() => findRecipe(name, known));

  return {
    check({ name, ...choice }: ChosenRecipe): ChosenRecipe {
      return { name, ...invalidInput(() => find(name).parse(choice)) };
    },

    async renderJob({ name, ...choice }: ChosenRecipe, specUri: string) {
      const { entrypoint, ...job } = await once(jobs, [name, choice], () => find(name).job(context, choice));
      return { ...job, entrypoint: entrypoint(specUri) };
    },

    async renderService({ name, ...choice }: ChosenRecipe, modelUri: string) {
      const built = await once(services, [name, choice], () => find(name).service(context, choice));
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
