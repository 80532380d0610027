import type { Recipe } from "../recipe.ts";
import { bundleEntry, MODULE_EXTENSION } from "./bundle.ts";
import { parseEmbeddedHyperparameters } from "./hyperparameters.ts";

/** Runs the job in the bundle; a module that is only imported does nothing. */
const RUN_TRAIN = `import { main } from "./train${MODULE_EXTENSION}";
process.exitCode = await main(process.argv.slice(2), process.env, {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
});
`;

/** Trains linear models and a tagger on the CPU, from the records alone, in seconds; needs Node 20 or later and nothing else. */
export const embeddedRecipe: Recipe = {
  name: "embedded",
  parseHyperparameters: parseEmbeddedHyperparameters,
  async job({ cacheDirectory }) {
    const workingDirectory = await bundleEntry("train", RUN_TRAIN, cacheDirectory);
    return { workingDirectory, entrypoint: (specUri) => `node train.mjs ${quoted(specUri)}`, imageUri: null };
  },
  async service({ cacheDirectory }) {
    const workingDirectory = await bundleEntry(
      "serve",
      `export { handler } from "./serve${MODULE_EXTENSION}";\n`,
      cacheDirectory,
    );
    return { workingDirectory, importPath: "serve.mjs:handler", args: (modelUri) => ({ modelUri }), imageUri: null };
  },
};

/** One word for the shell. */
function quoted(text: string): string {
  return /^[\w:/.-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
