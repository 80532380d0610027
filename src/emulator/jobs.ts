import { appendFileSync, mkdirSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { JobCreate } from "../anyscale/jobs-wire.ts";
import { ArchiveError } from "./archive.ts";
import type { Bucket } from "./bucket.ts";
import type { ChildEnvironment } from "./environment.ts";
import type { Faults } from "./faults.ts";
import { newId, now } from "./ids.ts";
import { endGroup, isRunning, killRemains, launch, type ProcessIdentity } from "./processes.ts";
import type { AttemptRecord, JobRecord, Store } from "./state.ts";

/** The API's own default when a job names none. */
const DEFAULT_MAX_RETRIES = 5;

/** How often a process that an earlier emulator started is looked at; its end makes no event here. */
const ADOPTED_POLL_MS = 50;

/** Longest time of a Node timer. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Runs an entrypoint ($1) and leaves its exit code in a file ($2), so that it is found again after the emulator died. It
 * starts only at a word on descriptor 3, which comes when the process is recorded: an emulator killed in between leaves
 * no process that nobody knows. A signal is left to the entrypoint, whose end is waited for; one that comes before it has
 * started keeps it from starting. The code is whole when its line break is there.
 */
const WRAPPER = `trap 'ended=1' TERM INT HUP
ended=
read -r go <&3 && exec 3<&- && [ -z "$ended" ] || { echo not-started > "$2"; exit 125; }
sh -c "$1"
code=$?
echo "$code" > "$2"
exit "$code"`;

/** How an attempt ended. */
type Outcome = { kind: "exited"; code: number } | { kind: "timed-out" } | { kind: "lost" };

/** What jobs need from the rest of the emulator. */
export interface JobsContext {
  store: Store<JobRecord>;
  bucket: Bucket;
  faults: Faults;
  environment: ChildEnvironment;
  /** Receives one directory per attempt. */
  runsDirectory: string;
}

/** Whether a job in this state will never change again. */
export function isEnded(job: JobRecord): boolean {
  return ["SUCCESS", "OUT_OF_RETRIES", "BROKEN", "TERMINATED"].includes(job.state);
}

/** Jobs as child processes, one group per attempt. Every change is on disk before it can be seen. */
export class Jobs {
  readonly #context: JobsContext;
  /** Timers of running attempts, by attempt id. */
  readonly #timers = new Map<string, NodeJS.Timeout[]>();
  #stopping = false;

  constructor(context: JobsContext) {
    this.#context = context;
  }

  /** Records a job and starts it right after. */
  create(request: JobCreate): JobRecord {
    const createdAt = now();
    const job: JobRecord = {
      id: newId("prodjob"),
      clusterId: newId("ses"),
      createdAt,
      updatedAt: createdAt,
      request,
      state: "PENDING",
      goal: "RUNNING",
      error: null,
      attempts: [],
    };
    this.#context.store.save(job);
    setImmediate(() => this.#startAttempt(job));
    return job;
  }

  /** Asks for the job's end; one that has ended stays as it is. */
  terminate(job: JobRecord): void {
    if (isEnded(job) || job.goal === "TERMINATED") return;
    job.goal = "TERMINATED";
    this.#set(job, "CLEANING_UP");
    void this.#endAttempt(job);
  }

  /** Takes up the jobs of an earlier emulator: adopts what runs, reads the results of what ended, counts the rest as lost. */
  resume(): void {
    for (const job of this.#context.store.all().filter((job) => !isEnded(job))) {
      const attempt = job.attempts.at(-1);
      if (job.goal === "TERMINATED") void this.#endAttempt(job);
      else if (attempt === undefined || attempt.finishedAt !== null) this.#startAttempt(job);
      else if (attempt.process === null) this.#restartAttempt(job);
      else if (isRunning(attempt.process)) this.#watch(job, attempt, attempt.process, "adopted");
      else this.#collect(job, attempt);
    }
  }

  /** Ends all processes and keeps the records as they are: the next emulator counts what it finds. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const timers of this.#timers.values()) timers.forEach(clearTimeout);
    const running = this.#context.store.all().filter((job) => !isEnded(job));
    await Promise.all(running.map((job) => this.#endProcess(job.attempts.at(-1))));
  }

  /** Where an attempt's output is; the file may not be there yet. */
  logPath(attemptId: string): string {
    return join(this.#context.runsDirectory, attemptId, "log");
  }

  #startAttempt(job: JobRecord): void {
    if (this.#stopping || job.goal === "TERMINATED" || isEnded(job)) return;
    const attempt: AttemptRecord = {
      id: newId("job"),
      runName: newId("raysubmit"),
      status: "PENDING",
      createdAt: now(),
      finishedAt: null,
      outcome: null,
      process: null,
    };
    job.attempts.push(attempt);
    this.#set(job, job.attempts.length === 1 ? "AWAITING_CLUSTER_START" : "RESTARTING");
    const directory = join(this.#context.runsDirectory, attempt.id);
    mkdirSync(directory, { recursive: true });
    if (this.#context.faults.take(["job-fail"], { name: job.request.name }) !== null) {
      appendFileSync(this.logPath(attempt.id), "this attempt failed because a fault was ordered\n");
      this.#finish(job, attempt, { kind: "exited", code: 1 });
      return;
    }
    try {
      this.#launch(job, attempt, directory);
    } catch (error) {
      attempt.status = "FAILED";
      attempt.outcome = "not started";
      attempt.finishedAt = now();
      this.#set(job, "BROKEN", error instanceof ArchiveError ? `working_dir: ${error.message}` : String(error));
    }
  }

  #launch(job: JobRecord, attempt: AttemptRecord, directory: string): void {
    const { entrypoint, runtime_env: runtimeEnv } = job.request.config;
    const cwd = this.#context.bucket.unpack(runtimeEnv?.working_dir, join(directory, "work"));
    const env = this.#context.environment(runtimeEnv?.env_vars);
    const command = ["/bin/sh", "-c", WRAPPER, "job", entrypoint, join(directory, "exit")] as const;
    const launched = launch(command, { cwd, env, logFile: this.logPath(attempt.id) });
    attempt.process = launched.identity;
    attempt.status = "RUNNING";
    this.#set(job, "RUNNING");
    this.#watch(job, attempt, launched.identity, launched.onExit);
    launched.channel.end("go\n");
  }

  #watch(
    job: JobRecord,
    attempt: AttemptRecord,
    identity: ProcessIdentity,
    exit: "adopted" | ((listener: (code: number | null) => void) => void),
  ): void {
    const ended = () => {
      if (!this.#stopping && job.goal !== "TERMINATED" && attempt.finishedAt === null) this.#collect(job, attempt);
    };
    const timers: NodeJS.Timeout[] = [];
    if (exit === "adopted") timers.push(setInterval(() => isRunning(identity) || ended(), ADOPTED_POLL_MS));
    else {
      exit(() => {
        killRemains(identity.pid);
        ended();
      });
    }
    const timeoutSeconds = job.request.config.timeout_s;
    if (timeoutSeconds) {
      const leftMs = Date.parse(attempt.createdAt) + timeoutSeconds * 1000 - Date.now();
      timers.push(setTimeout(() => void this.#timeOut(job, attempt), Math.min(Math.max(0, leftMs), MAX_TIMER_MS)));
    }
    this.#timers.set(attempt.id, timers);
  }

  async #timeOut(job: JobRecord, attempt: AttemptRecord): Promise<void> {
    if (attempt.finishedAt !== null) return;
    // Set first, so that the exit that follows is not taken for the entrypoint's own.
    attempt.finishedAt = now();
    this.#clearTimers(attempt);
    await this.#endProcess(attempt);
    if (!this.#stopping && job.goal !== "TERMINATED") this.#finish(job, attempt, { kind: "timed-out" });
  }

  /** Takes the result of a process that is no more. */
  #collect(job: JobRecord, attempt: AttemptRecord): void {
    let text = "";
    try {
      text = readFileSync(join(this.#context.runsDirectory, attempt.id, "exit"), "utf8");
    } catch {
      // No result was left: lost.
    }
    if (text === "not-started\n") this.#restartAttempt(job);
    else if (/^\d+\n$/.test(text)) this.#finish(job, attempt, { kind: "exited", code: Number(text) });
    else this.#finish(job, attempt, { kind: "lost" });
  }

  /** Starts anew an attempt whose entrypoint never ran: it does not count. */
  #restartAttempt(job: JobRecord): void {
    const attempt = job.attempts.pop();
    if (attempt !== undefined) this.#clearTimers(attempt);
    this.#startAttempt(job);
  }

  #finish(job: JobRecord, attempt: AttemptRecord, outcome: Outcome): void {
    this.#clearTimers(attempt);
    attempt.finishedAt = now();
    attempt.outcome = describe(outcome, job);
    this.#removeFiles(attempt);
    if (outcome.kind === "exited" && outcome.code === 0) {
      attempt.status = "SUCCEEDED";
      this.#set(job, "SUCCESS");
      return;
    }
    attempt.status = "FAILED";
    const attempts = 1 + (job.request.config.max_retries ?? DEFAULT_MAX_RETRIES);
    // Without a word of the log: callers keep this text, and logs may hold data.
    const error = `attempt ${job.attempts.length} of ${attempts}: ${attempt.outcome}`;
    if (job.attempts.length >= attempts) {
      this.#set(job, "OUT_OF_RETRIES", error);
      return;
    }
    this.#set(job, "ERRORED", error);
    setImmediate(() => this.#startAttempt(job));
  }

  async #endAttempt(job: JobRecord): Promise<void> {
    const attempt = job.attempts.at(-1);
    await this.#endProcess(attempt);
    if (this.#stopping) return;
    if (attempt !== undefined && attempt.status !== "FAILED") {
      this.#clearTimers(attempt);
      attempt.status = "STOPPED";
      attempt.finishedAt = now();
      this.#removeFiles(attempt);
    }
    this.#set(job, "TERMINATED");
  }

  async #endProcess(attempt: AttemptRecord | undefined): Promise<void> {
    if (attempt?.process) await endGroup(attempt.process);
  }

  /** The log stays. Removal is a courtesy: what cannot be removed does no harm. */
  #removeFiles(attempt: AttemptRecord): void {
    const directory = join(this.#context.runsDirectory, attempt.id, "work");
    rm(directory, { recursive: true, force: true, maxRetries: 2 }).catch(() => undefined);
  }

  #clearTimers(attempt: AttemptRecord): void {
    this.#timers.get(attempt.id)?.forEach(clearTimeout);
    this.#timers.delete(attempt.id);
  }

  #set(job: JobRecord, state: JobRecord["state"], error: string | null = null): void {
    job.state = state;
    job.error = error;
    job.updatedAt = now();
    this.#context.store.save(job);
  }
}

function describe(outcome: Outcome, job: JobRecord): string {
  switch (outcome.kind) {
    case "exited":
      return `exit code ${outcome.code}`;
    case "timed-out":
      return `ended after timeout_s=${job.request.config.timeout_s}`;
    case "lost":
      return "lost: the process ended without leaving an exit code";
  }
}
