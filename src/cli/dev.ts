/** `tuneloop dev`: the local stack, until a signal ends it. */
import { resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { startStack, type Stack } from "../dev/stack.ts";
import { readRunningStack, type RunningStack } from "../dev/stack-file.ts";
import { USUAL_PORTS, type StackPorts } from "../dev/stack-plan.ts";
import { checkStateIsFree, StateInUseError } from "../dev/state-lock.ts";
import { shellWord } from "../domain/shell.ts";
import { screenFor, type Screen } from "./screen.ts";
import { DEFAULT_STATE_DIRECTORY } from "./state-directory.ts";

interface DevOptions {
  state: string;
  temporalPort: number;
  uiPort: number;
  s3Port: number;
  emulatorPort: number;
}

/**
 * The `dev` command. Starts everything, says where it is, and stays until SIGINT, SIGTERM or SIGHUP, which end it in
 * order with exit code 0. Exit code 1 when it cannot start or a server has to be given up.
 */
export function devCommand(): Command {
  const port = (flag: string, of: string, usual: number): Option =>
    new Option(`${flag} <port>`, `port of ${of}; the next free one when it is taken`)
      .argParser(parsePort)
      .default(usual);
  return new Command("dev")
    .description("start Temporal with its web UI, an S3 server, the emulator and a worker on this machine")
    .option("--state <directory>", "where everything is kept", DEFAULT_STATE_DIRECTORY)
    .addOption(port("--temporal-port", "Temporal", USUAL_PORTS.temporal))
    .addOption(port("--ui-port", "Temporal's web UI", USUAL_PORTS.temporalUi))
    .addOption(port("--s3-port", "the S3 server", USUAL_PORTS.s3))
    .addOption(port("--emulator-port", "the emulator", USUAL_PORTS.emulator))
    .action(async (options: DevOptions) => {
      process.exitCode = await runDev(options, screenFor(process.stdout));
    });
}

async function runDev(options: DevOptions, screen: Screen): Promise<number> {
  const interruption = interruptible();
  const ports: StackPorts = {
    temporal: options.temporalPort,
    temporalUi: options.uiPort,
    s3: options.s3Port,
    emulator: options.emulatorPort,
  };
  screen.open("Tuneloop on this machine");
  let stack: Stack;
  try {
    stack = await startStack({
      stateDirectory: options.state,
      ports,
      environment: process.env,
      report: (line) => screen.line(line),
      signal: interruption.signal,
    });
  } catch (error) {
    if (interruption.signal.aborted) {
      screen.close("Stopped before everything had started.");
      return 0;
    }
    process.stderr.write(`${error instanceof StateInUseError ? inUse(error, options.state) : messageOf(error)}\n`);
    return 1;
  }
  screen.box("Running", [...describeStack(stack, options.state), "stop      Ctrl-C"]);
  const failure = await Promise.race([stack.failed, interruption.happened]);
  if (failure instanceof Error) process.stderr.write(`${failure.message}\n`);
  screen.line("Stopping; the worker finishes what it has begun. Once more ends it at once.");
  await stack.stop();
  screen.close("Stopped. The state stays where it is.");
  return failure instanceof Error ? 1 : 0;
}

/** The first signal asks for an orderly end; at the second one this process goes, and its watchdog ends the rest. */
function interruptible(): { signal: AbortSignal; happened: Promise<null> } {
  const controller = new AbortController();
  const { promise, resolve } = Promise.withResolvers<null>();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(1);
      controller.abort(new Error(`interrupted by ${name}`));
      resolve(null);
    });
  }
  return { signal: controller.signal, happened: promise };
}

/**
 * Where a running stack is, one line each, and how other tools are led there. `stateDirectory` is named to them as it is
 * given here, and not at all when it is the usual one.
 */
export function describeStack(
  { addresses, environment }: Pick<RunningStack, "addresses" | "environment">,
  stateDirectory: string,
): string[] {
  const state = resolve(stateDirectory);
  const option = state === resolve(DEFAULT_STATE_DIRECTORY) ? "" : ` --state ${shellWord(stateDirectory)}`;
  const rows: [string, string | null | undefined][] = [
    ["web UI", addresses.temporalUi],
    ["Temporal", addresses.temporal],
    ["S3", addresses.s3],
    ["bucket", environment["TUNELOOP_S3_URI"]?.replace(/\/$/, "")],
    ["emulator", addresses.emulator],
    ["state", state],
    ["logs", `${state}/logs`],
    ["tools", `eval "$(npx tuneloop env${option})"`],
  ];
  return rows.flatMap(([what, where]) => (where ? [`${what.padEnd(9)} ${where}`] : []));
}

/**
 * Throws when a stack runs, or is just starting, on this state directory. The message is for people: which process
 * holds it, what to do about it, and where the running stack is.
 */
export function refuseStateInUse(stateDirectory: string): void {
  try {
    checkStateIsFree(resolve(stateDirectory));
  } catch (error) {
    throw error instanceof StateInUseError ? new Error(inUse(error, stateDirectory), { cause: error }) : error;
  }
}

function inUse(error: StateInUseError, stateDirectory: string): string {
  const running = readRunningStack(stateDirectory);
  const where = running === null ? [] : describeStack(running, stateDirectory);
  return [`${error.message}; stop it, or choose another directory with --state`, ...where].join("\n  ");
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError("A port is a whole number from 0 to 65535; 0 takes any free one.");
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
