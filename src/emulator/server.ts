import { createServer, type Server, type ServerResponse } from "node:http";
import { join } from "node:path";
import { getRequestListener } from "@hono/node-server";
import { createApi } from "./api.ts";
import { Attempts } from "./attempts.ts";
import { Bucket } from "./bucket.ts";
import { ComputeConfigs } from "./compute-configs.ts";
import { childEnvironment } from "./environment.ts";
import { Faults } from "./faults.ts";
import { Images } from "./images.ts";
import { JobQueues } from "./job-queues.ts";
import { Jobs } from "./jobs.ts";
import { Ledger } from "./ledger.ts";
import { SERVICE_PREFIX, ServiceProxy } from "./proxy.ts";
import { PythonEnvironments } from "./python-environments.ts";
import { ROLLOUT_MS } from "./rollout.ts";
import { Services } from "./services.ts";
import { SignedUrls } from "./signed-urls.ts";
import { loadState, lockState } from "./state.ts";
import { Tags } from "./tags.ts";

/** The token of an emulator that was given none. It protects nothing, so such an emulator listens on loopback only. */
export const DEFAULT_TOKEN = "aph0_local";

/** How to start an emulator. */
export interface EmulatorOptions {
  /** 0 takes a free one. */
  port: number;
  /** Default 127.0.0.1. */
  host?: string;
  /** Jobs, services, uploads, logs and the ledger; created when missing. */
  stateDirectory: string;
  /** What callers must show. Default {@link DEFAULT_TOKEN}. */
  token?: string;
  /** Added to the environment of every job and service, such as `AWS_ENDPOINT_URL`. */
  jobEnvironment?: Record<string, string>;
  /** How long an automatic rollout takes once its version runs, in milliseconds. Default 2000. */
  rolloutMs?: number;
}

/** A running emulator. */
export interface Emulator {
  /** Base URL, without a slash at the end. */
  url: string;
  port: number;
  /** Ends all its processes and keeps the state; the next start goes on from there. */
  stop(): Promise<void>;
}

/**
 * Starts a local Anyscale and takes up what an earlier one left on the same state directory. Throws when the directory
 * has an emulator already, the port is taken, or `host` is not loopback and the token is the default one.
 */
export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  const { stateDirectory, host = "127.0.0.1", token = DEFAULT_TOKEN } = options;
  if (token === DEFAULT_TOKEN && !isLoopback(host)) {
    throw new Error(`the default token protects nothing: set ANYSCALE_CLI_TOKEN to listen on ${host}`);
  }
  const unlock = lockState(stateDirectory);
  try {
    const state = loadState(stateDirectory);
    const urls = new SignedUrls(token);
    const bucket = new Bucket(join(stateDirectory, "bucket"), urls);
    const faults = new Faults();
    const environment = childEnvironment(options.jobEnvironment ?? {}, join(stateDirectory, "bin"));
    const pythonEnvironments = new PythonEnvironments(join(stateDirectory, "python"));
    const [computeConfigs, images] = [new ComputeConfigs(state.computeConfigs), new Images(state.images)];
    const tags = new Tags(state.tags);
    const shared = { bucket, faults, environment, pythonEnvironments, computeConfigs, images, tags };
    const attempts = new Attempts({ ...shared, runsDirectory: join(stateDirectory, "runs") });
    const queues = new JobQueues(state.queues, state.jobs);
    const jobs = new Jobs({ ...shared, store: state.jobs, queues, attempts });
    const versionsDirectory = join(stateDirectory, "versions");
    const rolloutMs = options.rolloutMs ?? ROLLOUT_MS;
    const services = new Services({ ...shared, store: state.services, versionsDirectory, rolloutMs });
    const ledger = new Ledger(join(stateDirectory, "ledger.jsonl"));
    const routes = createApi({
      ...shared,
      token,
      urls,
      state,
      ledger,
      attempts,
      queues,
      jobs,
      services,
      versionsDirectory,
    });
    const api = getRequestListener(routes.fetch, { overrideGlobalObjects: false });
    const proxy = new ServiceProxy(services, faults);
    const server = createServer((request, response) => {
      if (token === DEFAULT_TOKEN && !namesLoopback(request.headers.host)) refuseHost(response);
      else if (request.url?.startsWith(SERVICE_PREFIX)) proxy.handle(request, response);
      else void api(request, response);
    });
    const port = await listen(server, options.port, host);
    jobs.resume();
    services.resume();
    const stop = async () => {
      const closed = new Promise((done) => server.close(done));
      await Promise.all([jobs.stop(), services.stop()]);
      server.closeAllConnections();
      proxy.close();
      await closed;
      unlock();
    };
    return { url: `http://${host.includes(":") ? `[${host}]` : host}:${port}`, port, stop };
  } catch (error) {
    unlock();
    throw error;
  }
}

async function listen(server: Server, port: number, host: string): Promise<number> {
  await new Promise<void>((done, failed) => {
    server.once("error", failed);
    server.listen(port, host, done);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error(`no port was given on ${host}`);
  return address.port;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

/**
 * Whether a caller has named this machine itself. A page in a browser may have its own name lead here, and then knows the
 * default token: a job is a command that runs.
 */
function namesLoopback(host: string | undefined): boolean {
  const name = URL.parse(`http://${host}`)?.hostname ?? "";
  return isLoopback(name.replace(/^\[(.*)\]$/, "$1"));
}

function refuseHost(response: ServerResponse): void {
  const detail = "with the default token only localhost answers: set ANYSCALE_CLI_TOKEN where the emulator is started";
  response.writeHead(403, { "Content-Type": "application/json" }).end(JSON.stringify({ error: { detail } }));
}
