/** `tuneloop recipe`: what models can be trained by. */
import { Command } from "commander";
import { recipeFolders } from "../config.ts";
import { loadRecipes, type KnownRecipe } from "../recipes/index.ts";
import { DEFAULT_STATE_DIRECTORY } from "./state-directory.ts";
import { recipeTryCommand } from "./recipe-try.ts";
import { surroundings } from "./surroundings.ts";

/** The `recipe` command with its subcommands. */
export function recipeCommand(): Command {
  return new Command("recipe")
    .description("see which recipes there are, and try one offline")
    .addCommand(recipeListCommand())
    .addCommand(recipeTryCommand())
    .exitOverride();
}

/** The `recipe list` command: the recipes that are part of Tuneloop and those of TUNELOOP_RECIPES, all of them checked. */
function recipeListCommand(): Command {
  return new Command("list")
    .description("list the recipes, and check the manifests of those in TUNELOOP_RECIPES")
    .option("--state <directory>", "of the local stack to use when no Temporal is configured", DEFAULT_STATE_DIRECTORY)
    .option("--json", "print one JSON object")
    .action(({ state, json }: { state: string; json?: boolean }) => {
      const rows = loadRecipes(recipeFolders(surroundings(process.env, state))).map(rowOf);
      process.stdout.write(json ? `${JSON.stringify({ recipes: rows })}\n` : describe(rows));
    })
    .exitOverride()
    .showHelpAfterError();
}

interface Row {
  name: string;
  /** Null for a recipe that is part of Tuneloop. */
  folder: string | null;
  description: string;
}

function rowOf({ recipe: { name, description }, folder }: KnownRecipe): Row {
  return { name, folder, description };
}

function describe(rows: readonly Row[]): string {
  const from = ({ folder }: Row): string => folder ?? "built in";
  const width = (cells: string[]): number => Math.max(...cells.map((cell) => cell.length)) + 2;
  const [names, folders] = [width(rows.map(({ name }) => name)), width(rows.map(from))];
  return rows.map((row) => `${row.name.padEnd(names)}${from(row).padEnd(folders)}${row.description}\n`).join("");
}
