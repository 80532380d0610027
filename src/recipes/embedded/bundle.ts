import { createHash, randomUUID } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const HERE = fileURLToPath(import.meta.url);

/** Extension of the modules beside this one: `.ts` in a checkout, `.js` in the package. */
export const MODULE_EXTENSION = extname(HERE);

/** CommonJS packages inside of the bundle ask for Node's modules by `require`, which ES modules lack. */
const REQUIRE = `import { createRequire as createRequireOfBundle } from "node:module";
const require = createRequireOfBundle(import.meta.url);`;

/**
 * Bundles an entry of this directory with all its packages into one file, `<name>.mjs`, alone in a directory below
 * `cacheDirectory` that is named by its content; answers the directory. The same code gives the same bytes, so that an
 * upload of it is found again. Several processes may do so at once.
 */
export async function bundleEntry(name: string, entry: string, cacheDirectory: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: entry, resolveDir: dirname(HERE), sourcefile: `${name}-entry.mjs`, loader: "js" },
    absWorkingDir: dirname(HERE),
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    banner: { js: REQUIRE },
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: "none",
    logLevel: "silent",
    write: false,
  });
  const [file] = outputFiles;
  if (file === undefined) throw new Error(`esbuild gave no output for ${name}`);
  const content = Buffer.from(file.contents);
  const directory = join(cacheDirectory, `${name}-${createHash("sha256").update(content).digest("hex").slice(0, 16)}`);
  await mkdir(directory, { recursive: true });
  const path = join(directory, `${name}.mjs`);
  const present = await readFile(path).catch(() => null);
  if (present?.equals(content) === true) return directory;
  // Written beside the directory and moved in whole: nobody uploads half a file, and the directory holds nothing else.
  const temporary = join(cacheDirectory, `.${name}-${randomUUID()}`);
  await writeFile(temporary, content);
  await rename(temporary, path);
  return directory;
}
