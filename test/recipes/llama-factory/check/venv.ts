/** Python environments of the check, below the user's cache; each is made once for its list of packages. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";

const INSTALL_TIMEOUT_MS = 30 * 60_000;

/** An environment that is there. */
export interface Venv {
  /** Directory of its programs. */
  bin: string;
  /** What making it took; 0 when it was there. */
  seconds: number;
}

/** Makes the environment if it is missing. Throws with the end of pip's output when that fails. */
export async function ensureVenv(name: string, packages: readonly string[]): Promise<Venv> {
  const hash = createHash("sha256").update(packages.join("\n")).digest("hex").slice(0, 8);
  const directory = join(homedir(), ".cache", "tuneloop", "gpu-recipe", `${name}-${hash}`);
  const bin = join(directory, "bin");
  const done = join(directory, "installed.txt");
  if (existsSync(done)) return { bin, seconds: 0 };
  const startedAt = performance.now();
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  await run("python3", ["-m", "venv", directory], { timeoutMs: INSTALL_TIMEOUT_MS });
  await run(join(bin, "pip"), ["install", "--quiet", "--disable-pip-version-check", ...packages], {
    timeoutMs: INSTALL_TIMEOUT_MS,
  });
  await writeFile(done, (await run(join(bin, "pip"), ["freeze"], { timeoutMs: INSTALL_TIMEOUT_MS })).join("\n"));
  return { bin, seconds: Math.round((performance.now() - startedAt) / 1000) };
}

/** How to run a program. */
export interface RunOptions {
  timeoutMs: number;
  input?: string;
  env?: NodeJS.ProcessEnv;
}

/** Lines of what a program prints. Throws with the end of its error output when it fails or takes too long. */
export async function run(program: string, args: readonly string[], options: RunOptions): Promise<string[]> {
  return await new Promise((resolve, reject) => {
    const { timeoutMs, env, input } = options;
    const limits = { timeout: timeoutMs, maxBuffer: 64 * 1024 * 1024, env: env ?? process.env };
    const child = execFile(program, args, limits, (error, out, err) => {
      if (error === null) resolve(out.trimEnd().split("\n"));
      else reject(new Error(`${program} ${args.join(" ")}: ${error.message.split("\n")[0]}\n${err.slice(-3000)}`));
    });
    child.stdin?.end(input ?? "");
  });
}
