import { CLOUD_ID, creator, PROJECT_ID } from "./catalog.ts";
import { byCreation, isEnded } from "./job-queues.ts";
import type { JobRecord } from "./records.ts";
import { Refusal } from "./refusal.ts";
import type { Tags } from "./tags.ts";

/** The query of a list of jobs: one value of a key, or all of one that may be repeated. */
export interface JobQuery {
  one(key: string): string | undefined;
  all(key: string): string[];
}

const TIMES: Record<string, (job: JobRecord) => string> = {
  created_at: (job) => job.createdAt,
  updated_at: (job) => job.updatedAt,
  status_updated_at: (job) => job.updatedAt,
};

const SORTS = new Map<string, (job: JobRecord) => string>([
  ["CREATED_AT", (job) => job.createdAt],
  ["LAST_UPDATED_AT", (job) => job.updatedAt],
  ["LAST_STATUS_UPDATED_AT", (job) => job.updatedAt],
  ["ENDED_AT", (job) => (isEnded(job) ? job.updatedAt : "")],
  ["STATUS", (job) => job.state],
  ["NAME", (job) => job.request.name],
  ["ID", (job) => job.id],
]);

/**
 * The jobs that a query asks for, the newest first unless it says otherwise; archived ones only when it asks for them.
 * Throws `Refusal` (422) for a time or an order that is none.
 */
export function selectJobs(jobs: JobRecord[], query: JobQuery, tags: Tags): JobRecord[] {
  const isWanted = [...equalities(query), ...bounds(query)];
  const states = query.all("state_filter");
  const tagFilters = query.all("tag_filter");
  const archived = query.one("archive_status") ?? "NOT_ARCHIVED";
  return jobs
    .filter((job) => isWanted.every((holds) => holds(job)))
    .filter((job) => archived === "ALL" || (archived === "ARCHIVED") === (job.archivedAt !== null))
    .filter((job) => states.length === 0 || states.includes(job.state))
    .filter((job) => tags.match(job.id, tagFilters))
    .sort(order(query));
}

type Condition = (job: JobRecord) => boolean;

function equalities(query: JobQuery): Condition[] {
  const actual: Record<string, (job: JobRecord) => string> = {
    name: (job) => job.request.name,
    project_id: (job) => job.request.project_id ?? PROJECT_ID,
    cloud_id: () => CLOUD_ID,
    creator_id: () => creator.id,
    type_filter: () => "BATCH_JOB",
    job_queue_id: (job) => job.queueId ?? "",
  };
  return Object.entries(actual).flatMap(([key, of]) => {
    const wanted = query.one(key);
    return wanted === undefined ? [] : [(job: JobRecord) => of(job) === wanted];
  });
}

function bounds(query: JobQuery): Condition[] {
  return Object.entries(TIMES).flatMap(([field, of]) => {
    const [from, to] = [time(query, `${field}_from`), time(query, `${field}_to`)];
    return [(job: JobRecord) => Date.parse(of(job)) >= (from ?? -Infinity) && Date.parse(of(job)) <= (to ?? Infinity)];
  });
}

function time(query: JobQuery, key: string): number | null {
  const text = query.one(key);
  if (text === undefined) return null;
  const at = Date.parse(text);
  if (Number.isNaN(at)) throw new Refusal(422, `${key} "${text}" is no ISO-8601 time`);
  return at;
}

function order(query: JobQuery): (a: JobRecord, b: JobRecord) => number {
  const field = query.one("sort_field");
  if (field === undefined) return (a, b) => byCreation(b, a);
  const key = SORTS.get(field);
  if (key === undefined) throw new Refusal(422, `sort_field "${field}" is none of ${[...SORTS.keys()].join(", ")}`);
  const sign = query.one("sort_order") === "ASC" ? 1 : -1;
  return (a, b) => sign * (compare(key(a), key(b)) || byCreation(a, b));
}

function compare(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
