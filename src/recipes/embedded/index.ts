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

/** Linear models and a tagger, or an index where outputs are free text; on the CPU, from the records alone, with Node 20 or later. */
export const embeddedRecipe: Recipe = {
  name: "embedded",
  description: "learns calls and labels on the CPU in seconds, and looks free text up",
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
