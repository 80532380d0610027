/** Where this package's own files lie, in a checkout (TypeScript as it is) and in an installed package (`dist/`). */
import { existsSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The directory of this package's package.json. */
export function packageRoot(): string {
  for (let directory = dirname(fileURLToPath(import.meta.url)); ; directory = dirname(directory)) {
    if (existsSync(join(directory, "package.json"))) return directory;
    if (directory === dirname(directory)) throw new Error("package.json is missing: this installation is damaged");
  }
}

/** The `tuneloop` command as a file that Node can run. */
export function launcherPath(): string {
  return join(packageRoot(), "src", "cli", "tuneloop.js");
}

/** A module beside this one, as a file that Node can run: its TypeScript in a checkout, its JavaScript in the package. */
export function devModulePath(name: string): string {
  const here = fileURLToPath(import.meta.url);
  return join(dirname(here), `${name}${extname(here)}`);
}
