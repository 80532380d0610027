/** The parts of the local stack that are commands of Tuneloop itself: the emulator and the worker. */
import { z } from "zod";
import type { ServerSpec } from "./launch.ts";
import { launcherPath } from "./package-files.ts";
import { waitFor } from "./wait.ts";

const emulatorReadySchema = z.object({ url: z.string() });
const workerReadySchema = z.object({ ready: z.literal(true) });

/** The local Anyscale as a child; its token comes by ANYSCALE_CLI_TOKEN. */
export function emulatorServer(options: {
  port: number;
  stateDirectory: string;
  logFile: string;
  environment: NodeJS.ProcessEnv;
}): ServerSpec {
  return {
    name: "emulator",
    command: process.execPath,
    args: [launcherPath(), "emulator", "--port", String(options.port), "--state", options.stateDirectory],
    environment: options.environment,
    logFile: options.logFile,
    graceMs: 10_000,
    ready: (signal, output) => printed(output, emulatorReadySchema, signal),
  };
}

/**
 * What a worker process is started with so that reading takes a third less memory and no more time: almost all that comes
 * is soon garbage, for which a young generation of 8 MB is enough, and a heap of malloc for each thread (glibc) would keep
 * what any of them has ever taken.
 */
export const leanWorker = {
  nodeOptions: ["--max-semi-space-size=8"],
  environment: { MALLOC_ARENA_MAX: "2" },
} as const;

/** A Temporal worker as a child; gets 35 s to finish what it has begun when it is stopped. */
export function workerProcess(options: { logFile: string; environment: NodeJS.ProcessEnv }): ServerSpec {
  return {
    name: "worker",
    command: process.execPath,
    args: [...leanWorker.nodeOptions, launcherPath(), "worker"],
    environment: { ...leanWorker.environment, ...options.environment },
    logFile: options.logFile,
    graceMs: 35_000,
    ready: (signal, output) => printed(output, workerReadySchema, signal),
  };
}

/** Resolves when a line of the output is a JSON object of this shape. */
async function printed(output: () => string, shape: z.ZodType, signal: AbortSignal): Promise<void> {
  await waitFor(
    () => {
      const lines = output().split("\n").slice(0, -1);
      if (!lines.some((line) => shape.safeParse(jsonOrNull(line)).success)) throw new Error("it is not ready");
    },
    { timeoutMs: Number.POSITIVE_INFINITY, signal },
  );
}

function jsonOrNull(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
