import type { Context, Hono } from "hono";
import { z } from "zod";
import { PROJECT_ID } from "./catalog.ts";
import type { ComputeConfigs } from "./compute-configs.ts";
import type { Faults } from "./faults.ts";
import type { EmulatorEnv } from "./guard.ts";
import type { Images } from "./images.ts";
import { jobAnswer, jobEvents, runSummaries } from "./job-answers.ts";
import { selectJobs } from "./job-list.ts";
import { overviewUrl } from "./job-page.ts";
import { jobQueueConfigSchema, type JobQueues } from "./job-queues.ts";
import { readJobRequest } from "./job-request.ts";
import type { Jobs } from "./jobs.ts";
import { page, wholePage } from "./paging.ts";
import type { JobRecord } from "./records.ts";
import { Refusal } from "./refusal.ts";
import type { SignedUrls } from "./signed-urls.ts";
import type { State } from "./state.ts";
import type { Tags } from "./tags.ts";

/** What the routes of jobs need from the rest of the emulator. */
export interface JobRoutesContext {
  state: State;
  jobs: Jobs;
  queues: JobQueues;
  tags: Tags;
  computeConfigs: ComputeConfigs;
  images: Images;
  faults: Faults;
  urls: SignedUrls;
}

const BASE = "/api/v2/decorated_ha_jobs";
const EXTERNAL = "/ext/v0/production_jobs";

const queueConfigSchema = z.looseObject({ job_queue_config: jobQueueConfigSchema.nullish() });
const prioritySchema = z.object({ priority: z.int().min(0).nullish() });
const runSearchSchema = z.object({
  ha_job_ids: z.array(z.string()),
  run_name: z.string().nullish(),
  max_runs_per_job: z.int().min(1).default(100),
  sort_by_clauses: z.array(z.object({ sort_field: z.string(), sort_order: z.enum(["ASC", "DESC"]) })).default([]),
});

/** Answers a job to a call; the state shown may be a fault's when the call only asks. */
export function jobAnswerer({ queues, faults, urls }: Pick<JobRoutesContext, "queues" | "faults" | "urls">) {
  return (job: JobRecord, c: Context<EmulatorEnv>) => {
    const facts = { method: c.req.method, path: c.req.path, name: job.request.name };
    const fault = c.req.method === "GET" ? faults.take(["job-state"], facts) : null;
    const shownState = fault?.kind === "job-state" ? fault.state : null;
    return jobAnswer(job, { queues, overviewUrl: overviewUrl(urls, job, new URL(c.req.url).origin), shownState });
  };
}

/** Jobs and their runs, in the internal and the external form of their routes. */
export function addJobs(app: Hono<EmulatorEnv>, context: JobRoutesContext): void {
  const { state, jobs, tags } = context;
  const answer = jobAnswerer(context);
  for (const path of [`${BASE}/create`, `${EXTERNAL}/`]) {
    app.post(path, (c) => {
      const body = c.get("body");
      const queueConfig = queueConfigSchema.parse(body).job_queue_config ?? {};
      const { request, buildId, computeConfigId } = readJobRequest(body, context);
      const projectId = request.project_id ?? PROJECT_ID;
      const job = jobs.create(request, queueConfig, { projectId, buildId, computeConfigId });
      c.set("createdId", job.id);
      return c.json({ result: answer(job, c) });
    });
  }
  for (const path of [`${BASE}/`, `${EXTERNAL}/`]) {
    app.get(path, (c) => {
      const query = { one: (key: string) => c.req.query(key), all: (key: string) => c.req.queries(key) ?? [] };
      const found = page(selectJobs(state.jobs.all(), query, tags), query.one("count"), query.one("paging_token"));
      return c.json({ ...found, results: found.results.map((job) => answer(job, c)) });
    });
  }
  app.post(`${BASE}/job_runs/search`, (c) => {
    const search = runSearchSchema.parse(c.get("body"));
    const found = search.ha_job_ids.flatMap((id) => state.jobs.get(id) ?? []);
    const newestFirst = search.sort_by_clauses[0]?.sort_order === "DESC";
    const runsOf = (job: JobRecord) => {
      const runs = runSummaries(job).filter(({ name }) => !search.run_name || name === search.run_name);
      return (newestFirst ? runs.toReversed() : runs).slice(0, search.max_runs_per_job);
    };
    return c.json({ results: Object.fromEntries(found.map((job) => [job.id, runsOf(job)])) });
  });
  addSingleJobs(app, context);
}

function addSingleJobs(app: Hono<EmulatorEnv>, context: JobRoutesContext): void {
  const { state, jobs, faults } = context;
  const answer = jobAnswerer(context);
  const find = (c: Context<EmulatorEnv>): JobRecord => {
    const id = c.req.param("id") ?? "";
    const job = state.jobs.get(id);
    if (job === undefined) throw new Refusal(404, `there is no job ${id}`);
    const facts = { method: c.req.method, path: c.req.path, name: job.request.name };
    if (faults.take(["job-vanish"], facts) === null) return job;
    void jobs.vanish(job);
    throw new Refusal(404, `there is no job ${id}`);
  };
  for (const path of [`${BASE}/:id`, `${EXTERNAL}/:id`]) {
    app.get(path, (c) => c.json({ result: answer(find(c), c) }));
    app.post(`${path}/terminate`, (c) => {
      const job = find(c);
      jobs.terminate(job);
      return c.json({ result: answer(job, c) });
    });
  }
  app.delete(`${BASE}/:id`, (c) => {
    jobs.delete(find(c));
    return c.json(null);
  });
  app.post(`${BASE}/:id/archive`, (c) => {
    jobs.archive(find(c));
    return c.json(null);
  });
  app.get(`${BASE}/:id/events`, (c) => c.json(wholePage(jobEvents(find(c)))));
  app.put(`${BASE}/:id/update_job_queue_config`, (c) => {
    const job = find(c);
    jobs.setPriority(job, prioritySchema.parse(c.get("body")).priority ?? null);
    return c.json({ result: answer(job, c) });
  });
}
