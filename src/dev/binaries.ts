/**
 * Finds the server programs of the local stack. In this order: a path given in the environment, PATH, our own cache,
 * a download of the pinned release, `go install` of the pinned version. Each step says what it does; what cannot be
 * used is said and passed over.
 */
import { execFile, spawn } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import type { PinnedServer } from "./pinned-servers.ts";
import { downloadRelease } from "./release.ts";
import type { Report } from "./report.ts";

const execFileAsync = promisify(execFile);

/** Where to look, and whom to tell. */
export interface FindOptions {
  environment: NodeJS.ProcessEnv;
  report: Report;
  /** Ends a download or a build. */
  signal?: AbortSignal;
}

const VERSION_TIMEOUT_MS = 20_000;
const BUILD_REPORT_MS = 15_000;

/**
 * Path of an executable of this server that was seen to run and to have a version that works. What had to be
 * downloaded or built stays in the cache. Throws when a path given in the environment cannot be used, and, with the
 * result of each step and what to install, when no step led anywhere.
 */
export async function findBinary(server: PinnedServer, options: FindOptions): Promise<string> {
  const given = options.environment[server.pathVariable];
  if (given !== undefined && given !== "") {
    const problem = await problemOf(server, given);
    if (problem === null) return given;
    throw new Error(`${server.pathVariable}=${given} cannot be used: ${problem}`);
  }
  const failures: string[] = [];
  const cached = join(cacheDirectory(options.environment), `${server.name}-${server.version}`);
  for (const [place, candidates] of [
    ["PATH", onPath(server.name, options.environment)],
    ["cache", isExecutable(cached) ? [cached] : []],
  ] as const) {
    for (const candidate of candidates) {
      const problem = await problemOf(server, candidate);
      if (problem === null) return candidate;
      failures.push(`${place}: ${candidate} was passed over: ${problem}`);
      options.report(`${server.title}: ${candidate} is passed over: ${problem}`);
    }
    if (candidates.length === 0) failures.push(`${place}: no ${server.name}${place === "cache" ? ` (${cached})` : ""}`);
  }
  for (const [step, make] of [
    ["download", downloadRelease],
    ["go install", goInstall],
  ] as const) {
    try {
      return await makeCached(server, cached, options, make);
    } catch (error) {
      options.signal?.throwIfAborted();
      const message = error instanceof Error ? error.message : String(error);
      failures.push(`${step}: ${message}`);
      options.report(`${server.title}: ${step} failed: ${message}`);
    }
  }
  const tried = failures.map((failure) => `  ${failure}`).join("\n");
  throw new Error(
    `${server.title} ${server.version} is needed and was not found:\n${tried}\nTo go on, ${server.advice.join(", or ")}.`,
  );
}

/** Where downloaded and built servers are kept: `$XDG_CACHE_HOME/tuneloop/bin`, by default below `~/.cache`. */
export function cacheDirectory(environment: NodeJS.ProcessEnv): string {
  const base = environment["XDG_CACHE_HOME"];
  const home = environment["HOME"] ?? homedir();
  return join(base === undefined || base === "" ? join(home, ".cache") : base, "tuneloop", "bin");
}

/**
 * Lets `make` put an executable into a directory of its own and moves it to its place in the cache once it was seen
 * to work. The move is atomic: of two processes that do this at once both succeed.
 */
async function makeCached(
  server: PinnedServer,
  cached: string,
  options: FindOptions,
  make: (server: PinnedServer, directory: string, options: FindOptions) => Promise<void>,
): Promise<string> {
  const cache = cacheDirectory(options.environment);
  await mkdir(cache, { recursive: true });
  const workshop = await mkdtemp(join(cache, ".making-"));
  try {
    await make(server, workshop, options);
    const made = join(workshop, server.name);
    const problem = await problemOf(server, made);
    if (problem !== null) throw new Error(problem);
    await rename(made, cached);
    options.report(`${server.title} ${server.version} is ready in ${cached}`);
    return cached;
  } finally {
    await rm(workshop, { recursive: true, force: true });
  }
}

/** Why this file cannot be used as the server, or null when it can. */
async function problemOf(server: PinnedServer, file: string): Promise<string | null> {
  try {
    const { stdout, stderr } = await execFileAsync(file, ["--version"], { timeout: VERSION_TIMEOUT_MS });
    return server.versionProblem(`${stdout}\n${stderr}`);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return `it does not run (${message.trim().split("\n").at(-1)})`;
  }
}

function onPath(name: string, environment: NodeJS.ProcessEnv): string[] {
  const directories = (environment["PATH"] ?? "").split(delimiter).filter((directory) => directory !== "");
  return directories.map((directory) => join(directory, name)).filter(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

async function goInstall(server: PinnedServer, directory: string, options: FindOptions): Promise<void> {
  const go = onPath("go", options.environment)[0];
  if (go === undefined) throw new Error("no go on PATH");
  options.report(`${server.title}: building ${server.goPackage} with ${go}; this takes minutes, once`);
  const startedAt = Date.now();
  const ticker = setInterval(() => {
    options.report(`${server.title}: still building, ${Math.round((Date.now() - startedAt) / 1000)} s`);
  }, BUILD_REPORT_MS);
  try {
    const child = spawn(go, ["install", server.goPackage], {
      env: { ...options.environment, GOBIN: directory },
      stdio: ["ignore", "ignore", "pipe"],
      signal: options.signal,
    });
    let lastLine = "";
    const lines = createInterface({ input: child.stderr });
    lines.on("line", (line) => (lastLine = line));
    await new Promise<void>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => {
        if (code === 0) resolve();
        else reject(new Error(`${go} install ended with ${signal ?? `exit code ${code}`}: ${lastLine}`));
      });
    });
  } finally {
    clearInterval(ticker);
  }
}
