import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { JobQueueTarget } from "../../src/anyscale/job-submission.ts";
import { callApi } from "../support/emulator-api.ts";
import {
  aDirectory,
  aJob,
  cleanUp,
  ended,
  type EmulatorHandle,
  inState,
  spawnEmulator,
  startTestEmulator,
  until,
} from "../support/emulator.ts";

let work: string;
beforeEach(() => {
  work = aDirectory();
});
afterEach(() => {
  rmSync(work, { recursive: true });
});

/** A job that writes its name when it starts, and ends when `gate` is there. */
const waiting = (name: string) => `echo ${name} >> started; until test -e ${work}/gate; do sleep 0.02; done`;
const entry = (name: string) => `cd ${work} && ${waiting(name)}`;
const open = () => writeFileSync(join(work, "gate"), "");
const started = () =>
  existsSync(join(work, "started")) ? readFileSync(join(work, "started"), "utf8").trim().split("\n") : [];

async function submit(on: EmulatorHandle, name: string, jobQueue: JobQueueTarget): Promise<string> {
  return (await on.client.jobs.submit(aJob({ name, entrypoint: entry(name), jobQueue }))).id;
}

async function queueOf(on: EmulatorHandle, id: string): Promise<Record<string, unknown>> {
  const { result } = await callApi(on.url, "GET", `/api/v2/decorated_ha_jobs/${id}`);
  return { queue: result["job_queue_id"], position: result["position_in_job_queue"] };
}

describe("JobQueues", () => {
  let emulator: Awaited<ReturnType<typeof startTestEmulator>>;
  beforeEach(async () => {
    emulator = await startTestEmulator();
  });
  afterEach(async () => {
    await emulator.stop();
  });

  it.each([
    ["FIFO", ["first", "low", "high", "none"]],
    ["LIFO", ["first", "none", "high", "low"]],
    ["PRIORITY", ["first", "high", "low", "none"]],
  ] as const)("starts the jobs of a %s queue one after the other, in its order", async (mode, order) => {
    const queue = { name: "q", mode, maxConcurrency: 1 };
    const ids = [await submit(emulator, "first", queue)];
    await inState(emulator, ids[0]!, "RUNNING");
    ids.push(await submit(emulator, "low", { ...queue, priority: 9 }));
    ids.push(await submit(emulator, "high", { ...queue, priority: 0 }));
    ids.push(await submit(emulator, "none", queue));
    const places = await Promise.all(ids.map(async (id) => (await queueOf(emulator, id))["position"]));
    expect(places).toEqual([null, ...["low", "high", "none"].map((name) => order.indexOf(name as "low"))]);
    expect((await emulator.client.jobs.get(ids[1]!)).state.current_state).toBe("PENDING");
    // The official client asks for the log of a job that has no run.
    const log = await callApi(emulator.url, "GET", "/api/v2/logs/job_logs_download_v2/?page_size=1000");
    expect([log.status, log.result["log_chunks"]]).toEqual([200, []]);
    open();
    for (const id of ids) await ended(emulator, id);
    expect(started()).toEqual(order);
  });

  it("runs as many as max_concurrency, also one that is raised, and moves a job by its priority", async () => {
    const queue = { name: "q", mode: "PRIORITY", maxConcurrency: 1 } as const;
    const first = await submit(emulator, "first", queue);
    await inState(emulator, first, "RUNNING");
    const ids = [
      await submit(emulator, "a", { ...queue, priority: 1 }),
      await submit(emulator, "b", { ...queue, priority: 2 }),
    ];
    await emulator.client.jobs.setQueuePriority(ids[1]!, 0);
    const { queue: id } = await queueOf(emulator, first);
    await callApi(emulator.url, "PUT", `/api/v2/job_queues/${String(id)}`, { max_concurrency: 2 });
    await inState(emulator, ids[1]!, "RUNNING");
    expect((await emulator.client.jobs.get(ids[0]!)).state.current_state).toBe("PENDING");
    await emulator.client.jobs.terminate(ids[0]!);
    expect((await ended(emulator, ids[0]!)).state.current_state).toBe("TERMINATED");
    open();
    await ended(emulator, ids[1]!);
    const shown = (await callApi(emulator.url, "GET", `/api/v2/job_queues/${String(id)}`)).result;
    expect(shown).toMatchObject({ max_concurrency: 2, execution_mode: "PRIORITY", total_jobs: 3 });
  });

  it("keeps the place of a job over its retries", async () => {
    const queue = { name: "q", maxConcurrency: 1 };
    const entrypoint = `cd ${work}; echo try >> started; test "$(wc -l < started)" -ge 3`;
    const flaky = await emulator.client.jobs.submit(
      aJob({ name: "flaky", entrypoint, maxRetries: 2, jobQueue: queue }),
    );
    open();
    const next = await submit(emulator, "next", queue);
    expect((await ended(emulator, flaky.id)).state.current_state).toBe("SUCCESS");
    await ended(emulator, next);
    expect(started()).toEqual(["try", "try", "try", "next"]);
  });

  it("lists, seals, terminates and deletes queues", async () => {
    const queue = { name: "q", maxConcurrency: 1 };
    const ids = [await submit(emulator, "a", queue), await submit(emulator, "b", { existing: "q" })];
    await inState(emulator, ids[0]!, "RUNNING");
    const list = async (body: object) => (await callApi(emulator.url, "POST", "/api/v2/job_queues/", body)).results;
    const [found] = await list({ name: { equals: "q" } });
    expect(found).toMatchObject({
      name: "q",
      current_job_queue_state: "ACTIVE",
      current_cluster_state: "RUNNING",
      active_jobs: 2,
    });
    const base = `/api/v2/job_queues/${String(found?.["id"])}`;
    expect((await callApi(emulator.url, "DELETE", base)).status).toBe(409);
    await callApi(emulator.url, "POST", `${base}/archive`);
    await expect(submit(emulator, "c", { existing: { id: String(found?.["id"]) } })).rejects.toMatchObject({
      status: 409,
    });
    expect(await list({})).toEqual([]);
    expect(await list({ archive_status: "ALL" })).toHaveLength(1);
    const terminated = await callApi(emulator.url, "POST", `${base}/terminate`);
    expect(terminated.result).toMatchObject({ job_queue_id: found?.["id"], total_jobs_marked_for_termination: 2 });
    for (const id of ids) expect((await ended(emulator, id)).state.current_state).toBe("TERMINATED");
    const jobs = await callApi(emulator.url, "GET", `${base}/jobs`);
    expect(jobs.results.map(({ id }) => id)).toEqual(ids);
    expect((await callApi(emulator.url, "DELETE", base)).status).toBe(200);
    expect((await callApi(emulator.url, "GET", base)).status).toBe(404);
    expect((await emulator.client.jobs.get(ids[0]!)).id).toBe(ids[0]);
  });

  it("refuses a queue that is not there, and a spec that differs from the open queue of its name", async () => {
    await expect(submit(emulator, "a", { existing: { id: "jq_none" } })).rejects.toMatchObject({ status: 404 });
    await expect(submit(emulator, "a", { existing: "none" })).rejects.toMatchObject({ status: 404 });
    await submit(emulator, "a", { name: "q", maxConcurrency: 2 });
    await expect(submit(emulator, "b", { name: "q", maxConcurrency: 3 })).rejects.toThrow("max_concurrency 2");
    open();
  });
});

describe("JobQueues after a kill -9", () => {
  it("goes on with the jobs that run and those that wait, in order, and never with more at once", async () => {
    const state = aDirectory();
    const first = await spawnEmulator(state);
    const ids: string[] = [];
    for (const name of ["a", "b", "c"]) ids.push(await submit(first, name, { name: "q", maxConcurrency: 1 }));
    await inState(first, ids[0]!, "RUNNING");
    await first.kill();
    const second = await spawnEmulator(state);
    await until("the queue as it was", async () => (await queueOf(second, ids[2]!))["position"] === 2);
    expect(started()).toEqual(["a"]);
    open();
    for (const id of ids) expect((await ended(second, id)).state.current_state).toBe("SUCCESS");
    expect(started()).toEqual(["a", "b", "c"]);
    await second.kill();
    await cleanUp(state);
  });
});
