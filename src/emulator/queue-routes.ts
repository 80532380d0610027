import type { Hono } from "hono";
import { z } from "zod";
import type { EmulatorEnv } from "./guard.ts";
import { isEnded, queueCreateSchema } from "./job-queues.ts";
import { type JobRoutesContext, jobAnswerer } from "./job-routes.ts";
import { page } from "./paging.ts";

const listSchema = z.object({
  name: z.object({ equals: z.string().nullish(), contains: z.string().nullish() }).nullish(),
  creator_id: z.string().nullish(),
  project_id: z.string().nullish(),
  cloud_id: z.string().nullish(),
  cluster_status: z.string().nullish(),
  archive_status: z.string().default("NOT_ARCHIVED"),
  tags_filter: z.record(z.string(), z.array(z.string())).nullish(),
  paging: z.object({ count: z.int().nullish(), paging_token: z.string().nullish() }).nullish(),
  sorting_directives: z.array(z.object({ sort_field: z.string(), sort_order: z.enum(["ASC", "DESC"]) })).nullish(),
});
const updateSchema = z.object({
  max_concurrency: z.int().min(1).nullish(),
  idle_timeout_sec: z.int().min(0).nullish(),
  tags: z.record(z.string(), z.string()).nullish(),
});

const BASE = "/api/v2/job_queues";

type QueueAnswer = ReturnType<JobRoutesContext["queues"]["answer"]>;

const SORTS: Record<string, (queue: QueueAnswer) => string> = {
  ID: (queue) => queue.id,
  NAME: (queue) => queue.name ?? "",
  CREATED_AT: (queue) => queue.created_at,
  CREATOR_ID: (queue) => queue.creator_id,
  CREATOR_EMAIL: (queue) => queue.creator_email,
  PROJECT_ID: (queue) => queue.project_id,
  CLOUD_ID: (queue) => queue.cloud_id,
  QUEUE_STATE: (queue) => queue.state,
  CLUSTER_STATE: (queue) => queue.current_cluster_state,
};

/** Job queues; a POST to the base is their list. */
export function addQueues(app: Hono<EmulatorEnv>, context: JobRoutesContext): void {
  const { queues, tags, images, computeConfigs } = context;
  app.post(`${BASE}/`, (c) => {
    const query = listSchema.parse(c.get("body") ?? {});
    const filters = Object.entries(query.tags_filter ?? {}).flatMap(([key, values]) =>
      values.map((value) => `${key}:${value}`),
    );
    const found = queues
      .all()
      .map((queue) => queues.answer(queue))
      .filter((queue) => isFound(queue, query) && tags.match(queue.id, filters))
      .sort(order(query.sorting_directives?.[0] ?? { sort_field: "CREATED_AT", sort_order: "DESC" }));
    return c.json(page(found, query.paging?.count?.toString(), query.paging?.paging_token ?? undefined));
  });
  app.post(`${BASE}/create`, (c) => {
    const body = queueCreateSchema.parse(c.get("body"));
    const [, build] = images.build(body.cluster_environment_build_id);
    const { id: computeConfigId } = computeConfigs.get(body.compute_config_id);
    const queue = queues.create(body, { projectId: body.project_id, computeConfigId, buildId: build.id });
    if (body.tags !== undefined) tags.put("job_queue", queue.id, body.tags);
    return c.json({ result: queues.answer(queue) });
  });
  addSingleQueues(app, context);
}

function addSingleQueues(app: Hono<EmulatorEnv>, context: JobRoutesContext): void {
  const { queues, jobs, tags } = context;
  const answer = jobAnswerer(context);
  app.get(`${BASE}/:id`, (c) => c.json({ result: queues.answer(queues.get(c.req.param("id"))) }));
  app.put(`${BASE}/:id`, (c) => {
    const queue = queues.get(c.req.param("id"));
    const body = updateSchema.parse(c.get("body"));
    queues.update(queue, { maxConcurrency: body.max_concurrency, idleTimeoutSeconds: body.idle_timeout_sec });
    if (body.tags) tags.put("job_queue", queue.id, body.tags);
    jobs.startDue(queue);
    return c.json({ result: queues.answer(queue) });
  });
  app.delete(`${BASE}/:id`, (c) => {
    const queue = queues.get(c.req.param("id"));
    queues.remove(queue);
    tags.forget(queue.id);
    return c.json(null);
  });
  app.post(`${BASE}/:id/archive`, (c) => {
    queues.seal(queues.get(c.req.param("id")));
    return c.json(null);
  });
  app.post(`${BASE}/:id/terminate`, (c) => {
    const queue = queues.get(c.req.param("id"));
    queues.seal(queue);
    const open = queues.jobsOf(queue).filter((job) => !isEnded(job) && job.goal !== "TERMINATED");
    for (const job of open) jobs.terminate(job);
    const result = { job_queue_id: queue.id, session_id: queue.clusterId };
    return c.json({ result: { ...result, total_jobs_marked_for_termination: open.length } });
  });
  app.get(`${BASE}/:id/jobs`, (c) => {
    const { count, paging_token: token } = c.req.query();
    const found = page(queues.jobsOf(queues.get(c.req.param("id"))), count, token);
    return c.json({ ...found, results: found.results.map((job) => answer(job, c)) });
  });
}

function isFound(queue: QueueAnswer, query: z.infer<typeof listSchema>): boolean {
  const { archive_status: archived, name } = query;
  if (name?.equals && queue.name !== name.equals) return false;
  if (name?.contains && !(queue.name ?? "").includes(name.contains)) return false;
  if (query.creator_id && queue.creator_id !== query.creator_id) return false;
  if (query.project_id && queue.project_id !== query.project_id) return false;
  if (query.cloud_id && queue.cloud_id !== query.cloud_id) return false;
  if (query.cluster_status && queue.current_cluster_state !== query.cluster_status) return false;
  return archived === "ALL" || (archived === "ARCHIVED") === (queue.sealed_at !== null);
}

function order({ sort_field: field, sort_order: direction }: { sort_field: string; sort_order: "ASC" | "DESC" }) {
  const key = SORTS[field] ?? ((queue: QueueAnswer) => queue.created_at);
  const sign = direction === "ASC" ? 1 : -1;
  return (a: QueueAnswer, b: QueueAnswer) => sign * (key(a) < key(b) ? -1 : Number(key(a) > key(b)));
}
