import { Command, InvalidArgumentError } from "commander";
import { DEFAULT_TOKEN, type EmulatorOptions, startEmulator } from "../emulator/server.ts";

/**
 * `tuneloop emulator`: a local Anyscale in the foreground. Prints `{"url": ...}` on one line when it listens; SIGTERM or
 * SIGINT end it with its processes, exit code 0. When it cannot start, one line says why, exit code 1.
 */
export function emulatorCommand(): Command {
  return new Command("emulator")
    .description("run a local Anyscale: jobs and services as processes on this machine")
    .option("--port <number>", "port to listen on, 0 for a free one", parsePort, 9000)
    .option("--host <address>", "address to listen on; others than loopback need a token of your own", "127.0.0.1")
    .requiredOption("--state <directory>", "where jobs, services, uploads, logs and the ledger are kept")
    .option("--rollout-seconds <number>", "how long a rollout without a canary percent takes", parseSeconds, 2)
    .addHelpText("after", `\nThe API token is ANYSCALE_CLI_TOKEN; without it, ${DEFAULT_TOKEN}.`)
    .action(async (options: { port: number; host: string; state: string; rolloutSeconds: number }) => {
      const { port, host, state: stateDirectory } = options;
      await runEmulator({ port, host, stateDirectory, rolloutMs: options.rolloutSeconds * 1000 });
    });
}

async function runEmulator(options: Omit<EmulatorOptions, "token">): Promise<void> {
  const token = process.env["ANYSCALE_CLI_TOKEN"] || DEFAULT_TOKEN;
  try {
    const emulator = await startEmulator({ ...options, token });
    const stop = async () => {
      await emulator.stop();
      process.exit(0);
    };
    process.once("SIGTERM", () => void stop());
    process.once("SIGINT", () => void stop());
    process.stdout.write(`${JSON.stringify({ url: emulator.url })}\n`);
    // For people; a token of their own they know.
    if (process.stderr.isTTY) {
      const shown = token === DEFAULT_TOKEN ? ` ANYSCALE_CLI_TOKEN=${DEFAULT_TOKEN}` : "";
      process.stderr.write(`use it with ANYSCALE_HOST=${emulator.url}${shown}; Ctrl-C stops it and all that it runs\n`);
    }
  } catch (error) {
    process.stderr.write(`emulator: ${describe(error, options.port)}\n`);
    process.exitCode = 1;
  }
}

function describe(error: unknown, port: number): string {
  if (!(error instanceof Error)) return String(error);
  const isTaken = "code" in error && error.code === "EADDRINUSE";
  return isTaken ? `port ${port} is taken; choose another one with --port` : error.message;
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && seconds <= 86_400) return seconds;
  throw new InvalidArgumentError("a number of seconds from 0 to 86400");
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError("a port is a number from 0 to 65535");
}
