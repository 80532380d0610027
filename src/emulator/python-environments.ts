import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Program that makes an environment unless it is there: `DIRECTORY REQUIREMENTS_FILE`, for any `python3`. */
export const INSTALLER = fileURLToPath(new URL("./install-requirements.py", import.meta.url));

/** Installs requirements ($2 to $4), then becomes the interpreter that has them; what fails is told on descriptor 3. */
const INSTALL_THEN_RUN = `python3 "$2" "$3" "$4" && exec "$3/bin/python" "$1"
echo '{"error":"the requirements could not be installed: the log of the version has what pip says"}' >&3
exit 1`;

/** A virtual environment: where it is or will be, and the requirements that it is made of. */
export interface PythonEnvironment {
  directory: string;
  requirementsFile: string;
}

/** Virtual environments by what they contain: equal requirements share one. */
export class PythonEnvironments {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** The environment of these requirements, which are written down; null when there are none. */
  of(requirements: readonly string[]): PythonEnvironment | null {
    const lines = requirements.map((line) => line.trim()).filter((line) => line !== "");
    if (lines.length === 0) return null;
    const text = `${lines.join("\n")}\n`;
    const directory = join(
      this.#directory,
      createHash("sha256").update(lines.toSorted().join("\n")).digest("hex").slice(0, 24),
    );
    mkdirSync(this.#directory, { recursive: true });
    const requirementsFile = `${directory}.txt`;
    writeFileSync(requirementsFile, text);
    return { directory, requirementsFile };
  }
}

/** The command that runs a Python program with an environment, which is made first when it is not there. */
export function pythonCommand(program: string, environment: PythonEnvironment | null): readonly [string, ...string[]] {
  if (environment === null) return ["python3", program];
  const { directory, requirementsFile } = environment;
  return ["/bin/sh", "-c", INSTALL_THEN_RUN, "replica", program, INSTALLER, directory, requirementsFile];
}
