import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { endRecordedProcesses, identify } from "../../src/emulator/processes.ts";
import { startEmulator } from "../../src/emulator/server.ts";
import {
  aDeployment,
  aDirectory,
  aJob,
  anApplication,
  cleanUp,
  emulatorAt,
  ended,
  inState,
  query,
  service,
  spawnEmulator,
  until,
} from "../support/emulator.ts";

let state: string;
beforeEach(() => {
  state = aDirectory();
});
afterEach(async () => {
  await cleanUp(state);
});

const running = (now: { current_state: string }) => now.current_state === "RUNNING";

/** Rewrites the one job's record while no emulator runs. */
function editJob(
  id: string,
  edit: (record: { attempts: { process: { started: string; pid: number } }[] }) => void,
): void {
  const path = join(state, "jobs", `${id}.json`);
  const record = JSON.parse(readFileSync(path, "utf8"));
  edit(record);
  writeFileSync(path, JSON.stringify(record));
}

describe("startEmulator after a kill -9", () => {
  it("adopts jobs that still run, takes results of those that ended meanwhile, and forgets none", async () => {
    const gate = join(state, "gate");
    const first = await spawnEmulator(state);
    const wait = `echo before; while ! test -e ${gate}; do sleep 0.02; done; echo after`;
    const long = await first.client.jobs.submit(aJob({ name: "long", entrypoint: wait }));
    const quick = await first.client.jobs.submit(aJob({ name: "quick", entrypoint: "sleep 0.5; exit 5" }));
    const done = await first.client.jobs.submit(aJob({ name: "done" }));
    await ended(first, done.id);
    for (const { id } of [long, quick]) await inState(first, id, "RUNNING");
    await first.kill();
    const exit = join(state, "runs", (await attemptOf(quick.id)).id, "exit");
    await until("the end of the quick job", () => existsSync(exit) && readFileSync(exit, "utf8").endsWith("\n"));

    const second = await spawnEmulator(state);
    expect((await second.client.jobs.get(done.id)).state.current_state).toBe("SUCCESS");
    expect((await ended(second, quick.id)).state).toMatchObject({
      current_state: "OUT_OF_RETRIES",
      error: "attempt 1 of 1: exit code 5",
    });
    expect((await second.client.jobs.get(long.id)).state.current_state).toBe("RUNNING");
    writeFileSync(gate, "");
    expect((await ended(second, long.id)).state.current_state).toBe("SUCCESS");
    expect(await second.client.jobs.logTail(long.id, { maxLines: 9 })).toEqual(["before", "after"]);
    await second.kill();
  });

  it("counts a job that vanished as a failed attempt, and retries it", async () => {
    const first = await spawnEmulator(state);
    const marker = join(state, "marker");
    const entrypoint = `test -e ${marker} || { touch ${marker}; exec sleep 300; }`;
    const twice = await first.client.jobs.submit(aJob({ name: "twice", entrypoint, maxRetries: 1 }));
    const once = await first.client.jobs.submit(aJob({ name: "once", entrypoint: "sleep 300" }));
    for (const { id } of [twice, once]) await inState(first, id, "RUNNING");
    await until("the marker", () => existsSync(marker));
    await first.kill();
    for (const { id } of [twice, once]) process.kill(-(await attemptOf(id)).process.pid, "SIGKILL");
    await until("the end of both", async () => identify((await attemptOf(once.id)).process.pid) === null);
    const second = await spawnEmulator(state);
    expect((await ended(second, once.id)).state).toMatchObject({
      current_state: "OUT_OF_RETRIES",
      error: expect.stringContaining("lost"),
    });
    expect((await ended(second, twice.id)).state.current_state).toBe("SUCCESS");
    await second.kill();
  });

  it("runs every job exactly once, whenever it is killed while jobs are created and started", async () => {
    const ran = join(state, "ran");
    writeFileSync(ran, "");
    for (let round = 0; round < 4; round++) {
      const before = linesOf(ran).length;
      const emulator = await spawnEmulator(state);
      const submit = async (index: number) => {
        const name = `job-${round}-${index}`;
        await emulator.client.jobs.submit(aJob({ name, entrypoint: `echo ${name} >> ${ran}; sleep 0.1` }));
      };
      const submitted = Promise.allSettled(Array.from({ length: 12 }, async (_, index) => await submit(index)));
      await until("a few started jobs", () => linesOf(ran).length > before + 2);
      await emulator.kill();
      await submitted;
    }
    const last = await spawnEmulator(state);
    const jobs = await last.client.jobs.list();
    expect(jobs.length).toBeGreaterThan(4);
    for (const { id } of jobs) expect((await ended(last, id)).state).toMatchObject({ current_state: "SUCCESS" });
    expect(linesOf(ran).sort()).toEqual(jobs.map(({ name }) => name).sort());
    await last.kill();
  });

  it.runIf(process.platform === "linux")(
    "ends what attempts left in the background that ended while no emulator was there, or after it was back",
    async () => {
      const left = (name: string) => join(state, `left-${name}`);
      const entrypoint = (name: string) =>
        `sleep 300 & echo $! > ${left(name)}; until test -e ${join(state, `end-${name}`)}; do sleep 0.02; done`;
      const first = await spawnEmulator(state);
      const ids: string[] = [];
      for (const name of ["before", "after"]) {
        const { id } = await first.client.jobs.submit(aJob({ name, entrypoint: entrypoint(name) }));
        await until("its child", () => existsSync(left(name)) && readFileSync(left(name), "utf8").endsWith("\n"));
        ids.push(id);
      }
      const pids = ["before", "after"].map((name) => Number(readFileSync(left(name), "utf8")));
      await first.kill();
      writeFileSync(join(state, "end-before"), "");
      const { pid } = (await attemptOf(ids[0]!)).process;
      await until("the end of the first", () => identify(pid) === null);
      const second = await spawnEmulator(state);
      writeFileSync(join(state, "end-after"), "");
      for (const id of ids) expect((await ended(second, id)).state.current_state).toBe("SUCCESS");
      await until("the end of what they left", () => pids.every((left) => identify(left) === null));
      await second.kill();
    },
  );

  it("never takes a recycled pid for a job, nor ends what runs under it", async () => {
    const first = await spawnEmulator(state);
    const bystander = await first.client.jobs.submit(aJob({ name: "bystander", entrypoint: "sleep 300" }));
    const victim = await first.client.jobs.submit(aJob({ name: "victim", entrypoint: "sleep 300" }));
    for (const { id } of [bystander, victim]) await inState(first, id, "RUNNING");
    await first.kill();
    const other = (await attemptOf(bystander.id)).process;
    process.kill(-(await attemptOf(victim.id)).process.pid, "SIGKILL");
    editJob(victim.id, (record) => {
      const [attempt] = record.attempts;
      if (attempt) attempt.process = { pid: other.pid, started: "another boot/1" };
    });
    const second = await spawnEmulator(state);
    expect((await ended(second, victim.id)).state.error).toContain("lost");
    expect((await second.client.jobs.get(bystander.id)).state.current_state).toBe("RUNNING");
    expect(identify(other.pid)).not.toBeNull();
    await second.kill();
  });

  it("keeps the time limit and the order to terminate of an adopted job", async () => {
    const first = await spawnEmulator(state);
    const limited = await first.client.jobs.submit(
      aJob({ name: "limited", entrypoint: "sleep 300", timeoutSeconds: 2 }),
    );
    const doomed = await first.client.jobs.submit(aJob({ name: "doomed", entrypoint: "sleep 300" }));
    for (const { id } of [limited, doomed]) await inState(first, id, "RUNNING");
    await first.kill();
    const second = await spawnEmulator(state);
    await second.client.jobs.terminate(doomed.id);
    expect((await ended(second, doomed.id)).state.current_state).toBe("TERMINATED");
    expect((await ended(second, limited.id)).state.error).toBe("attempt 1 of 1: ended after timeout_s=2");
    await second.kill();
  });

  it("adopts service versions that still run, with the same process, weights and token", async () => {
    const application = anApplication();
    const first = await spawnEmulator(state);
    const deployment = aDeployment({ workingDirectory: application });
    await first.client.services.deploy({ ...deployment, envVars: { APP_VERSION: "v1" } });
    await service(first, running);
    await first.client.services.deploy({ ...deployment, version: "v2", canaryPercent: 30 });
    const before = await service(first, (now) => now.canary_version?.weight === 30);
    const pids = async (now: typeof before) => [
      (await query(now, "/", { label: "v1" })).json["pid"],
      (await query(now, "/", { label: "v2" })).json["pid"],
    ];
    const pidsBefore = await pids(before);
    await first.kill();
    const second = await spawnEmulator(state);
    const after = await service(second, () => true);
    expect(after).toMatchObject({ current_state: "ROLLING_OUT", auth_token: before.auth_token });
    expect(after.canary_version?.weight).toBe(30);
    expect(await pids(after)).toEqual(pidsBefore);
    await second.kill();

    expect(await endRecordedProcesses(state)).toBe(2);
    expect(await endRecordedProcesses(state)).toBe(0);
    const third = await spawnEmulator(state);
    const again = await service(third, (now) => running({ current_state: now.primary_version?.current_state ?? "" }));
    expect((await query(again, "/", { label: "v1" })).json["pid"]).not.toBe(pidsBefore[0]);
    await third.kill();
    rmSync(application, { recursive: true });
  });
});

describe("Emulator.stop", () => {
  it("ends every process and goes on from the state at the next start", async () => {
    const emulator = await startEmulator({ port: 0, stateDirectory: state });
    const handle = emulatorAt(emulator.url);
    const job = await handle.client.jobs.submit(aJob({ entrypoint: "sleep 300", maxRetries: 1 }));
    await inState(handle, job.id, "RUNNING");
    const before = await attemptOf(job.id);
    await emulator.stop();
    expect(identify(before.process.pid)).toBeNull();
    const next = await startEmulator({ port: 0, stateDirectory: state });
    await inState(emulatorAt(next.url), job.id, "RUNNING");
    expect((await attemptOf(job.id)).id).not.toBe(before.id);
    await next.stop();
  });

  it("lets a second emulator on the same state directory in only afterwards", async () => {
    const emulator = await startEmulator({ port: 0, stateDirectory: state });
    await expect(startEmulator({ port: 0, stateDirectory: state })).rejects.toThrow(
      `in use by the emulator with process id`,
    );
    await emulator.stop();
    await (await startEmulator({ port: 0, stateDirectory: state })).stop();
  });
});

function linesOf(path: string): string[] {
  return readFileSync(path, "utf8").split("\n").slice(0, -1);
}

async function attemptOf(jobId: string): Promise<{ id: string; process: { pid: number; started: string } }> {
  return JSON.parse(readFileSync(join(state, "jobs", `${jobId}.json`), "utf8")).attempts.at(-1);
}
