/** The Temporal dev server of the local stack: server, web UI and a database file in one process. */
import { Connection } from "@temporalio/client";
import { searchAttributes } from "../../workflows/search-attributes.ts";
import type { ServerSpec } from "./launch.ts";
import { LOOPBACK } from "./ports.ts";
import { waitFor } from "./wait.ts";

/**
 * By default the dev server hands out 20 tasks a second and fires timers a second late: a step takes 80 ms instead of
 * 16 ms, a sleep of 50 ms a whole second.
 */
const QUICK_SERVER = {
  "history.transferProcessorMaxPollRPS": 1000,
  "history.timerProcessorMaxPollRPS": 1000,
  "history.timerProcessorMaxTimeShift": "1ms",
} as const;

/** Datasets whose sources wait for the same workers take turns; by default the server serves who came first. */
const FAIR_SERVER = { "matching.enableFairness": true } as const;

/** What the dev server is started with. */
export interface TemporalServerOptions {
  binary: string;
  port: number;
  uiPort: number;
  /** SQLite; made when it is not there. */
  databaseFile: string;
  logFile: string;
  /** Added to what makes the server quick and fair; a value is anything JSON can say. */
  dynamicConfig: Record<string, unknown>;
  environment: NodeJS.ProcessEnv;
}

/** The dev server as a child: ready when it answers and knows our search attributes. */
export function temporalServer(options: TemporalServerOptions): ServerSpec {
  const dynamicConfig = Object.entries({ ...QUICK_SERVER, ...FAIR_SERVER, ...options.dynamicConfig });
  return {
    name: "temporal",
    command: options.binary,
    args: [
      "server",
      "start-dev",
      "--log-level=error",
      `--ip=${LOOPBACK}`,
      `--port=${options.port}`,
      `--ui-port=${options.uiPort}`,
      `--db-filename=${options.databaseFile}`,
      // Not waiting for the disk at every step loses nothing when a process dies, only when the machine does. Without a
      // write-ahead log every step makes and deletes a file of its own: a fan-out takes four times as long.
      "--sqlite-pragma=synchronous=NORMAL",
      "--sqlite-pragma=journal_mode=WAL",
      ...dynamicConfig.flatMap(([key, value]) => ["--dynamic-config-value", `${key}=${JSON.stringify(value)}`]),
      ...Object.values(searchAttributes).flatMap(({ name, type }) => ["--search-attribute", `${name}=${type}`]),
    ],
    environment: options.environment,
    logFile: options.logFile,
    graceMs: 5_000,
    ready: (signal) => temporalAnswers(`${LOOPBACK}:${options.port}`, signal),
  };
}

async function temporalAnswers(address: string, signal: AbortSignal): Promise<void> {
  const connection = await waitFor(() => Connection.connect({ address, connectTimeout: 1_000 }), {
    timeoutMs: Number.POSITIVE_INFINITY,
    signal,
  });
  try {
    await waitFor(
      async () => {
        const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace: "default" });
        const missing = Object.values(searchAttributes).filter(({ name }) => !(name in customAttributes));
        if (missing.length > 0) throw new Error(`${missing.length} search attributes are not registered`);
      },
      { timeoutMs: Number.POSITIVE_INFINITY, signal },
    );
  } finally {
    await connection.close();
  }
}
