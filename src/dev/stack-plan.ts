/** Decides what a stack is made of: which servers to start, where they listen, and the environment that leads there. */
import { delimiter, join, resolve } from "node:path";
import { gateFolders, metricFolders, readerFolders, recipeFolders } from "../config.ts";
import { loadRecipes } from "../recipes/index.ts";
import { findBinary } from "./binaries.ts";
import { loadCredentials, type StackCredentials } from "./credentials.ts";
import type { ServerSpec } from "./launch.ts";
import { emulatorServer, workerProcess } from "./own-servers.ts";
import { temporalCli, versitygw } from "./pinned-servers.ts";
import { findPort, LOOPBACK } from "./ports.ts";
import type { Report } from "./report.ts";
import { LOCAL_BUCKET, LOCAL_REGION, s3Server } from "./s3-server.ts";
import { withStackEnvironment, type StackAddresses } from "./stack-file.ts";
import { temporalServer } from "./temporal-server.ts";

/** What a stack can be made of. */
export const STACK_SERVICES = ["temporal", "s3", "emulator", "worker"] as const;
/** A part of a stack. */
export type StackService = (typeof STACK_SERVICES)[number];

/** The ports that a stack prefers; of a port that is taken, the next free one is used. */
export const USUAL_PORTS = { temporal: 7233, temporalUi: 8233, s3: 7070, emulator: 9000 } as const;
/** A port for everything that listens. */
export type StackPorts = Record<keyof typeof USUAL_PORTS, number>;

/** What stack to start. */
export interface StackOptions {
  /** Holds all state, and the lock of the stack; made when it is not there. */
  stateDirectory: string;
  /** Default: all. */
  services?: readonly StackService[];
  /** Preferred ports, 0 for any free one. Default: `USUAL_PORTS`. */
  ports?: Partial<StackPorts>;
  /** More dynamic configuration of the Temporal server, in its own names. */
  dynamicConfig?: Record<string, unknown>;
  /**
   * What the children start from. TEMPORAL_ADDRESS or AWS_ENDPOINT_URL in it name servers that run already: those are
   * used as they are, and none is started.
   */
  environment: NodeJS.ProcessEnv;
  report: Report;
  /** Gives the start up; what has been started is stopped again. */
  signal?: AbortSignal;
}

/** A stack on paper. */
export interface StackPlan {
  addresses: StackAddresses;
  /** What the stack's servers add to an environment. */
  environment: Record<string, string>;
  /** How to start each server; finding its program may take a download. */
  servers: Partial<Record<StackService, (signal: AbortSignal) => Promise<ServerSpec>>>;
  /** State directory of the emulator; null when it is not part of the stack. */
  emulatorState: string | null;
}

/** Plans a stack on a state directory that exists and is locked. Throws when there is no free port, or a recipe folder is no good. */
export async function planStack(options: StackOptions): Promise<StackPlan> {
  const wanted = new Set(options.services ?? STACK_SERVICES);
  const running = {
    temporal: givenAddress(options, ["TEMPORAL_ADDRESS"]),
    s3: givenAddress(options, ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]),
  };
  for (const service of ["temporal", "s3"] as const) {
    if (running[service] === null || !wanted.delete(service)) continue;
    options.report(`${service}: using ${running[service]}, which the environment names; none is started`);
  }
  const credentials = loadCredentials(join(options.stateDirectory, "credentials.json"));
  const ports = await choosePorts(options, wanted);
  const environment = {
    ...stackEnvironment(wanted, ports, credentials, options.stateDirectory),
    ...ownEnvironment(options.environment),
  };
  return {
    addresses: {
      temporal: environment["TEMPORAL_ADDRESS"] ?? running.temporal,
      temporalUi: wanted.has("temporal") ? `http://${LOOPBACK}:${ports.temporalUi}` : null,
      s3: environment["AWS_ENDPOINT_URL"] ?? running.s3,
      emulator: environment["ANYSCALE_HOST"] ?? null,
    },
    environment,
    servers: planServers(options, wanted, { ports, credentials, environment }),
    emulatorState: wanted.has("emulator") ? join(options.stateDirectory, "emulator") : null,
  };
}

function givenAddress(options: StackOptions, variables: string[]): string | null {
  return variables.map((variable) => options.environment[variable]).find((value) => value) ?? null;
}

async function choosePorts(options: StackOptions, wanted: Set<StackService>): Promise<StackPorts> {
  const preferred = { ...USUAL_PORTS, ...options.ports };
  const reserved = new Set<number>();
  const choose = async (port: keyof StackPorts, service: StackService): Promise<number> => {
    if (!wanted.has(service)) return 0;
    const found = await findPort(preferred[port], reserved);
    if (preferred[port] !== 0 && found !== preferred[port]) {
      options.report(`${service}: port ${preferred[port]} is taken, using ${found}`);
    }
    return found;
  };
  return {
    temporal: await choose("temporal", "temporal"),
    temporalUi: await choose("temporalUi", "temporal"),
    s3: await choose("s3", "s3"),
    emulator: await choose("emulator", "emulator"),
  };
}

function stackEnvironment(
  wanted: Set<StackService>,
  ports: StackPorts,
  credentials: StackCredentials,
  stateDirectory: string,
): Record<string, string> {
  const temporal = {
    TEMPORAL_ADDRESS: `${LOOPBACK}:${ports.temporal}`,
    TEMPORAL_NAMESPACE: "default",
    TUNELOOP_TEMPORAL_UI: `http://${LOOPBACK}:${ports.temporalUi}`,
    // Someone's own profile may hold TLS settings and an API key: none of it is meant for this server. A file that
    // is not there counts as no settings; an empty one is an error to the SDK.
    TEMPORAL_CONFIG_FILE: join(stateDirectory, "no-temporal-profiles.toml"),
  };
  const s3 = {
    AWS_ENDPOINT_URL: `http://${LOOPBACK}:${ports.s3}`,
    AWS_REGION: LOCAL_REGION,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    TUNELOOP_S3_URI: `s3://${LOCAL_BUCKET}/`,
  };
  const emulator = {
    ANYSCALE_HOST: `http://${LOOPBACK}:${ports.emulator}`,
    ANYSCALE_CLI_TOKEN: credentials.anyscaleToken,
  };
  return {
    ...(wanted.has("temporal") ? temporal : {}),
    ...(wanted.has("s3") ? s3 : {}),
    ...(wanted.has("emulator") ? emulator : {}),
  };
}

/**
 * So that commands in other directories know the recipes, metric packs, gates and readers of sources that the worker knows,
 * and the hosts that it may reach. Throws for a recipe that it cannot use.
 */
function ownEnvironment(environment: NodeJS.ProcessEnv): Record<string, string> {
  const [recipes, metrics, gates, readers] = [recipeFolders, metricFolders, gateFolders, readerFolders].map(
    (foldersIn) => foldersIn(environment).map((folder) => resolve(folder)),
  );
  loadRecipes(recipes ?? []);
  const named = {
    TUNELOOP_RECIPES: recipes?.join(delimiter),
    TUNELOOP_METRICS: metrics?.join(delimiter),
    TUNELOOP_GATES: gates?.join(delimiter),
    TUNELOOP_SOURCES: readers?.join(delimiter),
    TUNELOOP_ALLOW_HOSTS: environment["TUNELOOP_ALLOW_HOSTS"],
  };
  return Object.fromEntries(Object.entries(named).flatMap(([name, value]) => (value ? [[name, value] as const] : [])));
}

function planServers(
  options: StackOptions,
  wanted: Set<StackService>,
  {
    ports,
    credentials,
    environment: added,
  }: Pick<StackPlan, "environment"> & { ports: StackPorts; credentials: StackCredentials },
): StackPlan["servers"] {
  const { environment, report } = options;
  const inState = (...names: string[]): string => join(options.stateDirectory, ...names);
  const common = (service: StackService): { logFile: string; environment: NodeJS.ProcessEnv } => ({
    logFile: inState("logs", `${service}.log`),
    environment: withStackEnvironment(environment, added),
  });
  const all: Required<StackPlan["servers"]> = {
    temporal: async (signal) =>
      temporalServer({
        ...common("temporal"),
        binary: await findBinary(temporalCli, { environment, report, signal }),
        port: ports.temporal,
        uiPort: ports.temporalUi,
        databaseFile: inState("temporal.db"),
        dynamicConfig: options.dynamicConfig ?? {},
      }),
    s3: async (signal) =>
      s3Server({
        ...common("s3"),
        binary: await findBinary(versitygw, { environment, report, signal }),
        port: ports.s3,
        dataDirectory: inState("s3"),
        credentials,
      }),
    emulator: async () =>
      emulatorServer({ ...common("emulator"), port: ports.emulator, stateDirectory: inState("emulator") }),
    worker: async () => workerProcess(common("worker")),
  };
  return Object.fromEntries(Object.entries(all).filter(([service]) => [...wanted].some((name) => name === service)));
}
