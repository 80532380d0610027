import { gunzipSync } from "fflate";
import { UnexpectedReplyError } from "./errors.ts";
import type { Lookups, Placement } from "./lookups.ts";
import { apiPath, type CallOptions, type Transport } from "./transport.ts";
import {
  type JobCreate,
  jobCreateSchema,
  logPageSchema,
  type ProductionJob,
  productionJobSchema,
} from "./jobs-wire.ts";
import { pageOf, resultOf } from "./wire.ts";

/** Most pages that a listing or a log is followed through; more is a server that never ends. */
const MAX_PAGES = 1000;

/** A job to submit. Submitting twice makes two jobs: look for the name first. */
export interface JobSubmission extends Placement {
  name: string;
  /** Shell command, run in the working directory. */
  entrypoint: string;
  /** Local directory, uploaded content-addressed; or a URI, passed on; null for none. */
  workingDirectory: string | null;
  envVars: Record<string, string>;
  /** Attempts = maxRetries + 1. */
  maxRetries: number;
  /** Of each attempt; null for no limit. */
  timeoutSeconds: number | null;
  tags: Record<string, string>;
}

/** Which jobs to list. Without a filter: every job that the token may see. */
export interface JobFilter {
  /** Exact name. */
  name?: string;
  projectId?: string;
  cloudId?: string;
}

/** Jobs of the Anyscale API. Every method makes one attempt and throws an `AnyscaleError`. */
export class Jobs {
  readonly #transport: Transport;
  readonly #lookups: Lookups;

  constructor(transport: Transport, lookups: Lookups) {
    this.#transport = transport;
    this.#lookups = lookups;
  }

  /** Uploads the working directory if need be and creates the job. Not idempotent: after a lost answer, `find` it. */
  async submit(submission: JobSubmission, options: CallOptions = {}): Promise<ProductionJob> {
    const ids = await this.#lookups.place(submission, options);
    const { workingDirectory, envVars, tags } = submission;
    const runtimeEnv = {
      ...(workingDirectory === null
        ? {}
        : await this.#lookups.workingDirectory(workingDirectory, ids.cloudId, options)),
      ...(isEmpty(envVars) ? {} : { env_vars: envVars }),
    };
    const body: JobCreate = {
      name: submission.name,
      project_id: ids.projectId,
      config: {
        entrypoint: submission.entrypoint,
        ...(isEmpty(runtimeEnv) ? {} : { runtime_env: runtimeEnv }),
        build_id: ids.buildId,
        compute_config_id: ids.computeConfigId,
        max_retries: submission.maxRetries,
        ...(submission.timeoutSeconds === null ? {} : { timeout_s: submission.timeoutSeconds }),
      },
      ...(isEmpty(tags) ? {} : { tags }),
    };
    return await this.create(body, options);
  }

  /** Creates a job from the wire's own body. */
  async create(body: JobCreate, options: CallOptions = {}): Promise<ProductionJob> {
    const path = "/api/v2/decorated_ha_jobs/create";
    return await this.#job("POST", path, options, jobCreateSchema.parse(body));
  }

  /** The job of this id, archived ones included. Throws `NotFoundError`. */
  async get(id: string, options: CallOptions = {}): Promise<ProductionJob> {
    return await this.#job("GET", apiPath`/ext/v0/production_jobs/${id}`, options);
  }

  /** Jobs that match, over all pages, the newest first. Names are not unique. */
  async list(filter: JobFilter = {}, options: CallOptions = {}): Promise<ProductionJob[]> {
    const jobs: ProductionJob[] = [];
    let token: string | null = null;
    for (let page = 0; page < MAX_PAGES; page++) {
      const query: Record<string, string> = {
        ...(filter.projectId === undefined ? {} : { project_id: filter.projectId }),
        ...(filter.name === undefined ? {} : { name: filter.name }),
        type_filter: "BATCH_JOB",
        archive_status: "NOT_ARCHIVED",
        ...(filter.cloudId === undefined ? {} : { cloud_id: filter.cloudId }),
        ...(token === null ? {} : { paging_token: token }),
        count: "50",
      };
      const path = "/api/v2/decorated_ha_jobs/";
      const reply = pageOf(productionJobSchema);
      const answer = await this.#transport.call({ method: "GET", path, query, reply, ...options });
      // The server's name filter may be loose.
      jobs.push(...answer.results.filter((job) => filter.name === undefined || job.name === filter.name));
      token = answer.metadata?.next_paging_token ?? null;
      if (token === null) return jobs.sort((a, b) => Date.parse(b.created_at) - Date.parse(a.created_at));
    }
    throw new UnexpectedReplyError(`the list of jobs did not end after ${MAX_PAGES} pages`);
  }

  /** Jobs of exactly this name, the newest first; empty when there are none. */
  async find(name: string, options: CallOptions = {}): Promise<ProductionJob[]> {
    return await this.list({ name }, options);
  }

  /** Asks for the end of the job; one that has ended stays as it is. Throws `NotFoundError`. */
  async terminate(id: string, options: CallOptions = {}): Promise<ProductionJob> {
    return await this.#job("POST", apiPath`/ext/v0/production_jobs/${id}/terminate`, options);
  }

  /**
   * Last lines of the newest attempt's output (stdout and stderr as one), oldest first; empty before the first attempt.
   * Only the pieces that hold these lines are downloaded.
   */
  async logTail(id: string, tail: { maxLines: number }, options: CallOptions = {}): Promise<string[]> {
    const job = await this.get(id, options);
    if (!job.last_job_run_id) return [];
    const chunks = await this.#logChunks(job.last_job_run_id, options);
    const pieces: Uint8Array[] = [];
    let lineBreaks = 0;
    // One line break more than lines, so that the first line kept is known to be whole.
    for (const chunk of chunks.toReversed()) {
      const bytes = await this.#transport.download(chunk.url, chunk.bearerToken, options);
      const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
      pieces.unshift(plain);
      lineBreaks += plain.reduce((count, byte) => (byte === 0x0a ? count + 1 : count), 0);
      if (lineBreaks > tail.maxLines) break;
    }
    // Decoded as a whole: a character may lie across two pieces.
    const text = Buffer.concat(pieces).toString("utf8");
    const lines = text.split(/\r?\n/);
    if (lines.at(-1) === "") lines.pop();
    return tail.maxLines > 0 ? lines.slice(-tail.maxLines) : [];
  }

  async #logChunks(runId: string, options: CallOptions) {
    const path = apiPath`/api/v2/logs/job_logs_download_v2/${runId}`;
    const reply = resultOf(logPageSchema);
    const chunks: { url: string; bearerToken: string | null }[] = [];
    let token: string | null = null;
    for (let page = 0; page < MAX_PAGES; page++) {
      const query: Record<string, string> = {
        page_size: "1000",
        ...(token === null ? {} : { next_page_token: token }),
      };
      const { result } = await this.#transport.call({ method: "GET", path, query, reply, ...options });
      for (const { chunk_url: url } of result.log_chunks)
        chunks.push({ url, bearerToken: result.bearer_token ?? null });
      // Servers hand out a token to resume from with every page that has something: an empty page is the end.
      if (!result.next_page_token || result.log_chunks.length === 0) return chunks;
      token = result.next_page_token;
    }
    throw new UnexpectedReplyError(`the log of ${runId} did not end after ${MAX_PAGES} pages`);
  }

  async #job(method: "GET" | "POST", path: string, options: CallOptions, body?: JobCreate): Promise<ProductionJob> {
    const reply = resultOf(productionJobSchema);
    return (await this.#transport.call({ method, path, reply, ...(body ? { body } : {}), ...options })).result;
  }
}

function isEmpty(record: object): boolean {
  return Object.keys(record).length === 0;
}
