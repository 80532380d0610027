/** How other commands in the same directory find the running stack: `stack.json` in its state directory. */
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { isRunning, processSchema } from "../emulator/processes.ts";

const stackFileSchema = z.object({
  process: processSchema,
  addresses: z.object({
    temporal: z.string().nullable(),
    temporalUi: z.string().nullable(),
    s3: z.string().nullable(),
    emulator: z.string().nullable(),
  }),
  environment: z.record(z.string(), z.string()),
});
/** A running stack as others see it: who holds it, where its servers are, and the environment that leads there. */
export type RunningStack = z.infer<typeof stackFileSchema>;
/** Where the servers are; null for one that is not part of the stack. Temporal as `host:port`, the others as URLs. */
export type StackAddresses = RunningStack["addresses"];

/** The stack that runs on this state directory; null when none does. */
export function readRunningStack(stateDirectory: string): RunningStack | null {
  let text: string;
  try {
    text = readFileSync(stackFile(stateDirectory), "utf8");
  } catch {
    return null;
  }
  const stack = stackFileSchema.parse(JSON.parse(text));
  return isRunning(stack.process) ? stack : null;
}

/** The stack that runs on this state directory, or else the demo's, which lies within; null when neither does. */
export function findRunningStack(stateDirectory: string): RunningStack | null {
  return readRunningStack(stateDirectory) ?? readRunningStack(demoDirectory(stateDirectory));
}

/** Where the demo's state lies, within that of the local stack. */
export function demoDirectory(stateDirectory: string): string {
  return join(stateDirectory, "demo");
}

/** Publishes a stack; readable by its owner only, because the environment holds credentials. */
export function publishStack(stateDirectory: string, stack: RunningStack): void {
  const draft = `${stackFile(stateDirectory)}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(stack, null, 2), { mode: 0o600 });
  renameSync(draft, stackFile(stateDirectory));
}

/** Takes the publication back. */
export function withdrawStack(stateDirectory: string): void {
  rmSync(stackFile(stateDirectory), { force: true });
}

/**
 * `base` with a stack's environment laid over it. Of a system that the stack names, every variable of `base` goes: a
 * session token or a TLS setting left over from another account would be sent to the local server.
 */
export function withStackEnvironment(base: NodeJS.ProcessEnv, stack: Record<string, string>): Record<string, string> {
  const systems = ["TEMPORAL_", "AWS_", "ANYSCALE_"].filter((prefix) =>
    Object.keys(stack).some((name) => name.startsWith(prefix)),
  );
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(base)) {
    if (value !== undefined && !systems.some((prefix) => name.startsWith(prefix))) kept[name] = value;
  }
  return { ...kept, ...stack };
}

function stackFile(stateDirectory: string): string {
  return join(stateDirectory, "stack.json");
}
