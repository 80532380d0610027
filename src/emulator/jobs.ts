import type { JobCreate } from "../anyscale/jobs-wire.ts";
import { ArchiveError } from "./archive.ts";
import { type Attempts, describeOutcome, type Outcome } from "./attempts.ts";
import type { Faults } from "./faults.ts";
import { newId, now } from "./ids.ts";
import { isEnded, type JobQueueConfig, type JobQueues } from "./job-queues.ts";
import { endGroup, isRunning, killMarked, killRemains, type ProcessIdentity } from "./processes.ts";
import type { AttemptRecord, JobRecord, QueueRecord } from "./records.ts";
import { Refusal } from "./refusal.ts";
import type { Store } from "./state.ts";
import type { Tags } from "./tags.ts";

/** The API's own default when a job names none. */
const DEFAULT_MAX_RETRIES = 5;

/** How often a process that an earlier emulator started is looked at; its end makes no event here. */
const ADOPTED_POLL_MS = 50;

/** Longest time of a Node timer. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** What jobs need from the rest of the emulator. */
export interface JobsContext {
  store: Store<JobRecord>;
  queues: JobQueues;
  tags: Tags;
  attempts: Attempts;
  faults: Faults;
}

/** Jobs as child processes, one group per attempt. Every change is on disk before it can be seen. */
export class Jobs {
  readonly #context: JobsContext;
  /** Timers of attempts whose end is waited for, by attempt id. */
  readonly #timers = new Map<string, NodeJS.Timeout[]>();
  #stopping = false;
  #nextSequence: number;

  constructor(context: JobsContext) {
    this.#context = context;
    this.#nextSequence = 1 + Math.max(0, ...context.store.all().map(({ sequence }) => sequence));
  }

  /**
   * Records a job and starts it right after, or when its queue has a place. Throws `Refusal` for a queue that cannot be
   * used.
   */
  create(request: JobCreate, queueConfig: JobQueueConfig, defaults: Parameters<JobQueues["choose"]>[1]): JobRecord {
    const queue = this.#context.queues.choose(queueConfig, defaults);
    const createdAt = now();
    const job: JobRecord = {
      id: newId("prodjob"),
      clusterId: queue?.clusterId ?? newId("ses"),
      createdAt,
      sequence: this.#nextSequence++,
      updatedAt: createdAt,
      request,
      state: "PENDING",
      goal: "RUNNING",
      error: null,
      attempts: [],
      archivedAt: null,
      queueId: queue?.id ?? null,
      queuePriority: queueConfig.priority ?? null,
    };
    // Before the job: tags of a job that is not there do no harm, a job without its tags would.
    if (request.tags !== undefined) this.#context.tags.put("job", job.id, request.tags);
    this.#context.store.save(job);
    setImmediate(() => this.#startNew(job));
    return job;
  }

  /** Starts the jobs of a queue that have a place; also to be called when the queue was changed. */
  startDue(queue: QueueRecord): void {
    for (const job of this.#context.queues.due(queue)) this.#startAttempt(job);
  }

  /** Gives a job another place in its queue; lower goes first. Throws `Refusal` (400) when it is in none. */
  setPriority(job: JobRecord, priority: number | null): void {
    if (job.queueId === null) throw new Refusal(400, `job ${job.id} is in no job queue`);
    job.queuePriority = priority;
    this.#context.store.save(job);
  }

  /** Hides a job that has ended from lists that do not ask for it. Throws `Refusal` (400) for one that has not. */
  archive(job: JobRecord): void {
    refuseUnended(job, "archived");
    job.archivedAt ??= now();
    this.#context.store.save(job);
  }

  /** Forgets a job that has ended, with its logs and tags. Throws `Refusal` (400) for one that has not. */
  delete(job: JobRecord): void {
    refuseUnended(job, "deleted");
    this.#forget(job);
  }

  /** Forgets a job as if it had never been; its process has ended when it resolves. */
  async vanish(job: JobRecord): Promise<void> {
    job.goal = "TERMINATED";
    this.#context.store.remove(job.id);
    await this.#endProcess(job.attempts.at(-1));
    this.#forget(job);
    this.#startDueOf(job);
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
      else if (attempt === undefined) this.#startNew(job);
      else if (attempt.finishedAt !== null) this.#startAttempt(job);
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

  #startNew(job: JobRecord): void {
    if (job.queueId === null) this.#startAttempt(job);
    else this.#startDueOf(job);
  }

  #startDueOf({ queueId }: JobRecord): void {
    const queue = this.#context.queues.all().find(({ id }) => id === queueId);
    if (queue !== undefined) this.startDue(queue);
  }

  #startAttempt(job: JobRecord): void {
    if (this.#stopping || job.goal === "TERMINATED" || isEnded(job)) return;
    if (this.#context.faults.take(["job-stuck"], { name: job.request.name }) !== null) return;
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
    if (this.#context.faults.take(["job-fail"], { name: job.request.name }) !== null) {
      this.#context.attempts.appendLog(attempt.id, "this attempt failed because a fault was ordered\n");
      this.#finish(job, attempt, { kind: "exited", code: 1 });
      return;
    }
    try {
      const launched = this.#context.attempts.launch(job, attempt.id);
      attempt.process = launched.identity;
      attempt.status = "RUNNING";
      this.#set(job, "RUNNING");
      this.#watch(job, attempt, launched.identity, launched.onExit);
      launched.channel.end("go\n");
    } catch (error) {
      attempt.status = "FAILED";
      attempt.outcome = "not started";
      attempt.finishedAt = now();
      this.#context.attempts.removeFiles(attempt.id);
      this.#set(job, "BROKEN", error instanceof ArchiveError ? error.message : String(error));
    }
  }

  #watch(
    job: JobRecord,
    attempt: AttemptRecord,
    identity: ProcessIdentity,
    exit: "adopted" | ((listener: (code: number | null) => void) => void),
  ): void {
    const ended = () => {
      const isWatched = this.#timers.has(attempt.id);
      if (!this.#stopping && job.goal !== "TERMINATED" && isWatched) this.#collect(job, attempt);
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
    // First, so that the exit that follows is not taken for the entrypoint's own.
    this.#clearTimers(attempt);
    await this.#endProcess(attempt);
    if (!this.#stopping && job.goal !== "TERMINATED") this.#finish(job, attempt, { kind: "timed-out" });
  }

  /** Takes the result of a process that is no more, and ends what it left. */
  #collect(job: JobRecord, attempt: AttemptRecord): void {
    killMarked(attempt.id);
    const leftover = this.#context.attempts.leftover(attempt.id);
    if (leftover === null) this.#restartAttempt(job);
    else this.#finish(job, attempt, leftover);
  }

  /** Starts anew an attempt whose entrypoint never ran: it does not count. */
  #restartAttempt(job: JobRecord): void {
    const attempt = job.attempts.pop();
    if (attempt !== undefined) this.#removeAttempt(attempt);
    this.#startAttempt(job);
  }

  #finish(job: JobRecord, attempt: AttemptRecord, outcome: Outcome): void {
    this.#clearTimers(attempt);
    attempt.finishedAt = now();
    attempt.outcome = describeOutcome(outcome, job);
    this.#context.attempts.removeFiles(attempt.id);
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
    const hasVanished = this.#context.store.get(job.id) === undefined;
    if (this.#stopping || hasVanished) return;
    if (attempt !== undefined && attempt.status !== "FAILED") {
      this.#clearTimers(attempt);
      attempt.status = "STOPPED";
      attempt.finishedAt = now();
      this.#context.attempts.removeFiles(attempt.id);
    }
    this.#set(job, "TERMINATED");
  }

  async #endProcess(attempt: AttemptRecord | undefined): Promise<void> {
    if (!attempt?.process) return;
    await endGroup(attempt.process);
    killMarked(attempt.id);
  }

  #forget(job: JobRecord): void {
    this.#context.store.remove(job.id);
    this.#context.tags.forget(job.id);
    for (const attempt of job.attempts) this.#removeAttempt(attempt);
  }

  #removeAttempt(attempt: AttemptRecord): void {
    this.#clearTimers(attempt);
    this.#context.attempts.remove(attempt.id);
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
    if (isEnded(job)) setImmediate(() => this.#startDueOf(job));
  }
}

function refuseUnended(job: JobRecord, what: string): void {
  if (!isEnded(job)) throw new Refusal(400, `job ${job.id} is ${job.state}: only one that has ended can be ${what}`);
}
