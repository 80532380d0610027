import { createInterface } from "node:readline";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { rmSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import type { Bucket } from "./bucket.ts";
import type { ChildEnvironment } from "./environment.ts";
import type { Faults } from "./faults.ts";
import type { RunnerOrder } from "./node-runner.ts";
import { endGroup, isRunning, killRemains, launch, type Launched } from "./processes.ts";
import type { VersionRecord } from "./state.ts";

/** How long an application may take from start to listening, in milliseconds. */
const START_TIMEOUT_MS = 60_000;

/** Pauses before a restart grow from the first to the last, in milliseconds. */
const FIRST_BACKOFF_MS = 100;
const LAST_BACKOFF_MS = 10_000;

/** How long an exited process's last word may take to arrive, in milliseconds. */
const LAST_WORD_MS = 200;

/** How often a process that an earlier emulator started is looked at. */
const ADOPTED_POLL_MS = 100;

/** How long requests in flight may take when a version ends, in milliseconds. */
const DRAIN_MS = 10_000;

/** This module's own extension: `.ts` in a checkout, `.js` in a package. */
const RUNNER = fileURLToPath(new URL(`./node-runner${extname(import.meta.url)}`, import.meta.url));

const readySchema = z.union([z.object({ port: z.int() }), z.object({ error: z.string() })]);

/** What a replica needs from the rest of the emulator. */
export interface ReplicaContext {
  bucket: Bucket;
  faults: Faults;
  environment: ChildEnvironment;
  /** Receives one directory per version. */
  versionsDirectory: string;
  /** Called after every change of the version's record; must make it durable. */
  changed: () => void;
}

/** The process behind one service version: started, restarted with a growing pause when it dies, ended. */
export class Replica {
  readonly version: VersionRecord;
  readonly #context: ReplicaContext;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #inFlight = 0;
  #ended = false;

  constructor(version: VersionRecord, context: ReplicaContext) {
    this.version = version;
    this.#context = context;
  }

  /** Starts the process; health shows in the record. */
  start(): void {
    if (this.#ended) return;
    if (this.#context.faults.take(["service-unhealthy"], { name: this.version.request.name }) !== null) {
      this.#unhealthy("unhealthy because a fault was ordered");
      return;
    }
    const application = parseApplication(this.version);
    if ("problem" in application) {
      this.#unhealthy(application.problem);
      return;
    }
    const directory = join(this.#context.versionsDirectory, this.version.id);
    const { request } = this.version;
    const [wire] = request.ray_serve_config.applications;
    try {
      const work = join(directory, "work");
      rmSync(work, { recursive: true, force: true });
      const cwd = this.#context.bucket.unpack(wire?.runtime_env?.working_dir, work);
      const env = this.#context.environment(wire?.runtime_env?.env_vars);
      const launched = launch([process.execPath, RUNNER], { cwd, env, logFile: join(directory, "log") });
      this.version.process = launched.identity;
      this.version.port = null;
      if (this.version.state === "RUNNING") this.version.state = "STARTING";
      this.#context.changed();
      this.#await(launched);
      const order: RunnerOrder = { ...application, args: wire?.args ?? {} };
      launched.channel.write(`${JSON.stringify(order)}\n`);
    } catch (error) {
      // An archive or a directory that does not work now will not work later either.
      this.#unhealthy(error instanceof Error ? error.message : String(error));
    }
  }

  /** Takes over the process of an earlier emulator if it still listens, else starts a new one. */
  adopt(): void {
    const { process: identity, port } = this.version;
    if (identity === null || !isRunning(identity)) {
      this.start();
    } else if (port === null) {
      // Half started: whether it will listen would be told to the emulator that is gone.
      void endGroup(identity).then(() => this.start());
    } else {
      this.#timer = setInterval(() => isRunning(identity) || this.#died("the process ended"), ADOPTED_POLL_MS);
    }
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
    this.#ended = true;
    clearTimeout(this.#timer);
    const deadline = Date.now() + DRAIN_MS;
    while (options.drain && this.#inFlight > 0 && Date.now() < deadline) await delay(10);
    if (this.version.process !== null) await endGroup(this.version.process);
    if (options.drain)
      rmSync(join(this.#context.versionsDirectory, this.version.id, "work"), { recursive: true, force: true });
  }

  #await(launched: Launched): void {
    let reason = "the application ended before it listened";
    const timeout = setTimeout(() => {
      reason = `the application did not listen within ${START_TIMEOUT_MS} ms`;
      void endGroup(launched.identity, 0);
    }, START_TIMEOUT_MS);
    const lines = createInterface({ input: launched.channel });
    lines.on("error", () => undefined);
    const heard = new Promise<void>((done) => lines.once("close", done));
    lines.once("line", (line) => {
      clearTimeout(timeout);
      const ready = parseReady(line);
      if ("error" in ready) {
        reason = ready.error;
        return;
      }
      reason = "the application ended";
      if (this.#ended) return;
      this.version.port = ready.port;
      this.version.state = "RUNNING";
      this.version.message = null;
      this.#failures = 0;
      this.#context.changed();
    });
    launched.onExit((code) => {
      clearTimeout(timeout);
      killRemains(launched.identity.pid);
      const how = code === null ? "by a signal" : `exit code ${code}`;
      // Its last word, why it could not start, may still be on its way.
      void Promise.race([heard, delay(LAST_WORD_MS)]).then(() => this.#died(`${reason} (${how})`));
    });
  }

  #died(reason: string): void {
    clearTimeout(this.#timer);
    if (this.#ended) return;
    this.#unhealthy(reason);
    const pause = Math.min(LAST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.#timer = setTimeout(() => this.start(), pause);
  }

  #unhealthy(message: string): void {
    this.version.state = "UNHEALTHY";
    this.version.message = message;
    this.version.process = null;
    this.version.port = null;
    this.#context.changed();
  }
}

/** The runner's answer. The application shares its process and could have written anything there. */
function parseReady(line: string): z.infer<typeof readySchema> {
  try {
    return readySchema.parse(JSON.parse(line));
  } catch {
    return { error: `the application wrote on descriptor 3, which is the emulator's` };
  }
}

/** What the Node runner is to load, or why there is nothing that it can. */
function parseApplication(version: VersionRecord): { file: string; handler: string } | { problem: string } {
  const [application, ...others] = version.request.ray_serve_config.applications;
  if (application === undefined || others.length > 0) return { problem: "the emulator runs exactly one application" };
  const [, file, handler] = /^([\w][\w./-]*\.m?js):([A-Za-z_$][\w$]*)$/.exec(application.import_path) ?? [];
  if (file === undefined || handler === undefined || file.split("/").includes("..")) {
    return {
      problem: `import_path "${application.import_path}" is not of the form file.mjs:handler, all the emulator runs`,
    };
  }
  return { file, handler };
}
