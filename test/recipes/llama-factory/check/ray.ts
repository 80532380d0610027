/** A Ray cluster of this machine alone, that takes itself for one with a GPU: Ray counts them and does not look. */
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { until } from "../../../support/emulator.ts";

const START_TIMEOUT_MS = 120_000;

/** A running cluster. */
export interface RayCluster {
  /** Ends it, and all that runs on it. */
  stop(): Promise<void>;
}

function endGroup(leader: number): void {
  try {
    process.kill(-leader, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

/** Starts a cluster whose machine has this environment; resolves when jobs with the same `RAY_TMPDIR` can reach it. */
export async function startRay(bin: string, directory: string, env: NodeJS.ProcessEnv): Promise<RayCluster> {
  const logFile = join(directory, "ray.log");
  const log = openSync(logFile, "a");
  const args = [
    "start",
    "--head",
    "--block",
    "--num-cpus=8",
    "--num-gpus=1",
    "--port=0",
    "--include-dashboard=false",
    "--disable-usage-stats",
  ];
  const child = spawn(join(bin, "ray"), args, { env, stdio: ["ignore", log, log], detached: true });
  closeSync(log);
  let exit: string | null = null;
  const ended = new Promise<void>((resolve) => {
    child.once("exit", (code, signal) => {
      exit = `Ray ended with ${signal ?? code}`;
      resolve();
    });
    child.once("error", (error) => {
      exit = error.message;
      resolve();
    });
  });
  const stop = async () => {
    // Ray's own command ends the others, in order; what it leaves is ended by its group.
    child.kill("SIGTERM");
    const killed = setTimeout(() => child.kill("SIGKILL"), 15_000);
    await ended;
    clearTimeout(killed);
    if (child.pid !== undefined) endGroup(child.pid);
  };
  try {
    await until(
      "the start of Ray",
      async () => {
        const text = await readFile(logFile, "utf8");
        if (exit !== null) throw new Error(`${exit}:\n${text.slice(-2000)}`);
        return text.includes("Ray runtime started");
      },
      START_TIMEOUT_MS,
    );
  } catch (error) {
    await stop();
    throw error;
  }
  return { stop };
}
