import { randomBytes } from "node:crypto";
import type { Context, Hono } from "hono";
import { html } from "hono/html";
import type { Attempts } from "./attempts.ts";
import type { EmulatorEnv } from "./guard.ts";
import { lastLines, plainText } from "./logs.ts";
import type { JobRecord } from "./records.ts";
import type { SignedUrls } from "./signed-urls.ts";
import type { State } from "./state.ts";

const MAX_LOG_LINES = 200;

const STYLE = `body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem }
table { border-collapse: collapse } th, td { padding: 0 1.5rem 0 0; text-align: left }
pre { background: #f4f4f4; color: #111; overflow: auto; padding: 1rem }`;

/** Where people see a job. The URL is the permission: it opens this job's page, and nothing else. */
export function overviewUrl(urls: SignedUrls, job: JobRecord, origin: string): string {
  return urls.sign(`${origin}/jobs/${job.id}`);
}

/** Serves the pages that {@link overviewUrl} leads to. They need no token and no script, and load nothing. */
export function addJobPages(
  app: Hono<EmulatorEnv>,
  { state, attempts, urls }: { state: State; attempts: Attempts; urls: SignedUrls },
): void {
  app.get("/jobs/:id", (c) => {
    const job = state.jobs.get(c.req.param("id"));
    if (job === undefined || !urls.isSigned(c.req.url)) {
      const sentence = "There is no job here, or the address lacks its secret: open the whole overview_url of a job.";
      return answer(c, 404, "No job", html`<p>${sentence}</p>`);
    }
    const newest = job.attempts.at(-1);
    const log = newest === undefined ? [] : lastLines(attempts.logPath(newest.id), MAX_LOG_LINES);
    return answer(c, 200, plainText(job.request.name), describeJob(job, log));
  });
}

type Html = ReturnType<typeof html>;

function describeJob(job: JobRecord, log: string[]): Html {
  const reason = job.error === null ? "" : html`<p>${plainText(job.error)}</p>`;
  const rows = job.attempts.map(
    (attempt, index) =>
      html`<tr>
        <td>${index + 1}</td>
        <td>${attempt.status}</td>
        <td>${attempt.outcome ?? ""}</td>
        <td>${attempt.createdAt}</td>
        <td>${attempt.finishedAt ?? ""}</td>
      </tr>`,
  );
  return html`<p>Job ${job.id} is <strong>${job.state}</strong>.</p>
    ${reason}
    <table>
      <tr>
        <th>attempt</th>
        <th>status</th>
        <th>ended with</th>
        <th>from</th>
        <th>to</th>
      </tr>
      ${rows}
    </table>
    <h2>Log of the newest attempt, the last ${MAX_LOG_LINES} lines at most</h2>
    <pre>${log.length === 0 ? "nothing was written yet" : log.join("\n")}</pre>`;
}

async function answer(c: Context<EmulatorEnv>, status: 200 | 404, title: string, body: Html): Promise<Response> {
  const nonce = randomBytes(16).toString("base64url");
  const allowed = `style-src 'nonce-${nonce}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
  return await c.html(
    html`<!doctype html>
      <html lang="en">
        <meta charset="utf-8" />
        <title>${title}</title>
        <style nonce="${nonce}">
          ${STYLE}
        </style>
        <h1>${title}</h1>
        ${body}
      </html> `,
    status,
    {
      "Content-Security-Policy": `default-src 'none'; ${allowed}`,
      "Cache-Control": "no-store",
      "Referrer-Policy": "no-referrer",
      "X-Content-Type-Options": "nosniff",
    },
  );
}
