import { z } from "zod";
import { CLOUD_ID, creator, PROJECT_ID } from "./catalog.ts";
import { newId, now } from "./ids.ts";
import { type JobRecord, queueModes, type QueueRecord } from "./records.ts";
import { Refusal } from "./refusal.ts";
import type { Store } from "./state.ts";

const specShape = {
  job_queue_name: z.string().min(1).nullish(),
  execution_mode: z.enum(queueModes).nullish(),
  max_concurrency: z.int().min(1).nullish(),
  idle_timeout_sec: z.int().min(0),
};
const specSchema = z.looseObject({ ...specShape, compute_config_id: z.string().nullish() });

/** Body of a queue's own create. */
export const queueCreateSchema = z.looseObject({
  ...specShape,
  compute_config_id: z.string(),
  cluster_environment_build_id: z.string(),
  project_id: z.string().default(PROJECT_ID),
  tags: z.record(z.string(), z.string()).optional(),
});

/** How a job asks for its queue. */
export const jobQueueConfigSchema = z.looseObject({
  priority: z.int().min(0).nullish(),
  target_job_queue_id: z.string().nullish(),
  target_job_queue_name: z.string().nullish(),
  job_queue_spec: specSchema.nullish(),
});
export type JobQueueConfig = z.infer<typeof jobQueueConfigSchema>;

/** What a new queue's jobs would run on. */
type QueueDefaults = Pick<QueueRecord, "projectId" | "computeConfigId" | "buildId">;

/** Whether a job in this state will never change again. */
export function isEnded(job: JobRecord): boolean {
  return ["SUCCESS", "OUT_OF_RETRIES", "BROKEN", "TERMINATED"].includes(job.state);
}

/** Sorts jobs by the time they were created at, the oldest first. */
export function byCreation(a: JobRecord, b: JobRecord): number {
  return a.createdAt.localeCompare(b.createdAt) || a.sequence - b.sequence;
}

/** Job queues: which of their jobs may start, in which order, so many at a time. */
export class JobQueues {
  readonly #store: Store<QueueRecord>;
  readonly #jobs: Store<JobRecord>;

  constructor(store: Store<QueueRecord>, jobs: Store<JobRecord>) {
    this.#store = store;
    this.#jobs = jobs;
  }

  all(): QueueRecord[] {
    return this.#store.all();
  }

  /** The queue of this id. Throws `Refusal` (404) when there is none. */
  get(id: string): QueueRecord {
    const queue = this.#store.get(id);
    if (queue === undefined) throw new Refusal(404, `there is no job queue ${id}`);
    return queue;
  }

  /**
   * The queue that a job asks for, null for none: one that exists, or one made by its spec. A spec with the name of an open
   * queue means that queue. Throws `Refusal` when there is no such queue (404), it is sealed (409), or it differs from the
   * spec (409).
   */
  choose(config: JobQueueConfig, defaults: QueueDefaults): QueueRecord | null {
    const { target_job_queue_id: id, target_job_queue_name: name, job_queue_spec: spec } = config;
    if (id) return refuseSealed(this.get(id));
    const open = this.#open(name ?? spec?.job_queue_name);
    if (name) {
      if (open === undefined) throw new Refusal(404, `there is no open job queue "${name}"`);
      return open;
    }
    if (!spec) return null;
    if (open === undefined) return this.create(spec, { ...defaults, ...idOf(spec.compute_config_id) });
    const wanted = settings(spec);
    if (open.mode !== wanted.mode || open.maxConcurrency !== wanted.maxConcurrency) {
      const has = `execution_mode ${open.mode} and max_concurrency ${open.maxConcurrency}`;
      throw new Refusal(
        409,
        `job queue "${open.name}" exists, with ${has}; name it by target_job_queue_name to use it`,
      );
    }
    return open;
  }

  /** A new queue. Throws `Refusal` (409) when an open one has its name. */
  create(spec: z.infer<typeof specSchema>, defaults: QueueDefaults): QueueRecord {
    const name = spec.job_queue_name ?? null;
    if (this.#open(name) !== undefined) throw new Refusal(409, `there is an open job queue "${name}" already`);
    const made = { id: newId("jq"), clusterId: newId("ses"), createdAt: now(), sealedAt: null };
    const queue: QueueRecord = { ...made, ...defaults, ...settings(spec), name };
    this.#store.save(queue);
    return queue;
  }

  /** Changes how many run at once, or how long the cluster would stay; absent ones stay. */
  update(queue: QueueRecord, changes: { maxConcurrency?: number | null; idleTimeoutSeconds?: number | null }): void {
    queue.maxConcurrency = changes.maxConcurrency ?? queue.maxConcurrency;
    queue.idleTimeoutSeconds = changes.idleTimeoutSeconds ?? queue.idleTimeoutSeconds;
    this.#store.save(queue);
  }

  /** Takes no more jobs; those that it has still run. */
  seal(queue: QueueRecord): void {
    queue.sealedAt ??= now();
    this.#store.save(queue);
  }

  /** Forgets a queue; its jobs stay. Throws `Refusal` (409) while some have not ended. */
  remove(queue: QueueRecord): void {
    const open = this.jobsOf(queue).filter((job) => !isEnded(job)).length;
    if (open > 0)
      throw new Refusal(409, `job queue ${queue.id} has ${open} jobs that have not ended; terminate it first`);
    this.#store.remove(queue.id);
  }

  /** Its jobs, the oldest first. */
  jobsOf(queue: QueueRecord): JobRecord[] {
    const jobs = this.#jobs.all().filter(({ queueId }) => queueId === queue.id);
    return jobs.sort(byCreation);
  }

  /** Jobs that wait, in the order in which they will start. */
  waiting(queue: QueueRecord): JobRecord[] {
    const jobs = this.jobsOf(queue).filter(isWaiting);
    if (queue.mode === "LIFO") return jobs.toReversed();
    if (queue.mode === "FIFO") return jobs;
    const rank = ({ queuePriority }: JobRecord) => queuePriority ?? Number.MAX_SAFE_INTEGER;
    return jobs.sort((a, b) => rank(a) - rank(b));
  }

  /** Waiting jobs that have a place now. A job keeps its place over all its attempts. */
  due(queue: QueueRecord): JobRecord[] {
    const running = this.jobsOf(queue).filter((job) => !isEnded(job) && job.attempts.length > 0).length;
    return this.waiting(queue).slice(0, Math.max(0, queue.maxConcurrency - running));
  }

  /** Place of a waiting job in its queue, from 1 on; null when it does not wait. */
  position(job: JobRecord): number | null {
    const queue = this.#store.get(job.queueId ?? "");
    if (queue === undefined || !isWaiting(job)) return null;
    return this.waiting(queue).indexOf(job) + 1;
  }

  /** A queue as every route answers it. */
  answer(queue: QueueRecord) {
    const jobs = this.jobsOf(queue);
    const active = jobs.filter((job) => !isEnded(job)).length;
    const lastChange = Math.max(Date.parse(queue.createdAt), ...jobs.map(({ updatedAt }) => Date.parse(updatedAt)));
    const isUp = active > 0 || (jobs.length > 0 && Date.now() < lastChange + queue.idleTimeoutSeconds * 1000);
    const state = queue.sealedAt === null ? "ACTIVE" : "SEALED";
    return {
      id: queue.id,
      name: queue.name,
      user_provided_id: queue.name,
      state,
      current_job_queue_state: state,
      execution_mode: queue.mode,
      max_concurrency: queue.maxConcurrency,
      idle_timeout_sec: queue.idleTimeoutSeconds,
      created_at: queue.createdAt,
      creator_id: creator.id,
      creator_email: creator.email,
      compute_config_id: queue.computeConfigId,
      cluster_environment_build_id: queue.buildId,
      current_cluster_state: isUp ? "RUNNING" : "TERMINATED",
      cluster_id: queue.clusterId,
      project_id: queue.projectId,
      cloud_id: CLOUD_ID,
      sealed_at: queue.sealedAt,
      total_jobs: jobs.length,
      successful_jobs: jobs.filter(({ state }) => state === "SUCCESS").length,
      failed_jobs: jobs.filter(({ state }) => state === "OUT_OF_RETRIES" || state === "BROKEN").length,
      active_jobs: active,
    };
  }

  #open(name: string | null | undefined): QueueRecord | undefined {
    return name ? this.#store.all().find((queue) => queue.name === name && queue.sealedAt === null) : undefined;
  }
}

function isWaiting(job: JobRecord): boolean {
  return !isEnded(job) && job.goal === "RUNNING" && job.attempts.length === 0;
}

function refuseSealed(queue: QueueRecord): QueueRecord {
  if (queue.sealedAt !== null) throw new Refusal(409, `job queue ${queue.id} is sealed: it takes no more jobs`);
  return queue;
}

function settings(spec: z.infer<typeof specSchema>) {
  const mode = spec.execution_mode ?? "FIFO";
  return { mode, maxConcurrency: spec.max_concurrency ?? 1, idleTimeoutSeconds: spec.idle_timeout_sec };
}

function idOf(computeConfigId: string | null | undefined): Partial<QueueDefaults> {
  return computeConfigId ? { computeConfigId } : {};
}
