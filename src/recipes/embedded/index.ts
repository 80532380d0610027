import { modelVersionAt } from "../../domain/ids.ts";
import { shellWord } from "../../domain/shell.ts";
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

/** Node is all that it needs. */
const ANYWHERE = { image: null, compute: null, requirements: [], envVars: {} };

/** Trains linear models and a tagger on the CPU, from the records alone, in seconds; needs Node 20 or later and nothing else. */
export const embeddedRecipe: Recipe = {
  name: "embedded",
  description: "trains a small model on the CPU in seconds, from the records alone",
  parse({ baseModel, hyperparameters }) {
    if (baseModel !== null) throw new Error("baseModel: the embedded recipe starts from no model, leave it out");
    return { baseModel, hyperparameters: parseEmbeddedHyperparameters(hyperparameters) };
  },
  async job({ cacheDirectory }) {
    const workingDirectory = await bundleEntry("train", RUN_TRAIN, cacheDirectory);
    return { ...ANYWHERE, workingDirectory, entrypoint: (specUri) => `node train.mjs ${shellWord(specUri)}` };
  },
  async service({ cacheDirectory }) {
    const workingDirectory = await bundleEntry(
      "serve",
      `export { handler } from "./serve${MODULE_EXTENSION}";\n`,
      cacheDirectory,
    );
    return {
      ...ANYWHERE,
      workingDirectory,
      importPath: "serve.mjs:handler",
      args: (modelUri) => ({ modelUri }),
      modelName: modelVersionAt,
    };
  },
};
