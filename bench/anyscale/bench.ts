/**
 * What the Anyscale client and emulator cost, each against the same thing done bare and side by side, turn by turn: a
 * call by the client and by `fetch`, a job and a child process, a query through the service's URL and to its replica.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AnyscaleClient } from "../../src/anyscale/client.ts";
import { DEFAULT_TOKEN, startEmulator } from "../../src/emulator/server.ts";
import { serviceSchema } from "../../src/emulator/service-records.ts";

export interface AnyscaleFigures {
  /** Median of a call by the client, less the median of the same call by `fetch`; milliseconds. */
  clientMs: number;
  /** Jobs that do nothing, from the first submit to the last end. */
  jobsPerSecond: number;
  /** What a query through the service's URL takes longer than one to the replica itself; milliseconds. */
  proxyP50Ms: number;
  proxyP99Ms: number;
}

const CALLS = 500;
const JOBS = 100;
const JOBS_AT_ONCE = 8;
const QUERIES = 3000;

const APPLICATION = `export const handler = () => (request) => Response.json({ path: new URL(request.url).pathname });`;

interface Surroundings {
  client: AnyscaleClient;
  url: string;
  directory: string;
  report: (line: string) => void;
}

export async function bench(report: (line: string) => void): Promise<AnyscaleFigures> {
  const directory = await mkdtemp(join(tmpdir(), "tuneloop-bench-"));
  const emulator = await startEmulator({ port: 0, stateDirectory: join(directory, "state") });
  const client = new AnyscaleClient({ host: emulator.url, token: DEFAULT_TOKEN });
  const surroundings = { client, url: emulator.url, directory, report };
  try {
    const clientMs = await measureCalls(surroundings);
    const jobsPerSecond = await measureJobs(surroundings);
    return { clientMs, jobsPerSecond, ...(await measureProxy(surroundings)) };
  } finally {
    await emulator.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

async function measureCalls({ client, url, report }: Surroundings): Promise<number> {
  const headers = { Cookie: `cli_token=${DEFAULT_TOKEN}`, Accept: "application/json" };
  const bare = async () => await (await fetch(`${url}/api/v2/userinfo/`, { headers })).json();
  const [byClient, byFetch] = await inTurn(CALLS, [async () => await client.user(), bare]);
  report(`a call: ${percentile(byClient, 50)} ms by the client, ${percentile(byFetch, 50)} ms by fetch`);
  return rounded(percentile(byClient, 50) - percentile(byFetch, 50));
}

async function measureJobs({ client, report }: Surroundings): Promise<number> {
  const jobs = await perSecond(async (index) => {
    const { id } = await client.jobs.submit({ name: `bench-${index}`, entrypoint: "true", maxRetries: 0 });
    await client.jobs.wait(id, { pollMs: 20, timeoutMs: 60_000 });
  });
  const children = await perSecond(async () => {
    await once(spawn("/bin/sh", ["-c", "true"]), "exit");
  });
  report(`jobs: ${jobs} a second, ${children} bare child processes a second`);
  return jobs;
}

async function measureProxy({ client, directory, report }: Surroundings) {
  const application = join(directory, "app");
  await mkdir(application);
  await writeFile(join(application, "app.mjs"), APPLICATION);
  await client.services.deploy({
    name: "bench",
    version: "v1",
    application: { importPath: "app.mjs:handler" },
    workingDirectory: application,
  });
  const service = await client.services.wait("bench", { timeoutMs: 60_000, pollMs: 50 });
  const replica = `http://127.0.0.1:${await portOfReplica(join(directory, "state", "services"))}/`;
  const agent = new Agent({ keepAlive: true });
  const headers = { Authorization: `Bearer ${service.auth_token}` };
  const [proxied, direct] = await inTurn(QUERIES, [
    async () => await query(`${service.base_url}/`, agent, headers),
    async () => await query(replica, agent, {}),
  ]);
  agent.destroy();
  for (const percent of [50, 99]) {
    report(
      `a query, p${percent}: ${percentile(proxied, percent)} ms by the URL, ${percentile(direct, percent)} ms to the replica`,
    );
  }
  return {
    proxyP50Ms: rounded(percentile(proxied, 50) - percentile(direct, 50)),
    proxyP99Ms: rounded(percentile(proxied, 99) - percentile(direct, 99)),
  };
}

async function portOfReplica(services: string): Promise<number> {
  const [file = ""] = await readdir(services);
  const { primary } = serviceSchema.parse(JSON.parse(await readFile(join(services, file), "utf8")));
  const port = primary.replicas[0]?.port ?? null;
  if (port === null) throw new Error("the replica of the service does not listen");
  return port;
}

async function query(url: string, agent: Agent, headers: Record<string, string>): Promise<void> {
  const sent = request(url, { agent, headers }).end();
  const [answer] = await once(sent, "response");
  if (answer.statusCode !== 200) throw new Error(`${url} answered ${answer.statusCode}`);
  await once(answer.resume(), "end");
}

/** Milliseconds of each call of both, taken in turn, after a tenth of them to warm up. */
async function inTurn(times: number, [one, other]: [() => Promise<unknown>, () => Promise<unknown>]) {
  const measured: [number[], number[]] = [[], []];
  for (let index = -times / 10; index < times; index++) {
    for (const [which, call] of [one, other].entries()) {
      const startedAt = performance.now();
      await call();
      if (index >= 0) measured[which]?.push(performance.now() - startedAt);
    }
  }
  return measured;
}

async function perSecond(work: (index: number) => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  let next = 0;
  const worker = async () => {
    while (next < JOBS) await work(next++);
  };
  await Promise.all(Array.from({ length: JOBS_AT_ONCE }, worker));
  return rounded((JOBS / (performance.now() - startedAt)) * 1000);
}

function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return rounded(sorted[Math.floor(((sorted.length - 1) * percent) / 100)] ?? Number.NaN);
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
