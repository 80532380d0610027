/** A local stack for tests: real servers on free ports, state in a temporary directory. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startStack, type Stack } from "../../src/dev/stack.ts";
import { withStackEnvironment } from "../../src/dev/stack-file.ts";
import type { StackService } from "../../src/dev/stack-plan.ts";

/** What a test wants of a stack. */
export interface TestStackOptions {
  /** Default: Temporal and S3. */
  services?: readonly StackService[];
  /** More dynamic configuration of the Temporal server. */
  dynamicConfig?: Record<string, unknown>;
  /** More environment for the emulator and the worker. */
  environment?: Record<string, string>;
  /** Kept after the stop when given; else a temporary directory that goes with the stack. */
  stateDirectory?: string;
}

/** A running stack, its lines of report, and a whole environment that leads to it. */
export interface TestStack extends Stack {
  reports: string[];
  stateDirectory: string;
  /** This process's environment with the stack's laid over it. */
  fullEnvironment: Record<string, string>;
}

/** This process's environment without any address of a server or account. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const foreign = /^(TEMPORAL|AWS|ANYSCALE|TUNELOOP)_/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
}

/** Starts a stack on free ports; `stop()` it in `afterAll`. */
export async function startTestStack(options: TestStackOptions = {}): Promise<TestStack> {
  const stateDirectory = options.stateDirectory ?? (await mkdtemp(join(tmpdir(), "tuneloop-stack-")));
  const base = { ...cleanEnvironment(), ...options.environment };
  const reports: string[] = [];
  const stack = await startStack({
    stateDirectory,
    services: options.services ?? ["temporal", "s3"],
    ports: { temporal: 0, temporalUi: 0, s3: 0, emulator: 0 },
    ...(options.dynamicConfig === undefined ? {} : { dynamicConfig: options.dynamicConfig }),
    environment: base,
    report: (line) => reports.push(line),
  });
  return {
    ...stack,
    reports,
    stateDirectory,
    fullEnvironment: withStackEnvironment(base, stack.environment),
    async stop() {
      await stack.stop();
      if (options.stateDirectory === undefined) await rm(stateDirectory, { recursive: true, force: true });
    },
  };
}
