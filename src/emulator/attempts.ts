import { appendFileSync, mkdirSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ArchiveError } from "./archive.ts";
import type { Bucket } from "./bucket.ts";
import type { ComputeConfigs } from "./compute-configs.ts";
import type { ChildEnvironment } from "./environment.ts";
import type { Images } from "./images.ts";
import { provisionsOf } from "./job-request.ts";
import { notices, usesRay } from "./notices.ts";
import { launch, type Launched } from "./processes.ts";
import { INSTALLER, type PythonEnvironments } from "./python-environments.ts";
import type { JobRecord } from "./records.ts";

const RUN_ATTEMPT = fileURLToPath(new URL("./run-attempt.sh", import.meta.url));

/** What attempts need from the rest of the emulator. */
export interface AttemptContext {
  bucket: Bucket;
  computeConfigs: ComputeConfigs;
  images: Images;
  environment: ChildEnvironment;
  /** Receives one directory per attempt. */
  runsDirectory: string;
  pythonEnvironments: PythonEnvironments;
}

/** How an attempt ended. */
export type Outcome =
  | { kind: "exited"; code: number }
  | { kind: "setup-failed" }
  | { kind: "lost" }
  | { kind: "timed-out" };

/** A word for people on how an attempt ended. None of it comes from the log, which may hold data. */
export function describeOutcome(outcome: Outcome, job: JobRecord): string {
  switch (outcome.kind) {
    case "exited":
      return `exit code ${outcome.code}`;
    case "timed-out":
      return `ended after timeout_s=${job.request.config.timeout_s}`;
    case "setup-failed":
      return "the requirements could not be installed";
    case "lost":
      return "lost: the process ended without leaving an exit code";
  }
}

/** Attempts of jobs on disk: a directory each, with the log, the unpacked files and the exit code. */
export class Attempts {
  readonly #context: AttemptContext;

  constructor(context: AttemptContext) {
    this.#context = context;
  }

  /** Where an attempt's output is; the file may not be there yet. */
  logPath(attemptId: string): string {
    return join(this.#directory(attemptId), "log");
  }

  /** Adds lines to an attempt's log. */
  appendLog(attemptId: string, text: string): void {
    mkdirSync(this.#directory(attemptId), { recursive: true });
    appendFileSync(this.logPath(attemptId), text);
  }

  /**
   * Unpacks what the job brings and starts its process, marked with the attempt's id; it waits for a line on its channel.
   * What the job asks for and does not get stands in the log before. Throws `ArchiveError` for files that are refused.
   */
  launch(job: JobRecord, attemptId: string): Launched {
    const directory = this.#directory(attemptId);
    mkdirSync(directory, { recursive: true });
    const { entrypoint, runtime_env: runtimeEnv } = job.request.config;
    const { requirements, pyModules } = provisionsOf(runtimeEnv);
    const cwd = this.#unpack("working_dir", runtimeEnv?.working_dir, join(directory, "work"));
    const modules = pyModules.map((uri, index) => {
      const path = join(directory, "modules", String(index));
      // A module is imported by the archive's top-level folder, so that one stays.
      this.#unpack("py_modules", uri, path);
      return path;
    });
    const env = this.#context.environment(runtimeEnv?.env_vars);
    const pythonPath = [...modules, env["PYTHONPATH"] ?? ""].filter((path) => path !== "").join(delimiter);
    this.appendLog(attemptId, this.#notices(job).join(""));
    const python = this.#context.pythonEnvironments.of(requirements);
    const installation = python === null ? ["", "", ""] : [python.directory, python.requirementsFile, INSTALLER];
    const checkRay = usesRay(entrypoint, cwd) ? "ray" : "";
    const exitFile = join(directory, "exit");
    return launch(["/bin/sh", RUN_ATTEMPT, entrypoint, exitFile, ...installation, checkRay], {
      cwd,
      env: pythonPath === "" ? env : { ...env, PYTHONPATH: pythonPath },
      logFile: this.logPath(attemptId),
      mark: attemptId,
    });
  }

  /** How the process of an attempt ended; null when its entrypoint never ran. */
  leftover(attemptId: string): Outcome | null {
    let text: string;
    try {
      text = readFileSync(join(this.#directory(attemptId), "exit"), "utf8");
    } catch {
      return { kind: "lost" };
    }
    if (text === "not-started\n") return null;
    if (text === "setup-failed\n") return { kind: "setup-failed" };
    return /^\d+\n$/.test(text) ? { kind: "exited", code: Number(text) } : { kind: "lost" };
  }

  /** Removes the unpacked files; the log stays. A courtesy: what cannot be removed does no harm. */
  removeFiles(attemptId: string): void {
    for (const name of ["work", "modules"]) this.#remove(join(this.#directory(attemptId), name));
  }

  /** Removes everything of an attempt, its log too. */
  remove(attemptId: string): void {
    this.#remove(this.#directory(attemptId));
  }

  #unpack(field: string, uri: string | undefined, path: string): string {
    try {
      return this.#context.bucket.unpack(uri, path);
    } catch (cause) {
      if (cause instanceof ArchiveError) throw new ArchiveError(`${field}: ${cause.message}`, { cause });
      throw cause;
    }
  }

  #remove(path: string): void {
    rm(path, { recursive: true, force: true, maxRetries: 2 }).catch(() => undefined);
  }

  #notices(job: JobRecord): string[] {
    const { build_id: buildId = "", compute_config_id: computeConfigId = "" } = job.request.config;
    const [image, build] = this.#context.images.build(buildId);
    const computeConfig = this.#context.computeConfigs.get(computeConfigId);
    return notices({
      image,
      build,
      computeConfig,
      pyExecutable: provisionsOf(job.request.config.runtime_env).pyExecutable,
    });
  }

  #directory(attemptId: string): string {
    return join(this.#context.runsDirectory, attemptId);
  }
}
