/** One server of the stack, supervised: started, started again when it dies, stopped. */
import { setTimeout as delay } from "node:timers/promises";
import { endGroup } from "../emulator/processes.ts";
import { launchServer, logTail, type LaunchedServer, type ServerSpec } from "./launch.ts";
import type { Report } from "./report.ts";
import type { Watchdog } from "./watchdog-link.ts";

/** A server that is kept running. */
export interface Child {
  name: string;
  /** Its process id of now; null between a death and the next start. */
  pid(): number | null;
  /** Ends it for good: SIGTERM, after its grace SIGKILL. Resolves when it is gone. */
  stop(): Promise<void>;
}

/** What a child needs of its stack. */
export interface Supervision {
  report: Report;
  watchdog: Watchdog;
  /** Aborted when the whole start is given up. */
  cancel: AbortSignal;
  /** Called once when a child died so often that it is not started again. */
  gaveUp(error: Error): void;
}

/** A child that lives longer than this has recovered: earlier deaths are forgotten. */
const STABLE_MS = 10_000;
const MAX_QUICK_DEATHS = 5;

/**
 * Starts a server and resolves once it is ready; throws when it does not get there. From then on it is started again
 * with the same arguments, so on the same ports, whenever it dies, with growing pauses (0.2 s to 3.2 s); after five
 * quick deaths in a row it is given up.
 */
export async function superviseChild(spec: ServerSpec, supervision: Supervision): Promise<Child> {
  const { report, watchdog } = supervision;
  const stopping = new AbortController();
  let current: LaunchedServer | null = await launchServer(spec, watchdog, supervision.cancel);

  async function keepRunning(first: LaunchedServer): Promise<void> {
    let launched = first;
    let quickDeaths = 0;
    for (;;) {
      const readyAt = Date.now();
      const cause = await launched.ended;
      current = null;
      if (stopping.signal.aborted) return;
      if (Date.now() - readyAt > STABLE_MS) quickDeaths = 0;
      report(`${spec.name} died (${cause}), starting it again`);
      let next: LaunchedServer | null = null;
      while (next === null) {
        quickDeaths += 1;
        if (quickDeaths > MAX_QUICK_DEATHS) {
          throw new Error(`${spec.name} died ${quickDeaths} times in a row, giving up\n${logTail(spec.logFile)}`);
        }
        await delay(100 * 2 ** quickDeaths, undefined, { signal: stopping.signal });
        next = await launchServer(spec, watchdog, stopping.signal).catch((error: unknown) => {
          if (stopping.signal.aborted) throw error;
          report(error instanceof Error ? error.message : String(error));
          return null;
        });
      }
      launched = next;
      current = launched;
      report(`${spec.name} is back`);
    }
  }

  const supervisor = keepRunning(current).catch((error: unknown) => {
    if (!stopping.signal.aborted) supervision.gaveUp(error instanceof Error ? error : new Error(String(error)));
  });
  return {
    name: spec.name,
    pid: () => current?.identity.pid ?? null,
    async stop() {
      stopping.abort(new Error(`${spec.name} is being stopped`));
      if (current !== null) await endGroup(current.identity, spec.graceMs);
      await supervisor;
    },
  };
}
