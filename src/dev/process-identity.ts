/**
 * A process id alone says little: the kernel hands it out again. Together with the time the process started it names
 * one process for ever, which is what locks and the watchdog need before they judge or signal anything.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { z } from "zod";

/** One process, not just its number. */
export const processIdentitySchema = z.object({
  pid: z.number().int().positive(),
  /** Opaque; equal for equal processes on one machine. */
  startTime: z.string().min(1),
});
/** One process, not just its number. */
export type ProcessIdentity = z.infer<typeof processIdentitySchema>;

/** Names the running process `pid`; null when there is none, or only a zombie is left of it. */
export function identify(pid: number): ProcessIdentity | null {
  const startTime = process.platform === "linux" ? startTimeFromProc(pid) : startTimeFromPs(pid);
  return startTime === null ? null : { pid, startTime };
}

/** Whether exactly this process still runs. */
export function isAlive(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.startTime === identity.startTime;
}

/** Sends a signal to the process group that this process leads; does nothing when the process is gone. */
export function signalGroup(identity: ProcessIdentity, signal: NodeJS.Signals): void {
  if (!isAlive(identity)) return;
  try {
    process.kill(-identity.pid, signal);
  } catch {
    // It ended between the look and the signal.
  }
}

function startTimeFromProc(pid: number): string | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return null;
  }
  // The command name (field 2) may itself hold spaces and brackets; fields are counted from its closing one.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" || fields[0] === "X" ? null : (fields[19] ?? null);
}

function startTimeFromPs(pid: number): string | null {
  const { stdout } = spawnSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], { encoding: "utf8" });
  const line = (stdout ?? "").trim();
  const separator = line.indexOf(" ");
  return separator < 0 || line.startsWith("Z") ? null : line.slice(separator).trim();
}
