import type { Hono } from "hono";
import type { Attempts } from "./attempts.ts";
import { type EmulatorEnv, errorAnswer } from "./guard.ts";
import { runAnswer } from "./job-answers.ts";
import { logPage } from "./logs.ts";
import type { AttemptRecord, JobRecord } from "./records.ts";
import { Refusal } from "./refusal.ts";
import type { SignedUrls } from "./signed-urls.ts";
import type { State } from "./state.ts";

/** What a cluster says while it starts; there is none here. */
const STARTUP_LINES = ["This job runs on the machine of the emulator: there is no cluster to start."];

/** Single runs of jobs, and their logs. */
export function addRuns(
  app: Hono<EmulatorEnv>,
  { state, attempts, urls }: { state: State; attempts: Attempts; urls: SignedUrls },
): void {
  const find = (id: string): [JobRecord, AttemptRecord] => {
    for (const job of state.jobs.all()) {
      const attempt = job.attempts.find((attempt) => attempt.id === id);
      if (attempt !== undefined) return [job, attempt];
    }
    throw new Refusal(404, `there is no job run ${id}`);
  };
  app.get("/api/v2/decorated_jobs/:run", (c) => c.json({ result: runAnswer(...find(c.req.param("run"))) }));
  app.get("/api/v2/sessions/:cluster/startup_logs", (c) => {
    const [from, to] = [Number(c.req.query("start_line") ?? 0), Number(c.req.query("end_line") ?? Infinity)];
    if (Number.isNaN(from) || Number.isNaN(to)) return errorAnswer(422, "start_line and end_line are numbers");
    const lines = STARTUP_LINES.slice(from, to);
    return c.json({
      result: { lines: lines.join("\n"), num_lines: lines.length, start_line: from, finished: true },
    });
  });
  const base = "/api/v2/logs/job_logs_download_v2";
  // A job that has no runs yet is asked for the log of none.
  app.get(`${base}/`, (c) => {
    const result = { log_chunks: [], next_page_token: null, previous_page_token: null, bearer_token: null };
    return c.json({ result });
  });
  app.get(`${base}/:run`, (c) => {
    const run = c.req.param("run");
    const { next_page_token: token, page_size: pageSize } = c.req.query();
    const [job, attempt] = find(run);
    const url = `${new URL(c.req.url).origin}/bucket/joblogs/${run}`;
    const log = { path: attempts.logPath(run), isWhole: attempt.finishedAt !== null };
    const result = logPage(log, { token, pageSize }, (from, to) => ({
      url: urls.sign(`${url}?from=${from}&to=${to}`),
      clusterId: job.clusterId,
    }));
    return c.json({ result });
  });
}
