/** An emulator for tests: state in a temporary directory, a client on it, faults to order, the ledger to read. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createAnyscaleCompute } from "../../src/adapters/anyscale-compute.ts";
import { AnyscaleClient } from "../../src/anyscale/client.ts";
import type { JobSubmission } from "../../src/anyscale/job-submission.ts";
import type { ServiceDeployment } from "../../src/anyscale/service-deployment.ts";
import type { ProductionJob } from "../../src/anyscale/jobs-wire.ts";
import type { Service } from "../../src/anyscale/services-wire.ts";
import type { Fault } from "../../src/emulator/faults.ts";
import type { LedgerEntry } from "../../src/emulator/ledger.ts";
import { endRecordedProcesses } from "../../src/emulator/processes.ts";
import { DEFAULT_TOKEN, type EmulatorOptions, startEmulator } from "../../src/emulator/server.ts";
import type { Compute } from "../../src/compute-port.ts";

/** What tests do with an emulator at a URL. */
export interface EmulatorHandle {
  url: string;
  client: AnyscaleClient;
  compute: Compute;
  fault(fault: { match?: Fault["match"]; times?: number; effect: unknown }): Promise<void>;
  ledger(name?: string): Promise<LedgerEntry[]>;
}

/** A temporary directory with these files; removed by the caller. */
export function aDirectory(files: Record<string, string> = {}): string {
  const directory = mkdtempSync(join(tmpdir(), "tuneloop-test-"));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  return directory;
}

/** Handle on an emulator that runs at a URL. */
export function emulatorAt(url: string, token: string = DEFAULT_TOKEN): EmulatorHandle {
  const client = new AnyscaleClient({ host: url, token });
  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(url + path, { ...init, headers: { Cookie: `cli_token=${token}` } });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return await response.json();
  };
  return {
    url,
    client,
    compute: createAnyscaleCompute(client),
    fault: async (fault) => {
      await ask("/emulator/faults", { method: "POST", body: JSON.stringify(fault) });
    },
    ledger: async (name) => (await ask(`/emulator/ledger${name ? `?name=${name}` : ""}`)).entries,
  };
}

/** An emulator in this process, on a free port; `stop()` it in the end. */
export async function startTestEmulator(
  options: Partial<EmulatorOptions> = {},
): Promise<EmulatorHandle & { stateDirectory: string; stop(): Promise<void> }> {
  const stateDirectory = aDirectory();
  const emulator = await startEmulator({ port: 0, stateDirectory, ...options });
  const stop = async () => {
    await emulator.stop();
    rmSync(stateDirectory, { recursive: true, force: true });
  };
  return { ...emulatorAt(emulator.url), stateDirectory, stop };
}

/** An emulator as a process of its own, to be killed. */
export interface EmulatorProcess extends EmulatorHandle {
  child: ChildProcess;
  /** SIGKILL, and wait for its end. Its jobs and services live on. */
  kill(): Promise<void>;
}

/** Starts an emulator process on a state directory. */
export async function spawnEmulator(stateDirectory: string): Promise<EmulatorProcess> {
  const program = new URL("./emulator-process.ts", import.meta.url).pathname;
  const child = spawn(process.execPath, [program, "--port", "0", "--state", stateDirectory], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const line = await new Promise<string>((done, failed) => {
    child.stdout.once("data", (data: Buffer) => done(data.toString()));
    child.once("exit", (code) => failed(new Error(`the emulator ended with ${code}`)));
  });
  const kill = async () => {
    const ended = new Promise((done) => child.once("exit", done));
    child.kill("SIGKILL");
    await ended;
  };
  return { ...emulatorAt((JSON.parse(line) as { url: string }).url), child, kill };
}

/** Ends what a killed emulator left behind and removes its state. */
export async function cleanUp(stateDirectory: string): Promise<void> {
  await endRecordedProcesses(stateDirectory);
  rmSync(stateDirectory, { recursive: true, force: true });
}

/** Asks again and again until there is an answer; fails after `timeoutMs` with the last thing seen. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | false | null | undefined> | T | false | null | undefined,
  timeoutMs = 10_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== false && answer !== null && answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Error(`${what} did not happen within ${timeoutMs} ms`);
    await delay(10);
  }
}

/** A job to submit; `true` that succeeds at once unless told otherwise. */
export function aJob(overrides: Partial<JobSubmission> = {}): JobSubmission {
  return {
    name: "job",
    entrypoint: "true",
    workingDirectory: null,
    envVars: {},
    maxRetries: 0,
    timeoutSeconds: 60,
    tags: {},
    cloud: null,
    computeConfig: null,
    project: null,
    imageUri: null,
    ...overrides,
  };
}

/** A service version to deploy; its application is `app.mjs:handler` of a directory made by {@link anApplication}. */
export function aDeployment(overrides: Partial<ServiceDeployment> = {}): ServiceDeployment {
  return {
    name: "svc",
    version: "v1",
    application: { importPath: "app.mjs:handler", args: {} },
    workingDirectory: null,
    envVars: {},
    canaryPercent: null,
    autoCompleteRollout: false,
    tags: {},
    cloud: null,
    computeConfig: null,
    project: null,
    imageUri: null,
    ...overrides,
  };
}

/** A directory with an application that tells its version, echoes bodies, and dies at `/die`. */
export function anApplication(): string {
  return aDirectory({
    "app.mjs": `export function handler(args) {
      if (args.throws) throw new Error(args.throws);
      return async (request) => {
        const { pathname } = new URL(request.url);
        if (pathname === "/die") process.exit(7);
        if (pathname === "/echo") return new Response(request.body, { headers: { "x-pid": String(process.pid) } });
        return Response.json({ version: args.version ?? process.env.APP_VERSION, pid: process.pid, pathname,
          authorization: request.headers.get("authorization") });
      };
    }`,
  });
}

const ENDED = ["SUCCESS", "OUT_OF_RETRIES", "BROKEN", "TERMINATED"];

/** The job once it has ended. */
export async function ended(handle: EmulatorHandle, id: string, timeoutMs?: number): Promise<ProductionJob> {
  const job = async () => await handle.client.jobs.get(id);
  return await until(
    `the end of ${id}`,
    async () => {
      const seen = await job();
      return ENDED.includes(seen.state.current_state) && seen;
    },
    timeoutMs,
  );
}

/** The job once it is in this state. */
export async function inState(handle: EmulatorHandle, id: string, state: string): Promise<ProductionJob> {
  return await until(`${id} in state ${state}`, async () => {
    const seen = await handle.client.jobs.get(id);
    return seen.state.current_state === state && seen;
  });
}

/** The service once it is as wanted. */
export async function service(
  handle: EmulatorHandle,
  wanted: (service: Service) => boolean,
  name = "svc",
): Promise<Service> {
  return await until(`service ${name} as wanted`, async () => {
    const seen = await handle.client.services.find(name);
    return seen !== null && wanted(seen) && seen;
  });
}

/** Queries a service as a user would. */
export async function query(
  service: Service,
  path = "/",
  options: { label?: string; token?: string | null; body?: string } = {},
): Promise<{ status: number; text: string; json: Record<string, unknown> }> {
  const token = options.token === undefined ? service.auth_token : options.token;
  const response = await fetch(`${service.base_url}${path}`, {
    method: options.body === undefined ? "GET" : "POST",
    ...(options.body === undefined ? {} : { body: options.body }),
    headers: {
      ...(token ? { Authorization: `Bearer ${token}` } : {}),
      ...(options.label === undefined ? {} : { "X-Anyscale-Version": options.label }),
    },
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.includes("json") ?? false;
  return { status: response.status, text, json: isJson ? (JSON.parse(text) as Record<string, unknown>) : {} };
}
