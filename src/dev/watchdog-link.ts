/** The parent's end of the pipe to the watchdog process, and the record of what a stack started. */
import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { devModulePath } from "./package-files.ts";
import { endGroup, identify, isRunning, processSchema, type ProcessIdentity } from "../emulator/processes.ts";
import type { WatchdogMessage } from "./watchdog.ts";

/** A running watchdog; ends every watched process group within 5 s of this process's death. */
export interface Watchdog {
  /** From now on the group of this process ends with us. */
  watch(process: ProcessIdentity): void;
  /** This process has ended. */
  forget(process: ProcessIdentity): void;
  /** Dismisses the watchdog; what it watched is left alone. */
  dismiss(): Promise<void>;
}

const recordSchema = z.object({
  watchdog: processSchema.nullable(),
  children: z.array(processSchema),
});

/** A watchdog needs 5 s at most, a busy machine some more. */
const WATCHDOG_PATIENCE_MS = 15_000;
/** How long the kernel may take to end what was killed. */
const LEFTOVER_PATIENCE_MS = 5_000;

/**
 * Starts a watchdog for the stack on `stateDirectory`. With `emulatorState` (a state directory of the emulator) it
 * also ends the jobs and service versions that the emulator recorded there. A watchdog that is killed is replaced.
 */
export function startWatchdog(stateDirectory: string, emulatorState: string | null): Watchdog {
  const watched = new Map<number, ProcessIdentity>();
  let dismissed = false;
  let child = launch();

  function launch(): ChildProcess {
    const args = [devModulePath("watchdog"), ...(emulatorState === null ? [] : [emulatorState])];
    const launched = spawn(process.execPath, args, { stdio: ["pipe", "ignore", "ignore"], detached: true });
    launched.unref();
    // A write to a watchdog that has just died must not take this process down with it.
    launched.stdin?.on("error", () => {});
    launched.on("error", () => {});
    launched.on("exit", () => {
      if (dismissed) return;
      child = launch();
      for (const identity of watched.values()) tell({ kind: "watch", process: identity });
      record();
    });
    return launched;
  }

  function tell(message: WatchdogMessage): void {
    child.stdin?.write(`${JSON.stringify(message)}\n`);
  }

  function record(): void {
    const watchdog = child.pid === undefined ? null : identify(child.pid);
    const draft = `${recordFile(stateDirectory)}.${process.pid}`;
    writeFileSync(draft, JSON.stringify({ watchdog, children: [...watched.values()] }));
    renameSync(draft, recordFile(stateDirectory));
  }

  return {
    watch(identity) {
      watched.set(identity.pid, identity);
      tell({ kind: "watch", process: identity });
      record();
    },
    forget(identity) {
      watched.delete(identity.pid);
      tell({ kind: "forget", process: identity });
      record();
    },
    async dismiss() {
      dismissed = true;
      const running = child.exitCode === null && child.signalCode === null && child.pid !== undefined;
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.stdin?.end(`${JSON.stringify({ kind: "bye" } satisfies WatchdogMessage)}\n`);
      child.ref();
      if (running) await ended;
      rmSync(recordFile(stateDirectory), { force: true });
    },
  };
}

/**
 * Ends what an earlier stack on this directory left behind: waits for its watchdog to do so, then does it itself. Two
 * servers must never work on the same files. To be called with the lock of the directory held.
 */
export async function endLeftovers(stateDirectory: string): Promise<void> {
  let text: string;
  try {
    text = readFileSync(recordFile(stateDirectory), "utf8");
  } catch {
    return;
  }
  const { watchdog, children } = recordSchema.parse(JSON.parse(text));
  const gone = async (processes: ProcessIdentity[], timeoutMs: number): Promise<void> => {
    const deadline = Date.now() + timeoutMs;
    while (processes.some(isRunning) && Date.now() < deadline) await delay(50);
  };
  if (watchdog !== null) await gone([watchdog], WATCHDOG_PATIENCE_MS);
  await Promise.all(children.map((child) => endGroup(child)));
  await gone(children, LEFTOVER_PATIENCE_MS);
  rmSync(recordFile(stateDirectory), { force: true });
}

function recordFile(stateDirectory: string): string {
  return join(stateDirectory, "processes.json");
}
