/** Anyscale's official Python package, of the one version that the recordings are of, in a virtual environment of its own. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cacheDirectory } from "../../src/dev/binaries.ts";

const PACKAGE = "anyscale==0.26.112";

/** Programs of the virtual environment. */
export interface OfficialSdk {
  python: string;
  /** The command line interface. */
  cli: string;
}

/** How a program ended and what it said on stdout and stderr together. */
export interface Ended {
  code: number | null;
  output: string;
}

/**
 * Finds the package in the cache or installs it there with pip. Throws when `python3` is missing or too old, or the
 * installation fails.
 */
export async function officialSdk(): Promise<OfficialSdk> {
  const home = join(dirname(cacheDirectory(process.env)), PACKAGE.replace("==", "-"));
  const [python, cli, done] = [join(home, "bin", "python"), join(home, "bin", "anyscale"), join(home, "installed")];
  if (!existsSync(done)) {
    rmSync(home, { recursive: true, force: true });
    mkdirSync(dirname(home), { recursive: true });
    await succeeding(["python3", "-m", "venv", home]);
    await succeeding([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PACKAGE]);
    writeFileSync(done, "");
  }
  return { python, cli };
}

/** Runs a program to its end. With `show`, its output also goes to this process's own. */
export async function run(
  command: readonly string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string; show?: boolean; timeoutMs?: number } = {},
): Promise<Ended> {
  const [file = "", ...rest] = command;
  const child = spawn(file, rest, {
    stdio: ["ignore", "pipe", "pipe"],
    ...(options.env ? { env: options.env } : {}),
    ...(options.cwd ? { cwd: options.cwd } : {}),
    timeout: options.timeoutMs ?? 900_000,
  });
  let output = "";
  const take = (data: Buffer) => {
    output += data.toString();
    if (options.show) process.stdout.write(data);
  };
  child.stdout.on("data", take);
  child.stderr.on("data", take);
  return await new Promise((resolve, reject) => {
    child.once("error", (error) => reject(new Error(`${file} could not be run: ${error.message}`)));
    child.once("close", (code) => resolve({ code, output }));
  });
}

async function succeeding(command: readonly string[]): Promise<void> {
  const { code, output } = await run(command);
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}:\n${output.slice(-2000)}`);
}
