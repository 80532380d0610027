import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { Client, Connection } from "@temporalio/client";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { identify, isRunning, type ProcessIdentity } from "../../src/emulator/processes.ts";
import { startStack } from "../../src/dev/stack.ts";
import { readRunningStack } from "../../src/dev/stack-file.ts";
import { waitFor } from "../../src/dev/wait.ts";
import { listeningAddresses } from "../support/listeners.ts";
import { cleanEnvironment, startTestStack, type TestStack } from "../support/stack.ts";

const heldSchema = z.object({ pids: z.record(z.string(), z.int()) });

let stateDirectory: string;
let stacks: TestStack[];

beforeEach(async () => {
  stateDirectory = await mkdtemp(join(tmpdir(), "tuneloop-e2e-stack-"));
  stacks = [];
});

afterEach(async () => {
  await Promise.all(stacks.map((stack) => stack.stop()));
  await rm(stateDirectory, { recursive: true, force: true });
});

async function start(): Promise<TestStack> {
  const stack = await startTestStack({ stateDirectory });
  stacks.push(stack);
  return stack;
}

/** Starts a stack in a process of its own that can be killed. */
async function hold(): Promise<{ holder: ProcessIdentity; kill: () => Promise<void>; pids: Record<string, number> }> {
  const script = join(import.meta.dirname, "..", "support", "hold-stack.ts");
  const child = spawn(process.execPath, [script, stateDirectory, "temporal", "s3"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  const holder = identify(child.pid ?? 0);
  if (holder === null) throw new Error("the holder is gone");
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await once(child, "exit");
  };
  return { holder, kill, pids: heldSchema.parse(JSON.parse(String(line))).pids };
}

/** The process id of the watchdog, as the stack has noted it. */
function recordedWatchdog(): number {
  const text = readFileSync(join(stateDirectory, "processes.json"), "utf8");
  return z.object({ watchdog: z.object({ pid: z.int() }) }).parse(JSON.parse(text)).watchdog.pid;
}

async function withTemporal<T>(stack: TestStack, use: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address: stack.addresses.temporal ?? "", connectTimeout: 20_000 });
  try {
    return await use(new Client({ connection }));
  } finally {
    await connection.close();
  }
}

/** Starts a workflow that no worker runs; it stays in the database. */
async function startWorkflow(stack: TestStack): Promise<void> {
  await withTemporal(stack, (client) =>
    client.workflow.start("retrain", {
      taskQueue: "nobody",
      workflowId: "kept",
      searchAttributes: { TuneloopStage: ["waiting"] },
    }),
  );
}

async function workflowStatus(stack: TestStack): Promise<string> {
  const { status } = await withTemporal(stack, (client) => client.workflow.getHandle("kept").describe());
  return status.name;
}

function s3(stack: TestStack): S3Client {
  const { AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = stack.environment;
  return new S3Client({
    endpoint: AWS_ENDPOINT_URL ?? "",
    region: AWS_REGION ?? "",
    credentials: { accessKeyId: AWS_ACCESS_KEY_ID ?? "", secretAccessKey: AWS_SECRET_ACCESS_KEY ?? "" },
    forcePathStyle: true,
  });
}

const putKept = (stack: TestStack): Promise<unknown> =>
  s3(stack).send(new PutObjectCommand({ Bucket: "tuneloop", Key: "a/b", Body: "kept", IfNoneMatch: "*" }));

async function readKept(stack: TestStack): Promise<string | undefined> {
  const { Body } = await s3(stack).send(new GetObjectCommand({ Bucket: "tuneloop", Key: "a/b" }));
  return Body?.transformToString();
}

describe("startStack", () => {
  it("keeps workflows, objects and credentials over a stop and the next start", async () => {
    const first = await start();
    await startWorkflow(first);
    await putKept(first);
    expect(readRunningStack(stateDirectory)?.environment).toEqual(first.environment);
    await first.stop();
    expect(readRunningStack(stateDirectory)).toBeNull();
    const second = await start();
    expect(await workflowStatus(second)).toBe("RUNNING");
    expect(await readKept(second)).toBe("kept");
    await expect(putKept(second)).rejects.toMatchObject({ $metadata: { httpStatusCode: 412 } });
    expect(second.environment["AWS_SECRET_ACCESS_KEY"]).toBe(first.environment["AWS_SECRET_ACCESS_KEY"]);
  });

  it("listens on the loopback address only", async () => {
    const stack = await start();
    for (const pid of Object.values(stack.pids())) {
      const addresses = listeningAddresses(pid ?? 0);
      expect(addresses.length).toBeGreaterThan(0);
      expect(new Set(addresses)).toEqual(new Set(["127.0.0.1"]));
    }
  });

  it("refuses a second start on the same state, and leaves the first alone", async () => {
    const stack = await start();
    const pids = stack.pids();
    await expect(start()).rejects.toThrow(`a stack already runs on ${stateDirectory} (process ${process.pid})`);
    expect(stack.pids()).toEqual(pids);
  });

  it("starts killed servers again on the same ports with the same state", async () => {
    const stack = await start();
    await startWorkflow(stack);
    await putKept(stack);
    for (const pid of Object.values(stack.pids())) process.kill(pid ?? 0, "SIGKILL");
    await waitFor(() => expect(stack.reports.filter((line) => line.endsWith("is back"))).toHaveLength(2), {
      timeoutMs: 60_000,
    });
    expect(await workflowStatus(stack)).toBe("RUNNING");
    expect(await readKept(stack)).toBe("kept");
  });

  it("uses the next free port when the preferred one is taken", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const address = taken.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const reports: string[] = [];
    const stack = await startStack({
      stateDirectory,
      services: ["s3"],
      ports: { s3: port },
      environment: cleanEnvironment(),
      report: (line) => reports.push(line),
    });
    try {
      const used = Number(new URL(stack.addresses.s3 ?? "").port);
      expect(used).toBeGreaterThan(port);
      expect(reports).toEqual([`s3: port ${port} is taken, using ${used}`, "s3 is up"]);
    } finally {
      await stack.stop();
      taken.close();
    }
  });

  it("starts no server whose address the environment names", async () => {
    const stack = await startTestStack({
      stateDirectory,
      environment: { TEMPORAL_ADDRESS: "temporal.example:7233", AWS_ENDPOINT_URL: "https://s3.example" },
    });
    stacks.push(stack);
    expect(stack.pids()).toEqual({});
    expect(stack.environment).toEqual({});
    expect(stack.addresses).toMatchObject({ temporal: "temporal.example:7233", s3: "https://s3.example" });
  });

  it("leaves nothing running when one of its servers cannot be started", async () => {
    const environment = { TUNELOOP_VERSITYGW_BINARY: join(stateDirectory, "nothing") };
    await expect(startTestStack({ stateDirectory, environment })).rejects.toThrow("TUNELOOP_VERSITYGW_BINARY=");
    const stack = await start();
    expect(stack.reports.toSorted()).toEqual(["s3 is up", "temporal is up"]);
  });
});

describe("a stack whose process is killed", () => {
  it("ends within 5 s, and the next start finds its state", async () => {
    const first = await start();
    await startWorkflow(first);
    await putKept(first);
    await first.stop();
    const { holder, kill, pids } = await hold();
    const servers = Object.values(pids).map(identify);
    expect(servers).toHaveLength(2);
    await kill();
    await waitFor(
      () =>
        expect([holder, ...servers].map((server) => server !== null && isRunning(server))).toEqual([
          false,
          false,
          false,
        ]),
      { timeoutMs: 5_000 },
    );
    const second = await start();
    expect(await workflowStatus(second)).toBe("RUNNING");
    expect(await readKept(second)).toBe("kept");
  });

  it("ends even if its watchdog was killed before", async () => {
    const { kill, pids } = await hold();
    const servers = Object.values(pids).map(identify);
    const first = recordedWatchdog();
    process.kill(first, "SIGKILL");
    await waitFor(() => expect(recordedWatchdog()).not.toBe(first), { timeoutMs: 10_000 });
    await kill();
    await waitFor(() => expect(servers.filter((server) => server !== null && isRunning(server))).toEqual([]), {
      timeoutMs: 5_000,
    });
  });

  it("is followed at once by a new one, which waits for the old servers to end", async () => {
    const { kill, pids } = await hold();
    const servers = Object.values(pids).map(identify);
    await kill();
    const stack = await start();
    expect(servers.map((server) => server !== null && isRunning(server))).toEqual([false, false]);
    await startWorkflow(stack);
  });
});
