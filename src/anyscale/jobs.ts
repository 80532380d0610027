import { z } from "zod";
import { ConflictError } from "./errors.ts";
import { checked } from "./input.ts";
import type { BuildOptions } from "./images.ts";
import { type JobLogOptions, jobLog, logTail } from "./job-logs.ts";
import { checkSubmission, jobBody, type JobQueueTarget, type JobSubmission, queueBody } from "./job-submission.ts";
import { type EndedJob, type JobWait, outcomeOf, succeeded, waitForJob } from "./job-wait.ts";
import {
  type JobCreate,
  jobCreateSchema,
  type JobQueueConfig,
  type JobRun,
  jobRunsSchema,
  type ProductionJob,
  productionJobSchema,
} from "./jobs-wire.ts";
import type { Lookups } from "./lookups.ts";
import { checkPageSize, listed, taken } from "./paging.ts";
import { uploadRuntimeEnv } from "./runtime-env.ts";
import { ResourceTags } from "./tags.ts";
import { apiPath, type CallOptions, type Transport } from "./transport.ts";
import { anyReply, resultOf } from "./wire.ts";

const BASE = "/api/v2/decorated_ha_jobs";

/** Most jobs of one page. */
const MAX_PAGE_SIZE = 100;

/** From a time to another, ISO-8601 with a zone, both included; an open end has no limit. */
export interface TimeRange {
  from?: string;
  to?: string;
}

/** Which jobs to list, and in which order. Without a filter: every job that the token may see and that is not archived. */
export interface JobFilter {
  /** Exact name. */
  name?: string;
  projectId?: string;
  cloudId?: string;
  /** Of whoever submitted; `user()` tells your own. */
  creatorId?: string;
  /** Any of these states of the API, such as `RUNNING` or `OUT_OF_RETRIES`. */
  states?: readonly string[];
  /** Any of the values of each key. */
  tags?: Readonly<Record<string, readonly string[]>>;
  createdAt?: TimeRange;
  updatedAt?: TimeRange;
  statusUpdatedAt?: TimeRange;
  /** Whether archived ones count. Default false. */
  archived?: boolean;
  /** Default: the server's order, the newest first. */
  sortBy?: "CREATED_AT" | "NAME" | "STATUS" | "LAST_UPDATED_AT" | "LAST_STATUS_UPDATED_AT" | "ENDED_AT" | "ID";
  sortOrder?: "ASC" | "DESC";
  /** Jobs per call, 1..100. Default 50. */
  pageSize?: number;
  /** Most jobs to answer. Default: all. */
  limit?: number;
}

const timeRangeSchema = z.strictObject({
  from: z.iso.datetime({ offset: true }).optional(),
  to: z.iso.datetime({ offset: true }).optional(),
});
const timesSchema = z.object({
  createdAt: timeRangeSchema.default({}),
  updatedAt: timeRangeSchema.default({}),
  statusUpdatedAt: timeRangeSchema.default({}),
});

/**
 * Jobs of the Anyscale API. Every method but `wait`, `waitForSuccess` and `logs`, which look again through passing failures, makes
 * one attempt per call; all throw an `AnyscaleError`.
 */
export class Jobs {
  /** Tags of jobs, by the job's id. */
  readonly tags: ResourceTags;
  readonly #transport: Transport;
  readonly #lookups: Lookups;

  constructor(transport: Transport, lookups: Lookups) {
    this.#transport = transport;
    this.#lookups = lookups;
    this.tags = new ResourceTags(transport, "job");
  }

  /**
   * Creates a job; before that it looks up where it is to run, uploads what the bucket does not have and builds a
   * Containerfile. Whatever can be checked here is checked before the first call (`InvalidRequestError`); a name that is not known
   * throws `NotFoundError` before the job is made. Not idempotent: after a lost answer, `find` it by name.
   */
  async submit(submission: JobSubmission, options: BuildOptions = {}): Promise<ProductionJob> {
    const { signal } = options;
    const { submission: wanted, placement, runtimeEnv } = checkSubmission(submission);
    const ids = await this.#lookups.place(placement, `image-for-job-${wanted.name}`, options);
    const queue = wanted.jobQueue && (await this.#queue(wanted.jobQueue, ids.cloudId, { signal }));
    const env = await uploadRuntimeEnv(runtimeEnv, ids.cloudId, this.#transport, { signal });
    return await this.create(jobBody(wanted, ids, env, queue), { signal });
  }

  /** Creates a job from the wire's own body. Throws `InvalidRequestError` for one that is none. Not idempotent, as `submit`. */
  async create(body: JobCreate, options: CallOptions = {}): Promise<ProductionJob> {
    return await this.#job("POST", `${BASE}/create`, options, checked("job", jobCreateSchema, body));
  }

  /** The job of this id, archived ones included. Throws `NotFoundError`. */
  async get(id: string, options: CallOptions = {}): Promise<ProductionJob> {
    return await this.#job("GET", apiPath`/ext/v0/production_jobs/${id}`, options);
  }

  /** The runs (attempts) of a job, the oldest first, at most 100; empty before the first one. */
  async runs(id: string, options: CallOptions = {}): Promise<JobRun[]> {
    const body = {
      ha_job_ids: [id],
      max_runs_per_job: 100,
      sort_by_clauses: [{ sort_field: "CREATED_AT", sort_order: "ASC" }],
    };
    const call = { method: "POST" as const, path: `${BASE}/job_runs/search`, body, reply: jobRunsSchema };
    return (await this.#transport.call({ ...call, ...options })).results[id] ?? [];
  }

  /**
   * Waits for the end of a job, one call per look, through 429 (as long as `Retry-After` says), 5xx and lost connections.
   * A state that is not known, or that goes back, is no end. Throws `NotFoundError`, `WaitTimeoutError` after `timeoutMs` (default
   * 30 minutes; the job goes on), or the reason of `signal`.
   */
  async wait(id: string, options: JobWait = {}): Promise<EndedJob> {
    return await waitForJob(id, async (callOptions) => await this.get(id, callOptions), options);
  }

  /** As `wait`, and throws `JobFailedError` when the job has not succeeded. */
  async waitForSuccess(id: string, options: JobWait = {}): Promise<ProductionJob> {
    return succeeded(await this.wait(id, options));
  }

  /**
   * Lines of a job's log (stdout and stderr as one), each once and in order, without their line breaks; in constant memory, however long the
   * log is. Every run has a log of its own: they come one after the other. A lost connection is resumed where it was. A line of more
   * than 1,048,576 characters comes in pieces.
   *
   *     for await (const line of anyscale.jobs.logs(job.id, { follow: true })) process.stdout.write(`${line}\n`);
   */
  logs(id: string, options: JobLogOptions = {}): AsyncGenerator<string> {
    const get = async (callOptions: CallOptions) => await this.get(id, callOptions);
    const runs = async (callOptions: CallOptions) => await this.runs(id, callOptions);
    return jobLog(this.#transport, { get, runs }, options);
  }

  /**
   * Last lines of the newest run's log, oldest first; empty before the first run. Only the pieces that hold these lines are
   * downloaded.
   */
  async logTail(id: string, tail: { maxLines: number }, options: CallOptions = {}): Promise<string[]> {
    const job = await this.get(id, options);
    return job.last_job_run_id ? await logTail(this.#transport, job.last_job_run_id, tail, options) : [];
  }

  /** Jobs that match, over as many pages as it needs. Names are not unique. */
  async list(filter: JobFilter = {}, options: CallOptions = {}): Promise<ProductionJob[]> {
    const { pageSize = 50 } = filter;
    checkPageSize(pageSize, MAX_PAGE_SIZE);
    const listing = { path: `${BASE}/`, query: queryOf(filter), item: productionJobSchema, pageSize };
    return await taken(named(listed(this.#transport, listing, options), filter.name), filter.limit);
  }

  /** Jobs of exactly this name, the newest first; empty when there are none. */
  async find(
    name: string,
    filter: Pick<JobFilter, "projectId" | "cloudId" | "archived"> = {},
    options: CallOptions = {},
  ): Promise<ProductionJob[]> {
    const jobs = await this.list({ ...filter, name }, options);
    return jobs.sort((a, b) => Date.parse(b.created_at) - Date.parse(a.created_at));
  }

  /** Asks for the end of the job; one that has ended stays as it is. Throws `NotFoundError`. */
  async terminate(id: string, options: CallOptions = {}): Promise<ProductionJob> {
    return await this.#job("POST", apiPath`/ext/v0/production_jobs/${id}/terminate`, options);
  }

  /** Takes an ended job out of listings; `get` still answers it. Throws `ConflictError` as long as it has not ended. */
  async archive(id: string, options: CallOptions = {}): Promise<void> {
    await this.#mustHaveEnded(id, options);
    await this.#order("POST", apiPath`/api/v2/decorated_ha_jobs/${id}/archive`, options);
  }

  /** Removes an ended job, its runs and its logs for ever. Throws `ConflictError` as long as it has not ended. */
  async delete(id: string, options: CallOptions = {}): Promise<void> {
    await this.#mustHaveEnded(id, options);
    await this.#order("DELETE", apiPath`/api/v2/decorated_ha_jobs/${id}`, options);
  }

  /** Moves a job that waits in a `PRIORITY` queue: 0 and up, smaller runs sooner. */
  async setQueuePriority(id: string, priority: number, options: CallOptions = {}): Promise<void> {
    const body = { priority: checked("priority", z.int().min(0), priority) };
    await this.#order("PUT", apiPath`/api/v2/decorated_ha_jobs/${id}/update_job_queue_config`, options, body);
  }

  async #queue(target: JobQueueTarget, cloudId: string, options: CallOptions): Promise<JobQueueConfig> {
    const { computeConfig } = target;
    if (computeConfig == null) return queueBody(target, undefined);
    return queueBody(target, await this.#lookups.computeConfigId(computeConfig, cloudId, options));
  }

  /** Looks first, as the official client does: whether the server refuses is not known. */
  async #mustHaveEnded(id: string, options: CallOptions): Promise<void> {
    const { current_state: state } = (await this.get(id, options)).state;
    if (outcomeOf(state) === null) {
      throw new ConflictError(`job ${id} has not ended, it is ${state}; terminate it or wait for its end`);
    }
  }

  async #job(method: "GET" | "POST", path: string, options: CallOptions, body?: JobCreate): Promise<ProductionJob> {
    const reply = resultOf(productionJobSchema);
    return (await this.#transport.call({ method, path, reply, body, ...options })).result;
  }

  async #order(method: "POST" | "PUT" | "DELETE", path: string, options: CallOptions, body?: object): Promise<void> {
    await this.#transport.call({ method, path, reply: anyReply, body, ...options });
  }
}

function queryOf(filter: JobFilter) {
  const { createdAt, updatedAt, statusUpdatedAt } = checked("filter", timesSchema, filter);
  const tags = Object.entries(filter.tags ?? {}).flatMap(([key, values]) => values.map((value) => `${key}:${value}`));
  return {
    project_id: filter.projectId,
    cloud_id: filter.cloudId,
    name: filter.name,
    creator_id: filter.creatorId,
    type_filter: "BATCH_JOB",
    archive_status: filter.archived ? "ALL" : "NOT_ARCHIVED",
    state_filter: filter.states,
    tag_filter: tags,
    sort_field: filter.sortBy,
    sort_order: filter.sortOrder,
    created_at_from: createdAt.from,
    created_at_to: createdAt.to,
    updated_at_from: updatedAt.from,
    updated_at_to: updatedAt.to,
    status_updated_at_from: statusUpdatedAt.from,
    status_updated_at_to: statusUpdatedAt.to,
  };
}

/** The server's filter by name may be loose. */
async function* named(jobs: AsyncIterable<ProductionJob>, name: string | undefined): AsyncGenerator<ProductionJob> {
  for await (const job of jobs) if (name === undefined || job.name === name) yield job;
}
