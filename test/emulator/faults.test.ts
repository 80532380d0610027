import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { AnyscaleClient } from "../../src/anyscale/client.ts";
import { identify } from "../../src/emulator/processes.ts";
import { DEFAULT_TOKEN } from "../../src/emulator/server.ts";
import { aDeployment, aJob, ended, inState, service, startTestEmulator, until } from "../support/emulator.ts";

let emulator: Awaited<ReturnType<typeof startTestEmulator>>;
let name: string;
let count = 0;
beforeAll(async () => {
  emulator = await startTestEmulator();
});
beforeEach(() => {
  name = `job-${count++}`;
});
afterAll(async () => {
  await emulator.stop();
});

const created = async () => {
  const entries = await emulator.ledger(name);
  return entries.filter(({ path, acted }) => path.endsWith("/create") && acted === 200);
};

describe("a fault", () => {
  it("answers a status before acting, with Retry-After, as often as ordered", async () => {
    const effect = { kind: "status", status: 429, retryAfterSeconds: 0.25 };
    await emulator.fault({ match: { method: "POST", path: "/create$", name }, times: 2, effect });
    for (let i = 0; i < 2; i++) {
      await expect(emulator.client.jobs.submit(aJob({ name }))).rejects.toMatchObject({
        kind: "rate-limited",
        status: 429,
        retryAfterMs: 250,
      });
    }
    expect(await created()).toEqual([]);
    const job = await emulator.client.jobs.submit(aJob({ name }));
    expect((await created()).map(({ id }) => id)).toEqual([job.id]);
  });

  it("loses the answer of a create that happened: the job is found by its name", async () => {
    await emulator.fault({ match: { path: "/create$", name }, effect: { kind: "status", status: 500, when: "after" } });
    await expect(emulator.client.jobs.submit(aJob({ name }))).rejects.toMatchObject({
      kind: "unavailable",
      status: 500,
    });
    const [found, ...others] = await emulator.client.jobs.find(name);
    expect(others).toEqual([]);
    expect((await created()).map(({ id, status, acted }) => [id, status, acted])).toEqual([[found?.id, 500, 200]]);
  });

  it("shows a job in a state that is not its own, as often as ordered, and goes on with it", async () => {
    const job = await emulator.client.jobs.submit(aJob({ name, entrypoint: "sleep 300" }));
    await inState(emulator, job.id, "RUNNING");
    for (const state of ["SOMETHING_NEW", "PENDING"]) {
      await emulator.fault({ match: { name, path: job.id }, times: 2, effect: { kind: "job-state", state } });
    }
    const seen: string[] = [];
    for (let i = 0; i < 5; i++) seen.push((await emulator.client.jobs.get(job.id)).state.current_state);
    expect(seen).toEqual(["SOMETHING_NEW", "SOMETHING_NEW", "PENDING", "PENDING", "RUNNING"]);
    await emulator.client.jobs.terminate(job.id);
  });

  it("keeps a job PENDING until it is terminated", async () => {
    await emulator.fault({ match: { name }, effect: { kind: "job-stuck" } });
    const job = await emulator.client.jobs.submit(aJob({ name }));
    const next = await emulator.client.jobs.submit(aJob({ name: `${name}-next` }));
    expect((await ended(emulator, next.id)).state.current_state).toBe("SUCCESS");
    expect((await emulator.client.jobs.get(job.id)).state.current_state).toBe("PENDING");
    await emulator.client.jobs.terminate(job.id);
    expect((await ended(emulator, job.id)).state.current_state).toBe("TERMINATED");
  });

  it("lets a running job vanish: it answers 404 from then on, and its process ends", async () => {
    const job = await emulator.client.jobs.submit(aJob({ name, entrypoint: "echo $$; exec sleep 300" }));
    const pid = Number(
      await until("its process", async () => (await emulator.client.jobs.logTail(job.id, { maxLines: 1 }))[0]),
    );
    await emulator.fault({ match: { name }, effect: { kind: "job-vanish" } });
    for (let i = 0; i < 2; i++) await expect(emulator.client.jobs.get(job.id)).rejects.toMatchObject({ status: 404 });
    expect(await emulator.client.jobs.find(name)).toEqual([]);
    await until("the end of its process", () => identify(pid) === null);
  });

  it("gives the place of a job that vanished to the next in its queue, also one that was to be terminated", async () => {
    const jobQueue = { name };
    const ids = ["first", "second", "third"].map(async (job) => {
      const entrypoint = job === "third" ? "true" : "trap '' TERM; sleep 300";
      return (await emulator.client.jobs.submit(aJob({ name: `${name}-${job}`, entrypoint, jobQueue }))).id;
    });
    const [first, second, third] = [await ids[0]!, await ids[1]!, await ids[2]!];
    for (const id of [first, second]) {
      await inState(emulator, id, "RUNNING");
      const { name: job } = await emulator.client.jobs.get(id);
      if (id === second) await emulator.client.jobs.terminate(id);
      await emulator.fault({ match: { name: job }, effect: { kind: "job-vanish" } });
      await expect(emulator.client.jobs.get(id)).rejects.toMatchObject({ status: 404 });
    }
    await ended(emulator, third);
    expect((await emulator.client.jobs.list()).map(({ id }) => id)).toEqual(
      expect.not.arrayContaining([first, second]),
    );
  });

  it("drops the connection after a create that happened", async () => {
    await emulator.fault({ match: { path: "/create$", name }, effect: { kind: "drop" } });
    await expect(emulator.client.jobs.submit(aJob({ name }))).rejects.toMatchObject({
      kind: "unavailable",
      status: null,
    });
    expect(await emulator.client.jobs.find(name)).toHaveLength(1);
    expect((await created()).map(({ status }) => status)).toEqual([null]);
  });

  it("hangs for ever without acting, until the client's timeout", async () => {
    const hasty = new AnyscaleClient({ host: emulator.url, token: DEFAULT_TOKEN, timeoutMs: 100 });
    await emulator.fault({ match: { path: "/create$", name }, effect: { kind: "hang" } });
    await expect(hasty.jobs.submit(aJob({ name }))).rejects.toMatchObject({ kind: "unavailable", status: null });
    expect(await emulator.client.jobs.find(name)).toEqual([]);
  });

  it("hangs for a while and then acts", async () => {
    await emulator.fault({ match: { path: "/create$", name }, effect: { kind: "hang", ms: 100 } });
    const start = performance.now();
    await emulator.client.jobs.submit(aJob({ name }));
    expect(performance.now() - start).toBeGreaterThan(95);
    expect(await emulator.client.jobs.find(name)).toHaveLength(1);
  });

  it("acts at once and never answers", async () => {
    const hasty = new AnyscaleClient({ host: emulator.url, token: DEFAULT_TOKEN, timeoutMs: 1000 });
    await emulator.fault({ match: { path: "/create$", name }, effect: { kind: "hang", when: "after" } });
    const answer = expect(hasty.jobs.submit(aJob({ name }))).rejects.toMatchObject({
      kind: "unavailable",
      status: null,
    });
    const [entry] = await until("the create", async () => {
      const entries = await created();
      return entries.length > 0 && entries;
    });
    expect(entry).toMatchObject({ status: null, acted: 200 });
    await answer;
    expect(await emulator.client.jobs.find(name)).toHaveLength(1);
  });

  it("acts at once and answers after a while", async () => {
    await emulator.fault({ match: { path: "/create$", name }, effect: { kind: "hang", ms: 100, when: "after" } });
    const start = performance.now();
    const job = await emulator.client.jobs.submit(aJob({ name }));
    expect(performance.now() - start).toBeGreaterThan(95);
    expect((await created()).map(({ id, status }) => [id, status])).toEqual([[job.id, 200]]);
  });

  it("answers HTML with 200", async () => {
    await emulator.fault({ match: { path: "/create$", name }, effect: { kind: "html" } });
    await expect(emulator.client.jobs.submit(aJob({ name }))).rejects.toMatchObject({
      kind: "unexpected-reply",
      status: 200,
    });
  });

  it("fails attempts of a job without running them", async () => {
    await emulator.fault({ match: { name }, times: 2, effect: { kind: "job-fail" } });
    const once = await emulator.client.jobs.submit(aJob({ name, entrypoint: "echo ran" }));
    expect((await ended(emulator, once.id)).state).toMatchObject({
      current_state: "OUT_OF_RETRIES",
      error: "attempt 1 of 1: exit code 1",
    });
    expect((await emulator.client.jobs.logTail(once.id, { maxLines: 9 })).join()).not.toContain("ran");
    const twice = await emulator.client.jobs.submit(aJob({ name, entrypoint: "echo ran", maxRetries: 1 }));
    expect((await ended(emulator, twice.id)).state.current_state).toBe("SUCCESS");
  });

  it("keeps a version of a service unhealthy", async () => {
    await emulator.fault({ match: { name }, effect: { kind: "service-unhealthy" } });
    await emulator.client.services.deploy(aDeployment({ name }));
    const sick = await service(emulator, (now) => now.current_state === "UNHEALTHY", name);
    expect(sick.error_message).toContain("a fault was ordered");
  });

  it("can be listed and taken back, and is refused when it makes no sense", async () => {
    const headers = { Cookie: `cli_token=${DEFAULT_TOKEN}` };
    const faults = `${emulator.url}/emulator/faults`;
    await emulator.fault({ match: { name }, effect: { kind: "html" } });
    const listed = await (await fetch(faults, { headers })).json();
    expect(listed).toEqual({ faults: [{ match: { name }, times: 1, effect: { kind: "html" } }] });
    await fetch(faults, { method: "DELETE", headers });
    expect(await (await fetch(faults, { headers })).json()).toEqual({ faults: [] });
    for (const effect of [{ kind: "explode" }, { kind: "status", status: 200 }]) {
      await expect(emulator.fault({ effect })).rejects.toThrow("422");
    }
    await expect(emulator.fault({ match: { path: "(" }, effect: { kind: "html" } })).rejects.toThrow("422");
    expect((await fetch(faults, { method: "POST", headers, body: "{" })).status).toBe(400);
  });
});

describe("the ledger", () => {
  it("has the search for a job's runs and the reading of its log under the job's name", async () => {
    const job = await emulator.client.jobs.submit(aJob({ name, entrypoint: "echo ran" }));
    await ended(emulator, job.id);
    const before = (await emulator.ledger(name)).length;
    for await (const line of emulator.client.jobs.logs(job.id)) expect(line).toBe("ran");
    const paths = (await emulator.ledger(name)).slice(before).map(({ path }) => path.split("/").at(-2));
    expect(paths).toEqual(expect.arrayContaining(["job_runs", "job_logs_download_v2", "joblogs"]));
  });

  it("has every call of a name with its caller and what it asked for, and no token or environment", async () => {
    const job = await emulator.client.jobs.submit(aJob({ name, envVars: { PASSWORD: "hidden" }, maxRetries: 2 }));
    await emulator.client.jobs.get(job.id);
    await emulator.client.jobs.find(name);
    await fetch(`${emulator.url}/api/v2/decorated_ha_jobs/?name=${name}`);
    const entries = await emulator.ledger(name);
    expect(entries.map(({ method, status, caller }) => [method, status, caller])).toEqual([
      ["POST", 200, "tuneloop"],
      ["GET", 200, "tuneloop"],
      ["GET", 200, "tuneloop"],
    ]);
    expect(entries[0]).toMatchObject({
      id: job.id,
      request: { config: { entrypoint: "true", max_retries: 2, timeout_s: 60 } },
    });
    expect(Date.parse(entries[0]?.time ?? "")).toBeGreaterThan(Date.now() - 60_000);
    const all = JSON.stringify(await emulator.ledger());
    expect(all).not.toContain("hidden");
    expect(all).not.toContain(DEFAULT_TOKEN);
    expect(all).toContain('"status":401');
  });
});
