import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { YamlFileError } from "../yaml-file.ts";
import { embeddedRecipe } from "./embedded/index.ts";
import { llamaFactoryRecipe } from "./llama-factory/index.ts";
import { MANIFEST_FILE, readRecipeFolder } from "./folder.ts";
import type { Recipe } from "./recipe.ts";

export type { Recipe, RecipeChoice, RecipeContext, RecipeJob, RecipeService } from "./recipe.ts";

const BUILT_IN: readonly Recipe[] = [embeddedRecipe, llamaFactoryRecipe];

/** A recipe that can be chosen, and the folder it was read from; null for one that is part of Tuneloop. */
export interface KnownRecipe {
  recipe: Recipe;
  folder: string | null;
}

/**
 * The recipes that are part of Tuneloop, and those of folders; one that is named twice counts once. Throws an error that
 * says everything that is wrong with any folder: it is not there, its manifest is bad, its recipe's name is taken.
 */
export function loadRecipes(folders: readonly string[]): readonly KnownRecipe[] {
  const known: KnownRecipe[] = BUILT_IN.map((recipe) => ({ recipe, folder: null }));
  const problems: string[] = [];
  for (const folder of new Set(folders.map((path) => resolve(path)))) {
    try {
      const recipe = readRecipeFolder(folder);
      const namesake = known.find((other) => other.recipe.name === recipe.name);
      if (namesake === undefined) known.push({ recipe, folder });
      else problems.push(`${join(folder, MANIFEST_FILE)}: name: ${taken(namesake)}`);
    } catch (error) {
      if (!(error instanceof YamlFileError)) throw error;
      problems.push(error.message);
    }
  }
  if (problems.length > 0) throw new YamlFileError(problems.join("\n"));
  return known;
}

/** The recipe of a name. Throws an error that names the known ones. */
export function findRecipe(name: string, known: readonly KnownRecipe[]): Recipe {
  const found = known.find(({ recipe }) => recipe.name === name);
  if (found !== undefined) return found.recipe;
  const names = known.map(({ recipe }) => recipe.name).join(" or ");
  throw new Error(`recipe.name: ${name} is not known, expected ${names}; folders with more come in TUNELOOP_RECIPES`);
}

/** Where recipes keep what they build when their caller has no place of its own. */
export function defaultRecipeCache(): string {
  return join(homedir(), ".cache", "tuneloop", "recipes");
}

function taken({ recipe, folder }: KnownRecipe): string {
  return `${recipe.name} is ${folder === null ? "part of Tuneloop" : `the recipe of ${folder}`}, choose another name`;
}
