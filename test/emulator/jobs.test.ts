import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { callApi } from "../support/emulator-api.ts";
import { aDirectory, aJob, ended, inState, startTestEmulator, until } from "../support/emulator.ts";

let emulator: Awaited<ReturnType<typeof startTestEmulator>>;
beforeAll(async () => {
  emulator = await startTestEmulator();
});
afterAll(async () => {
  await emulator.stop();
});

/** Whether a process lives; zombies do not. */
function lives(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

describe("Jobs", () => {
  it("runs the entrypoint in the uploaded directory with its variables and our node first in PATH", async () => {
    const directory = aDirectory({ "main.mjs": `console.log(process.env.GREETING, process.execPath)` });
    const job = await emulator.client.jobs.submit(
      aJob({ workingDirectory: directory, entrypoint: "node main.mjs", envVars: { GREETING: "hi there" } }),
    );
    expect((await ended(emulator, job.id)).state.current_state).toBe("SUCCESS");
    expect(await emulator.client.jobs.logTail(job.id, { maxLines: 9 })).toEqual([`hi there ${process.execPath}`]);
    rmSync(directory, { recursive: true });
  });

  it("does not hand the API token to a job", async () => {
    process.env["ANYSCALE_CLI_TOKEN"] = "aph0_secret";
    const other = await startTestEmulator();
    delete process.env["ANYSCALE_CLI_TOKEN"];
    const job = await other.client.jobs.submit(aJob({ entrypoint: "env" }));
    await ended(other, job.id);
    const log = await other.client.jobs.logTail(job.id, { maxLines: 1000 });
    expect(log.some((line) => line.startsWith("PATH="))).toBe(true);
    expect(log.join("\n")).not.toContain("aph0_secret");
    await other.stop();
  });

  it("retries a failing entrypoint max_retries times, each attempt with a log of its own", async () => {
    const job = await emulator.client.jobs.submit(
      aJob({ entrypoint: "echo out; echo err >&2; exit 7", maxRetries: 2 }),
    );
    const failed = await ended(emulator, job.id);
    expect(failed.state).toMatchObject({ current_state: "OUT_OF_RETRIES", error: "attempt 3 of 3: exit code 7" });
    expect(await emulator.client.jobs.logTail(job.id, { maxLines: 9 })).toEqual(["out", "err"]);
    const runs = await fetch(`${emulator.url}/api/v2/decorated_ha_jobs/job_runs/search`, {
      method: "POST",
      headers: { Cookie: "cli_token=aph0_local" },
      body: JSON.stringify({ ha_job_ids: [job.id] }),
    });
    const { results } = (await runs.json()) as { results: Record<string, { status: string }[]> };
    expect(results[job.id]?.map(({ status }) => status)).toEqual(["FAILED", "FAILED", "FAILED"]);
  });

  it("succeeds when a retry does", async () => {
    const directory = aDirectory();
    const marker = join(directory, "marker");
    const entrypoint = `test -e ${marker} || { touch ${marker}; exit 1; }`;
    const job = await emulator.client.jobs.submit(aJob({ entrypoint, maxRetries: 1 }));
    expect((await ended(emulator, job.id)).state).toMatchObject({ current_state: "SUCCESS", error: null });
    rmSync(directory, { recursive: true });
  });

  it("ends the whole tree of an attempt after timeout_s, also a child of a child that ignores SIGTERM", async () => {
    const directory = aDirectory();
    const file = join(directory, "pid");
    const stubborn = `sh -c 'trap "" TERM; echo $$ > ${file}; while :; do sleep 0.1; done'`;
    const job = await emulator.client.jobs.submit(aJob({ entrypoint: `${stubborn} & wait`, timeoutSeconds: 1 }));
    const pid = Number(await until("the grandchild", () => existsSync(file) && readFileSync(file, "utf8")));
    expect(lives(pid)).toBe(true);
    const failed = await ended(emulator, job.id);
    expect(failed.state).toMatchObject({
      current_state: "OUT_OF_RETRIES",
      error: "attempt 1 of 1: ended after timeout_s=1",
    });
    await until("the end of the grandchild", () => !lives(pid));
    rmSync(directory, { recursive: true });
  });

  it.runIf(process.platform === "linux").each([
    ["the time limit", "sleep 300", 1],
    ["a normal end", "true", 60],
  ])("ends after %s also what left the group for a session of its own", async (_case, then, timeoutSeconds) => {
    const directory = aDirectory();
    const file = join(directory, "pid");
    const stray = `setsid sh -c 'trap "" TERM; echo $$ > ${file}; while :; do sleep 0.1; done' &`;
    const entrypoint = `${stray} until test -s ${file}; do sleep 0.02; done; ${then}`;
    const job = await emulator.client.jobs.submit(aJob({ entrypoint, timeoutSeconds }));
    await ended(emulator, job.id);
    await until("the end of the stray", () => !lives(Number(readFileSync(file, "utf8"))));
    rmSync(directory, { recursive: true });
  });

  it("holds an unfinished line back while an attempt that ran out of time is ended", async () => {
    const entrypoint = "trap 'printf half; sleep 0.5; echo whole; exit 1' TERM; echo $$; while :; do sleep 0.1; done";
    const job = await emulator.client.jobs.submit(aJob({ entrypoint, timeoutSeconds: 1 }));
    const [run] = await until("its run", async () => {
      const runs = await emulator.client.jobs.runs(job.id);
      return runs.length > 0 && runs;
    });
    const path = join(emulator.stateDirectory, "runs", run?.id ?? "", "log");
    const log = `/api/v2/logs/job_logs_download_v2/${run?.id}`;
    await until("the half line", () => existsSync(path) && readFileSync(path, "utf8").endsWith("half"));
    const { result } = await callApi(emulator.url, "GET", log);
    expect(Number(result["next_page_token"])).toBe(readFileSync(path, "utf8").indexOf("half"));
    expect((await ended(emulator, job.id)).state.error).toContain("timeout_s=1");
    expect((await emulator.client.jobs.logTail(job.id, { maxLines: 1 }))[0]).toBe("halfwhole");
  });

  it("ends what a finished attempt left running in the background", async () => {
    const directory = aDirectory();
    const file = join(directory, "pid");
    const job = await emulator.client.jobs.submit(aJob({ entrypoint: `sleep 300 & echo $! > ${file}` }));
    expect((await ended(emulator, job.id)).state.current_state).toBe("SUCCESS");
    await until("the end of the rest", () => !lives(Number(readFileSync(file, "utf8"))));
    rmSync(directory, { recursive: true });
  });

  it("terminates a running job, and leaves one that has ended as it is", async () => {
    const job = await emulator.client.jobs.submit(aJob({ entrypoint: "echo $$; exec sleep 300", maxRetries: 3 }));
    await inState(emulator, job.id, "RUNNING");
    const [pid] = await until("the first line", async () => {
      const log = await emulator.client.jobs.logTail(job.id, { maxLines: 1 });
      return log.length > 0 && log;
    });
    expect((await emulator.client.jobs.terminate(job.id)).state.current_state).toBe("CLEANING_UP");
    expect((await ended(emulator, job.id)).state.current_state).toBe("TERMINATED");
    expect(lives(Number(pid))).toBe(false);
    const done = await emulator.client.jobs.submit(aJob());
    await ended(emulator, done.id);
    expect((await emulator.client.jobs.terminate(done.id)).state.current_state).toBe("SUCCESS");
  });

  it("is BROKEN, with the reason, when the working directory is not one that was uploaded here", async () => {
    const job = await emulator.client.jobs.submit(aJob({ workingDirectory: "s3://elsewhere/code.zip" }));
    const broken = await ended(emulator, job.id);
    expect(broken.state.current_state).toBe("BROKEN");
    expect(broken.state.error).toContain("s3://elsewhere/code.zip is unknown");
    const run = join(emulator.stateDirectory, "runs", (await emulator.client.jobs.runs(job.id))[0]?.id ?? "");
    await until("its files are gone", () => !existsSync(join(run, "work")));
  });

  it.each([
    ["entrypoint", { entrypoint: "echo secret\0" }],
    ["config.runtime_env.env_vars.A", { entrypoint: "true", runtime_env: { env_vars: { A: "secret\0" } } }],
  ])("refuses a NUL character in %s, and names no value", async (field, config) => {
    const body = { name: "nul", config };
    const answer = await callApi(emulator.url, "POST", "/api/v2/decorated_ha_jobs/create", body);
    expect(answer.status).toBe(422);
    expect(answer.error).toContain(field);
    expect(answer.error).not.toContain("secret");
  });

  it("answers 404 for a piece of the log of a job that was deleted", async () => {
    const job = await emulator.client.jobs.submit(aJob({ entrypoint: "echo ran" }));
    await ended(emulator, job.id);
    const run = (await emulator.client.jobs.runs(job.id))[0]?.id ?? "";
    const { result } = await callApi(emulator.url, "GET", `/api/v2/logs/job_logs_download_v2/${run}`);
    const [chunk] = result["log_chunks"] as { chunk_url: string }[];
    await emulator.client.jobs.delete(job.id);
    await until("its log is gone", () => !existsSync(join(emulator.stateDirectory, "runs", run)));
    expect((await fetch(chunk?.chunk_url ?? "")).status).toBe(404);
  });

  it("counts exit codes of signals and keeps the last lines of a long log", async () => {
    const job = await emulator.client.jobs.submit(aJob({ entrypoint: "seq 1 300000; kill -9 $$" }));
    expect((await ended(emulator, job.id)).state.error).toBe("attempt 1 of 1: exit code 137");
    expect(await emulator.client.jobs.logTail(job.id, { maxLines: 3 })).toEqual(
      expect.arrayContaining(["299999", "300000"]),
    );
    expect(await emulator.client.jobs.logTail(job.id, { maxLines: 200_000 })).toHaveLength(200_000);
  });
});
