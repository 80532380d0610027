/**
 * The program that ends the stack when `tuneloop dev` cannot do it itself any more (kill -9, out of memory). It is a
 * process of its own session that does nothing but read a pipe from its parent: JSON lines say which processes there
 * are. When the pipe closes without a "bye" the parent is dead, and everything it started is ended within 5 s.
 *
 * Usage: node watchdog.ts [emulator state directory]
 */
import { createInterface } from "node:readline";
import { z } from "zod";
import { endGroup, endRecordedProcesses, processSchema, type ProcessIdentity } from "../emulator/processes.ts";

/** What the parent tells the watchdog, one JSON object a line. */
export const watchdogMessageSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("watch"), process: processSchema }),
  z.object({ kind: z.literal("forget"), process: processSchema }),
  z.object({ kind: z.literal("bye") }),
]);
/** What the parent tells the watchdog. */
export type WatchdogMessage = z.infer<typeof watchdogMessageSchema>;

/** From SIGTERM to SIGKILL; leaves room within the promised 5 s for the emulator's processes, which take 2 s at most. */
const GRACE_MS = 1_500;

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
  await Promise.all([...watched.values()].map((identity) => endGroup(identity, GRACE_MS)));
  const emulatorState = process.argv[2];
  if (emulatorState !== undefined) await endRecordedProcesses(emulatorState);
}

await main();
