import type { Context, Hono } from "hono";
import { z } from "zod";
import { jobCreateSchema } from "../anyscale/jobs-wire.ts";
import { jobAnswer, runAnswers } from "./answers.ts";
import { CLOUD_ID, PROJECT_ID } from "./catalog.ts";
import { type EmulatorEnv, errorAnswer } from "./guard.ts";
import { overviewUrl } from "./job-page.ts";
import type { Jobs } from "./jobs.ts";
import { logPage } from "./logs.ts";
import { page } from "./paging.ts";
import type { SignedUrls } from "./signed-urls.ts";
import type { JobRecord, State } from "./state.ts";

const runSearchSchema = z.object({ ha_job_ids: z.array(z.string()) });

/** Jobs, their runs and their logs. */
export function addJobs(
  app: Hono<EmulatorEnv>,
  { state, jobs, urls }: { state: State; jobs: Jobs; urls: SignedUrls },
): void {
  const answer = (job: JobRecord, c: Context<EmulatorEnv>) =>
    jobAnswer(job, overviewUrl(urls, job, new URL(c.req.url).origin));
  const base = "/api/v2/decorated_ha_jobs";
  app.post(`${base}/create`, (c) => {
    const job = jobs.create(jobCreateSchema.parse(c.get("body")));
    c.set("createdId", job.id);
    return c.json({ result: answer(job, c) });
  });
  app.get(`${base}/`, (c) => {
    const { name, project_id: projectId, cloud_id: cloudId, count, paging_token: token } = c.req.query();
    const states = c.req.queries("state_filter");
    const found = state.jobs
      .all()
      .filter(({ request }) => name === undefined || request.name === name)
      .filter(({ request }) => projectId === undefined || (request.project_id ?? PROJECT_ID) === projectId)
      .filter((job) => (cloudId ?? CLOUD_ID) === CLOUD_ID && (states?.includes(job.state) ?? true))
      .sort((a, b) => b.createdAt.localeCompare(a.createdAt));
    return c.json(
      page(
        found.map((job) => answer(job, c)),
        count,
        token,
      ),
    );
  });
  app.post(`${base}/job_runs/search`, (c) => {
    const ids = runSearchSchema.parse(c.get("body")).ha_job_ids;
    const found = ids.flatMap((id) => state.jobs.get(id) ?? []);
    return c.json({ results: Object.fromEntries(found.map((job) => [job.id, runAnswers(job)])) });
  });
  for (const path of [`${base}/:id`, "/ext/v0/production_jobs/:id"]) {
    app.get(path, (c) => {
      const job = state.jobs.get(c.req.param("id") ?? "");
      if (job === undefined) return errorAnswer(404, `there is no job ${c.req.param("id")}`);
      return c.json({ result: answer(job, c) });
    });
    app.post(`${path}/terminate`, (c) => {
      const job = state.jobs.get(c.req.param("id") ?? "");
      if (job === undefined) return errorAnswer(404, `there is no job ${c.req.param("id")}`);
      jobs.terminate(job);
      return c.json({ result: answer(job, c) });
    });
  }
  app.get("/api/v2/logs/job_logs_download_v2/:attempt?", (c) => {
    const attempt = c.req.param("attempt");
    const job = state.jobs.all().find(({ attempts }) => attempts.some(({ id }) => id === attempt));
    if (attempt && job === undefined) return errorAnswer(404, `there is no job run ${attempt}`);
    const url = `${new URL(c.req.url).origin}/bucket/joblogs/${attempt}`;
    const result = logPage(jobs.logPath(attempt ?? ""), c.req.query("next_page_token"), (from, to) => ({
      url: urls.sign(`${url}?from=${from}&to=${to}`),
      clusterId: job?.clusterId ?? "",
    }));
    return c.json({ result });
  });
}
