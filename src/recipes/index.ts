import { homedir } from "node:os";
import { join } from "node:path";
import { embeddedRecipe } from "./embedded/index.ts";
import type { Recipe } from "./recipe.ts";

export type { Recipe, RecipeContext, RecipeJob, RecipeService } from "./recipe.ts";

const RECIPES: readonly Recipe[] = [embeddedRecipe];

/** Names of all recipes. */
export const RECIPE_NAMES: readonly string[] = RECIPES.map(({ name }) => name);

/** The recipe of a name. Throws an error that names the known ones. */
export function findRecipe(name: string): Recipe {
  const recipe = RECIPES.find((candidate) => candidate.name === name);
  if (recipe === undefined) throw new Error(`recipe.name: ${name} is not known, expected ${RECIPE_NAMES.join(" or ")}`);
  return recipe;
}

/** Where recipes keep what they build when their caller has no place of its own. */
export function defaultRecipeCache(): string {
  return join(homedir(), ".cache", "tuneloop", "recipes");
}
