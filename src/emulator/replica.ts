import { appendFileSync, mkdirSync, rmSync } from "node:fs";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import type { Application } from "../anyscale/services-wire.ts";
import { healthCheckOf, type Plan, planOf } from "./application.ts";
import type { Bucket } from "./bucket.ts";
import type { ChildEnvironment } from "./environment.ts";
import { askHealth, watchHealth } from "./health.ts";
import { provisionsOf } from "./job-request.ts";
import {
  endGroup,
  isRunning,
  killMarked,
  killRemains,
  launch,
  type Launched,
  type ProcessIdentity,
} from "./processes.ts";
import { type PythonEnvironments, pythonCommand } from "./python-environments.ts";
import type { ReplicaRecord } from "./service-records.ts";

/** How long an application may take from start to listening, its requirements included, in milliseconds. */
const START_TIMEOUT_MS = 600_000;

/** Pauses before a restart grow from the first to the last, in milliseconds; a replica that ran as long begins anew. */
const FIRST_BACKOFF_MS = 100;
const LAST_BACKOFF_MS = 10_000;

/** How long an exited process's last word may take to arrive, in milliseconds. */
const LAST_WORD_MS = 200;

/** How often a process that an earlier emulator started is looked at. */
const ADOPTED_POLL_MS = 100;

/** How long requests in flight may take when a version ends, in milliseconds. */
const DRAIN_MS = 10_000;

const readySchema = z.union([z.object({ port: z.int() }), z.object({ error: z.string() })]);

/** What a replica needs from the rest of the emulator. */
export interface ReplicaContext {
  bucket: Bucket;
  environment: ChildEnvironment;
  pythonEnvironments: PythonEnvironments;
  /** Receives the files of this replica alone. */
  directory: string;
  /** Receives its output, and what is to be said of it. */
  logFile: string;
  /** Called after every change of the record; must make it durable. */
  changed: () => void;
}

/** The process behind one application of a version: started, watched, restarted with a growing pause, ended. */
export class Replica {
  readonly record: ReplicaRecord;
  readonly #application: Application;
  readonly #context: ReplicaContext;
  readonly #ended = new AbortController();
  #watched = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #runsSince = Infinity;
  #inFlight = 0;

  constructor(record: ReplicaRecord, application: Application, context: ReplicaContext) {
    this.record = record;
    this.#application = application;
    this.#context = context;
  }

  /** Starts the process; health shows in the record. */
  start(): void {
    if (this.#ended.signal.aborted) return;
    const plan = planOf(this.#application);
    if ("problem" in plan) {
      this.fail(plan.problem);
      return;
    }
    try {
      this.#launch(plan);
    } catch (error) {
      // An archive or a directory that does not work now will not work later either.
      this.fail(error instanceof Error ? error.message : String(error));
    }
  }

  /** Takes over the process of an earlier emulator if it still listens, else starts a new one. */
  adopt(): void {
    const { process: identity, port } = this.record;
    if (identity === null || !isRunning(identity)) {
      this.start();
    } else if (port === null || this.record.state !== "RUNNING") {
      // Half started: whether it will listen would be told to the emulator that is gone.
      void endGroup(identity).then(() => this.start());
    } else {
      let reason = "the process ended";
      this.#watch(identity, port, (problem) => (reason = problem));
      this.#timer = setInterval(() => isRunning(identity) || this.#died(reason), ADOPTED_POLL_MS);
    }
  }

  /** Makes it unhealthy, without a process; it stays so unless it is started again. */
  fail(message: string): void {
    this.#note(message);
    this.record.state = "UNHEALTHY";
    this.record.message = message;
    this.record.process = null;
    this.record.port = null;
    this.#context.changed();
  }

  /** Counts a request in; call the answer when it is done. */
  enter(): () => void {
    this.#inFlight += 1;
    return () => {
      this.#inFlight -= 1;
    };
  }

  /** Ends the process for good, after the requests in flight (10 s at most). */
  async end(options: { drain: boolean }): Promise<void> {
    this.#ended.abort();
    this.#watched.abort();
    clearTimeout(this.#timer);
    const deadline = Date.now() + DRAIN_MS;
    while (options.drain && this.#inFlight > 0 && Date.now() < deadline) await delay(10);
    if (this.record.process !== null) await endGroup(this.record.process);
    killMarked(this.record.id);
    if (options.drain) rmSync(this.#context.directory, { recursive: true, force: true });
  }

  #launch(plan: Plan): void {
    const { bucket, directory, environment, logFile, pythonEnvironments } = this.#context;
    const { working_dir: workingDir, env_vars: envVars } = this.#application.runtime_env ?? {};
    const { pyModules, requirements } = provisionsOf(this.#application.runtime_env);
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
    const cwd = bucket.unpack(workingDir, join(directory, "work"));
    const modules = pyModules.map((uri, index) => {
      const module = join(directory, `module-${index}`);
      bucket.unpack(uri, module);
      return module;
    });
    const command =
      plan.language === "node"
        ? ([process.execPath, plan.runner] as const)
        : pythonCommand(plan.runner, pythonEnvironments.of(requirements));
    const env = pythonEnvironment(environment(envVars), modules);
    const launched = launch(command, { cwd, env, logFile, mark: this.record.id });
    this.#note(`${plan.order.target} starts`);
    this.record.process = launched.identity;
    this.record.port = null;
    if (this.record.state === "RUNNING") this.record.state = "STARTING";
    this.#context.changed();
    this.#await(launched);
    launched.channel.write(`${JSON.stringify(plan.order)}\n`);
  }

  #await(launched: Launched): void {
    let reason = "the application ended before it listened";
    const kill = (problem: string) => {
      reason = problem;
      void endGroup(launched.identity, 0);
    };
    const timeout = setTimeout(
      () => kill(`the application did not listen within ${START_TIMEOUT_MS / 1000} s`),
      START_TIMEOUT_MS,
    );
    const lines = createInterface({ input: launched.channel });
    lines.on("error", () => undefined);
    const heard = new Promise<void>((done) => lines.once("close", done));
    lines.once("line", (line) => {
      clearTimeout(timeout);
      const ready = parseReady(line);
      if ("error" in ready) {
        reason = ready.error;
      } else {
        reason = "the application ended";
        void this.#listens(launched.identity, ready.port, kill);
      }
    });
    launched.onExit((code) => {
      clearTimeout(timeout);
      this.#watched.abort();
      killRemains(launched.identity.pid);
      killMarked(this.record.id);
      const how = code === null ? "by a signal" : `exit code ${code}`;
      // Its last word, why it could not start, may still be on its way.
      void Promise.race([heard, delay(LAST_WORD_MS)]).then(() => this.#died(`${reason} (${how})`));
    });
  }

  /** It runs once it has answered. */
  async #listens(identity: ProcessIdentity, port: number, kill: (problem: string) => void): Promise<void> {
    const problem = await askHealth(port, healthCheckOf(this.#application).timeoutMs);
    if (this.#ended.signal.aborted) return;
    if (problem !== null) {
      kill(problem);
      return;
    }
    this.record.port = port;
    this.record.state = "RUNNING";
    this.record.message = null;
    this.#runsSince = Date.now();
    this.#note("runs");
    this.#watch(identity, port, kill);
    this.#context.changed();
  }

  /** Kills a process that answers no more: what it is killed for, `sick` hears first. */
  #watch(identity: ProcessIdentity, port: number, sick: (problem: string) => void): void {
    this.#watched = new AbortController();
    void watchHealth(port, healthCheckOf(this.#application), this.#watched.signal, (problem) => {
      sick(problem);
      void endGroup(identity, 0);
    });
  }

  #died(reason: string): void {
    clearTimeout(this.#timer);
    this.#watched.abort();
    if (this.#ended.signal.aborted) return;
    this.fail(reason);
    if (Date.now() - this.#runsSince > LAST_BACKOFF_MS) this.#failures = 0;
    this.#runsSince = Infinity;
    const pause = Math.min(LAST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.#timer = setTimeout(() => this.start(), pause);
  }

  #note(message: string): void {
    appendFileSync(this.#context.logFile, `[emulator] ${this.record.application}: ${message}\n`);
  }
}

/** Python writes its output at once, and finds the modules that came beside the working directory. */
function pythonEnvironment(env: NodeJS.ProcessEnv, modules: readonly string[]): NodeJS.ProcessEnv {
  const path = [...modules, env["PYTHONPATH"] ?? ""].filter((part) => part !== "").join(":");
  return { ...env, PYTHONUNBUFFERED: "1", ...(path === "" ? {} : { PYTHONPATH: path }) };
}

/** The runner's answer. The application shares its process and could have written anything there. */
function parseReady(line: string): z.infer<typeof readySchema> {
  try {
    return readySchema.parse(JSON.parse(line));
  } catch {
    return { error: "the application wrote on descriptor 3, which is the emulator's" };
  }
}
