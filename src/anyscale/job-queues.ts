import { z } from "zod";
import { checked } from "./input.ts";
import { type JobQueue, jobQueueSchema } from "./jobs-wire.ts";
import { onAllPages, taken } from "./paging.ts";
import { ResourceTags } from "./tags.ts";
import { apiPath, type CallOptions, type Transport } from "./transport.ts";
import { anyReply, pageOf, resultOf } from "./wire.ts";

const BASE = "/api/v2/job_queues/";

/** Which queues to list. Without a filter: every queue that the token may see and that is not archived. */
export interface JobQueueFilter {
  /** Exact name. */
  name?: string;
  projectId?: string;
  cloudId?: string;
  creatorId?: string;
  /** Whether archived ones count. Default false. */
  archived?: boolean;
}

/** What can be changed of a queue. */
export interface JobQueueChange {
  maxConcurrency?: number;
  idleTimeoutSeconds?: number;
}

const changeSchema = z
  .strictObject({ maxConcurrency: z.int().min(1).optional(), idleTimeoutSeconds: z.int().min(0).optional() })
  .refine((change) => Object.values(change).some((value) => value !== undefined), "there is nothing to change");

/**
 * Queues of jobs that share one cluster. A queue is made by the first job that names it (`jobQueue` of a submission). One
 * attempt per call; every method throws an `AnyscaleError`.
 */
export class JobQueues {
  readonly tags: ResourceTags;
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
    this.tags = new ResourceTags(transport, "job_queue");
  }

  /** The queue of this id. Throws `NotFoundError`. */
  async get(id: string, options: CallOptions = {}): Promise<JobQueue> {
    const call = { method: "GET" as const, path: apiPath`/api/v2/job_queues/${id}`, reply: resultOf(jobQueueSchema) };
    return (await this.#transport.call({ ...call, ...options })).result;
  }

  /** Queues that match, over all pages. */
  async list(filter: JobQueueFilter = {}, options: CallOptions = {}): Promise<JobQueue[]> {
    const wanted = {
      name: filter.name === undefined ? undefined : { equals: filter.name },
      creator_id: filter.creatorId,
      project_id: filter.projectId,
      cloud_id: filter.cloudId,
      archive_status: filter.archived ? "ALL" : "NOT_ARCHIVED",
    };
    const reply = pageOf(jobQueueSchema);
    const queues = onAllPages(`POST ${BASE}`, async (token) => {
      const body = { ...wanted, paging: { count: 50, paging_token: token } };
      return await this.#transport.call({ method: "POST", path: BASE, body, reply, ...options });
    });
    return await taken(queues);
  }

  /** Changes a queue; jobs that run go on. */
  async update(id: string, change: JobQueueChange, options: CallOptions = {}): Promise<JobQueue> {
    const { maxConcurrency, idleTimeoutSeconds } = checked("job queue", changeSchema, change);
    const body = { max_concurrency: maxConcurrency, idle_timeout_sec: idleTimeoutSeconds };
    const call = {
      method: "PUT" as const,
      path: apiPath`/api/v2/job_queues/${id}`,
      body,
      reply: resultOf(jobQueueSchema),
    };
    return (await this.#transport.call({ ...call, ...options })).result;
  }

  /** Takes no more jobs; those that wait still run. */
  async archive(id: string, options: CallOptions = {}): Promise<void> {
    await this.#order("POST", apiPath`/api/v2/job_queues/${id}/archive`, options);
  }

  /** Ends the queue and all its jobs. */
  async terminate(id: string, options: CallOptions = {}): Promise<void> {
    await this.#order("POST", apiPath`/api/v2/job_queues/${id}/terminate`, options);
  }

  /** Removes the queue; its jobs stay. */
  async delete(id: string, options: CallOptions = {}): Promise<void> {
    await this.#order("DELETE", apiPath`/api/v2/job_queues/${id}`, options);
  }

  async #order(method: "POST" | "DELETE", path: string, options: CallOptions): Promise<void> {
    await this.#transport.call({ method, path, reply: anyReply, ...options });
  }
}
