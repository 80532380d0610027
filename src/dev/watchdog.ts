/**
 * The program that ends the stack when `tuneloop dev` cannot do it itself any more (kill -9, out of memory). It is a
 * process of its own session that does nothing but read a pipe from its parent: JSON lines say which processes there
 * are. When the pipe closes without a "bye" the parent is dead, and everything it started is ended within 5 s.
 *
 * Usage: node watchdog.ts [emulator state directory]
 */
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { isAlive, processIdentitySchema, signalGroup, type ProcessIdentity } from "./process-identity.ts";

/** What the parent tells the watchdog, one JSON object a line. */
export const watchdogMessageSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("watch"), process: processIdentitySchema }),
  z.object({ kind: z.literal("forget"), process: processIdentitySchema }),
  z.object({ kind: z.literal("bye") }),
]);
/** What the parent tells the watchdog. */
export type WatchdogMessage = z.infer<typeof watchdogMessageSchema>;

/** From SIGTERM to SIGKILL; leaves room for the rest within the promised 5 s. */
const GRACE_MS = 2_000;

async function endAll(processes: ProcessIdentity[]): Promise<void> {
  for (const identity of processes) signalGroup(identity, "SIGTERM");
  const deadline = Date.now() + GRACE_MS;
  while (processes.some(isAlive) && Date.now() < deadline) await delay(50);
  for (const identity of processes) signalGroup(identity, "SIGKILL");
}

async function main(): Promise<void> {
  // A Ctrl-C or a closing terminal reaches the parent too; only the pipe decides.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
  const watched = new Map<number, ProcessIdentity>();
  for await (const line of createInterface({ input: process.stdin })) {
    const message = watchdogMessageSchema.parse(JSON.parse(line));
    if (message.kind === "bye") return;
    if (message.kind === "watch") watched.set(message.process.pid, message.process);
    else watched.delete(message.process.pid);
  }
  await endAll([...watched.values()]);
  const emulatorState = process.argv[2];
  if (emulatorState !== undefined) {
    const { endRecordedProcesses } = await import("../emulator/processes.ts");
    await endRecordedProcesses(emulatorState);
  }
}

await main();
