/** Commands as people run them: their output and how they end. */
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { once } from "node:events";
import { join } from "node:path";

/** The `tuneloop` command of this checkout. */
export const TUNELOOP = join(import.meta.dirname, "..", "..", "src", "cli", "tuneloop.js");

/** How a command ended. */
export interface CommandResult {
  /** Exit code; null when a signal ended it. */
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end, whichever that is. */
export async function runCommand(
  program: string,
  args: readonly string[],
  options: { environment: NodeJS.ProcessEnv; directory?: string },
): Promise<CommandResult> {
  const child = spawn(program, args, {
    env: options.environment,
    stdio: ["ignore", "pipe", "pipe"],
    ...(options.directory === undefined ? {} : { cwd: options.directory }),
  });
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { code: typeof code === "number" ? code : null, stdout, stderr };
}
