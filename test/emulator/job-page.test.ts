import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DEFAULT_TOKEN } from "../../src/emulator/server.ts";
import { aJob, ended, inState, startTestEmulator, until } from "../support/emulator.ts";

let emulator: Awaited<ReturnType<typeof startTestEmulator>>;
beforeAll(async () => {
  emulator = await startTestEmulator();
});
afterAll(async () => {
  await emulator.stop();
});

/** Submits a job and waits for its end; answers where its page is said to be. */
async function overviewOf(overrides: Parameters<typeof aJob>[0]): Promise<string> {
  const job = await ended(emulator, (await emulator.client.jobs.submit(aJob(overrides))).id);
  return job.overview_url ?? "";
}

async function open(url: string): Promise<{ status: number; headers: Headers; text: string }> {
  const response = await fetch(url);
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** The log that a page shows, as text. */
function logOf(page: string): string[] {
  const log = /<pre>([\s\S]*)<\/pre>/.exec(page)?.[1] ?? "no log";
  const unescaped = log.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"');
  return unescaped.replaceAll("&#39;", "'").replaceAll("&amp;", "&").split("\n");
}

describe("the page at a job's overview_url", () => {
  it("shows name, state, every attempt with its exit code, and the log of the newest", async () => {
    const entrypoint = "echo started at $(date +%s%N); exit 7";
    const url = await overviewOf({ name: "games-12", entrypoint, maxRetries: 2 });
    const { status, headers, text } = await open(url);
    expect(status).toBe(200);
    expect(headers.get("content-type")).toMatch(/^text\/html; charset=utf-8$/i);
    expect(text).toContain("<h1>games-12</h1>");
    expect(text).toContain("OUT_OF_RETRIES");
    expect(text.match(/exit code 7<\/td>/g)).toHaveLength(3);
    const job = new URL(url).pathname.slice("/jobs/".length);
    expect(logOf(text)).toEqual(await emulator.client.jobs.logTail(job, { maxLines: 9 }));
  });

  it("shows a job that still runs with what it has written so far", async () => {
    const { id } = await emulator.client.jobs.submit(aJob({ entrypoint: "echo working; exec sleep 300" }));
    const { overview_url: url } = await inState(emulator, id, "RUNNING");
    const page = await until("the first line", async () => {
      const { text } = await open(url ?? "");
      return text.includes("working") && text;
    });
    expect(page).toContain("RUNNING");
    await emulator.client.jobs.terminate(id);
    await ended(emulator, id);
    expect((await open(url ?? "")).text).toContain("TERMINATED");
  });

  it("says why a job is BROKEN, and that there is no log", async () => {
    const url = await overviewOf({ workingDirectory: "s3://elsewhere/code.zip" });
    const { text } = await open(url);
    expect(text).toContain("s3://elsewhere/code.zip is unknown");
    expect(logOf(text)).toEqual(["nothing was written yet"]);
  });

  it("shows no more than the last 200 lines, whole ones, of a long log", async () => {
    const lines = logOf((await open(await overviewOf({ entrypoint: "seq 1 300000" }))).text);
    expect(lines).toEqual(Array.from({ length: 200 }, (_, index) => String(300_000 - 199 + index)));
  });

  it("shows the end of one endless line", async () => {
    const { text } = await open(await overviewOf({ entrypoint: "yes x | head -c 3000000 | tr -d '\\n'; printf end" }));
    expect(text.length).toBeLessThan(1024 * 1024);
    expect(logOf(text).join("")).toMatch(/^x+end$/);
  });

  it("escapes what others wrote, and shows neither colours nor control characters", async () => {
    const name = `<img src=x onerror="alert(1)">&'`;
    const entrypoint = String.raw`printf '\033[31mred\033[0m <script>alert(1)</script> & \033]0;title\007bell\007\n10%%\r20%%\r\nt\tab\342\200\256gnp\n'`;
    const { text } = await open(await overviewOf({ name, entrypoint }));
    expect(text).not.toMatch(/<img|<script/);
    expect(text).toContain("&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&amp;&#39;");
    expect(logOf(text)).toEqual(["red <script>alert(1)</script> & bell", "20%", "t\tabgnp"]);
  });

  it("allows a browser nothing but the page's own style", async () => {
    const url = await overviewOf({});
    const [first, second] = [await open(url), await open(url)];
    const policy = first.headers.get("content-security-policy") ?? "";
    const nonce = /style-src 'nonce-([^']+)'/.exec(policy)?.[1] ?? "none";
    expect(policy).toMatch(/^default-src 'none'; style-src 'nonce-[^']+'; base-uri 'none'; form-action 'none'; frame-/);
    expect(first.text).toContain(`<style nonce="${nonce}">`);
    expect(second.text).not.toContain(nonce);
    expect(Object.fromEntries(first.headers)).toMatchObject({
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
    });
  });
});

describe("the secret of an overview_url", () => {
  it("opens that page and nothing else", async () => {
    const url = new URL(await overviewOf({ entrypoint: "echo mine" }));
    const other = new URL(await overviewOf({ entrypoint: "echo other" }));
    const elsewhere = (path: string): string => `${url.origin}${path}${url.search}`;
    expect((await open(elsewhere(other.pathname))).status).toBe(404);
    const id = url.pathname.slice("/jobs/".length);
    expect((await open(elsewhere(`/api/v2/decorated_ha_jobs/${id}`))).status).toBe(401);
    expect((await open(elsewhere("/emulator/ledger"))).status).toBe(401);
    expect((await open(elsewhere("/bucket/joblogs/job_1"))).status).toBe(403);
  });

  it.each([
    ["no secret", (url: URL) => url.origin + url.pathname],
    ["a wrong secret", (url: URL) => `${url.origin}${url.pathname}?signature=${"0".repeat(64)}`],
    ["an unknown job", (url: URL) => `${url.origin}/jobs/prodjob_1${url.search}`],
    ["a method that is not GET", (url: URL) => url.href, "POST"],
  ])("is asked for: 404 and a sentence, without a word about the job, for %s", async (_, change, method = "GET") => {
    const url = new URL(await overviewOf({ name: "confidential" }));
    const response = await fetch(change(url), { method, headers: { Cookie: `cli_token=${DEFAULT_TOKEN}` } });
    const text = await response.text();
    expect(response.status).toBe(404);
    expect(text).not.toContain("confidential");
    if (method === "GET") {
      expect(text).toContain("There is no job here, or the address lacks its secret");
      expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
    }
  });

  it("is the same in every answer", async () => {
    const { id } = await emulator.client.jobs.submit(aJob({ name: "again" }));
    const first = await emulator.client.jobs.get(id);
    const [found] = await emulator.client.jobs.find("again");
    expect(found?.overview_url).toBe(first.overview_url);
    expect((await ended(emulator, id)).overview_url).toBe(first.overview_url);
  });

  it("stays out of the ledger", async () => {
    const url = await overviewOf({ name: "ledgered" });
    await open(url);
    const signature = new URL(url).searchParams.get("signature") ?? "none";
    expect(signature).toMatch(/^[0-9a-f]{64}$/);
    expect(JSON.stringify(await emulator.ledger())).not.toContain(signature);
  });
});
