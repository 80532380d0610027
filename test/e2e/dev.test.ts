import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AnyscaleClient } from "../../src/anyscale/client.ts";
import type { RunningStack } from "../../src/dev/stack-file.ts";
import { waitFor } from "../../src/dev/wait.ts";
import { identify, isRunning, type ProcessIdentity } from "../../src/emulator/processes.ts";
import { spawnDev, type DevProcess } from "../support/dev-process.ts";
import { listeningAddresses } from "../support/listeners.ts";

let directory: string;
let started: DevProcess[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "tuneloop-e2e-dev-"));
  started = [];
});

afterEach(async () => {
  for (const dev of started) {
    if (dev.child.exitCode === null && dev.child.signalCode === null) dev.child.kill("SIGTERM");
    await dev.ended;
  }
  await rm(directory, { recursive: true, force: true });
});

function dev(): DevProcess {
  const process = spawnDev(join(directory, "state"));
  started.push(process);
  return process;
}

/** Every process that this one has started, and those have started, by the kernel's word. */
function descendants(pid: number): ProcessIdentity[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean);
  return children.flatMap((child) => {
    const identity = identify(Number(child));
    return identity === null ? [] : [identity, ...descendants(identity.pid)];
  });
}

/** Submits a job that sleeps; answers its process. */
async function sleepingJob(stack: RunningStack): Promise<ProcessIdentity> {
  const pidFile = join(directory, "job-pid");
  const { ANYSCALE_HOST = "", ANYSCALE_CLI_TOKEN = "" } = stack.environment;
  await new AnyscaleClient({ host: ANYSCALE_HOST, token: ANYSCALE_CLI_TOKEN }).jobs.submit({
    name: "sleeper",
    entrypoint: `echo $$ > ${pidFile} && exec sleep 600`,
    workingDirectory: null,
    envVars: {},
    maxRetries: 0,
    timeoutSeconds: null,
    tags: {},
    project: null,
    cloud: null,
    computeConfig: null,
    imageUri: null,
  });
  return waitFor(
    () => {
      const identity = identify(Number(readFileSync(pidFile, "utf8")));
      if (identity === null) throw new Error("the job does not run");
      return identity;
    },
    { timeoutMs: 20_000 },
  );
}

const gone = (processes: ProcessIdentity[], timeoutMs: number): Promise<void> =>
  waitFor(() => expect(processes.filter(isRunning)).toEqual([]), { timeoutMs });

describe("tuneloop dev", () => {
  it("says where everything is, listens on the loopback address only, and stops on Ctrl-C with all it started", async () => {
    const first = dev();
    const stack = await first.running();
    await waitFor(() => expect(first.lines.join("\n")).toContain(`web UI    ${stack.addresses.temporalUi}`), {
      timeoutMs: 5_000,
    });
    expect(first.lines).toContain("  bucket    s3://tuneloop");
    expect(first.lines).toContain(`  tools     eval "$(npx tuneloop env --state ${join(directory, "state")})"`);
    expect((await fetch(stack.addresses.temporalUi ?? "")).status).toBe(200);
    const job = await sleepingJob(stack);
    const processes = [...descendants(stack.process.pid), job];
    // Temporal, S3 server, emulator, worker, watchdog, job.
    expect(processes.length).toBeGreaterThanOrEqual(6);
    const addresses = new Set(processes.flatMap(({ pid }) => listeningAddresses(pid)));
    expect([...addresses]).toEqual(["127.0.0.1"]);
    first.child.kill("SIGINT");
    expect(await first.ended).toBe(0);
    expect(processes.filter(isRunning)).toEqual([]);
  });

  it("refuses a second start on the same state and says where the first one is", async () => {
    const stack = await dev().running();
    const second = dev();
    expect(await second.ended).toBe(1);
    const said = second.lines.join("\n");
    expect(said).toContain(`a stack already runs on ${join(directory, "state")} (process ${stack.process.pid})`);
    expect(said).toContain(stack.addresses.temporalUi);
    expect(isRunning(stack.process)).toBe(true);
  });

  it("ends cleanly when it is stopped while it starts", async () => {
    const first = dev();
    await waitFor(() => expect(first.lines).not.toEqual([]), { timeoutMs: 20_000 });
    first.child.kill("SIGINT");
    expect(await first.ended).toBe(0);
    const second = dev();
    await second.running();
  });

  it("leaves nothing running 5 s after it is killed, jobs included", async () => {
    const first = dev();
    const stack = await first.running();
    const processes = [...descendants(stack.process.pid), await sleepingJob(stack)];
    first.child.kill("SIGKILL");
    await first.ended;
    await gone(processes, 5_000);
  });

  it("brings a killed emulator back on its port, and its jobs live on", async () => {
    const first = dev();
    const stack = await first.running();
    const job = await sleepingJob(stack);
    const emulator = descendants(stack.process.pid).find(({ pid }) =>
      readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("\0emulator\0"),
    );
    process.kill(emulator?.pid ?? 0, "SIGKILL");
    await waitFor(() => expect(first.lines).toContain("emulator is back"), { timeoutMs: 30_000 });
    expect(isRunning(job)).toBe(true);
    const { ANYSCALE_HOST = "", ANYSCALE_CLI_TOKEN = "" } = stack.environment;
    const [found] = await new AnyscaleClient({ host: ANYSCALE_HOST, token: ANYSCALE_CLI_TOKEN }).jobs.find("sleeper");
    expect(found?.state.current_state).toBe("RUNNING");
  });
});
