/** One start of one server: its process, its log, and the wait until it answers. */
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { endGroup, identify, type ProcessIdentity } from "../emulator/processes.ts";
import type { Watchdog } from "./watchdog-link.ts";

/** What to run, and how to know that it works. */
export interface ServerSpec {
  /** For people and for the log file's name. */
  name: string;
  command: string;
  args: string[];
  environment: NodeJS.ProcessEnv;
  /** Standard output and error are appended here; above 10 MB the file is set aside as `.1` at a start. */
  logFile: string;
  /**
   * Resolves when the server answers; called anew at each start, aborted when the process ends or time is up.
   * `output` gives what this start of the process has written so far.
   */
  ready(signal: AbortSignal, output: () => string): Promise<void>;
  /** Milliseconds from SIGTERM to SIGKILL when it is stopped. */
  graceMs: number;
}

/** A process that was seen to answer. */
export interface LaunchedServer {
  identity: ProcessIdentity;
  /** Resolves with the cause, for people, when the process has ended. */
  ended: Promise<string>;
}

const READY_TIMEOUT_MS = 60_000;
const MAX_LOG_BYTES = 10_000_000;

/**
 * Starts the process in a group of its own and resolves once it is ready. When it does not get there, or `cancel` is
 * aborted, it is ended and this throws with the cause and the end of its log.
 */
export async function launchServer(spec: ServerSpec, watchdog: Watchdog, cancel: AbortSignal): Promise<LaunchedServer> {
  cancel.throwIfAborted();
  const { fd, offset } = openLog(spec.logFile);
  // Its own process group: a Ctrl-C in the terminal must reach only us, so that the stack stops in order.
  const child = spawn(spec.command, spec.args, {
    env: spec.environment,
    stdio: ["ignore", fd, fd],
    detached: true,
  });
  closeSync(fd);
  const identity = child.pid === undefined ? null : identify(child.pid);
  if (identity !== null) watchdog.watch(identity);
  const death = new AbortController();
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
  }).then((cause) => {
    if (identity !== null) watchdog.forget(identity);
    death.abort(new Error(`it ended at once (${cause})`));
    return cause;
  });
  const signal = AbortSignal.any([cancel, death.signal, AbortSignal.timeout(READY_TIMEOUT_MS)]);
  try {
    await spec.ready(signal, () => readFileSync(spec.logFile).subarray(offset).toString("utf8"));
    signal.throwIfAborted();
    if (identity === null) throw new Error("it ended at once");
    return { identity, ended };
  } catch (error) {
    if (identity !== null) await endGroup(identity, 0);
    await ended;
    const reason: unknown = signal.aborted ? signal.reason : error;
    const text = reason instanceof Error ? reason.message : String(reason);
    throw new Error(`${spec.name} did not start: ${text}\n${logTail(spec.logFile)}`, { cause: error });
  }
}

/** The last lines of a log file, indented, for an error message. */
export function logTail(logFile: string): string {
  const lines = readFileSync(logFile, "utf8").trimEnd().split("\n").slice(-5);
  return `  last lines of ${logFile}:\n${lines.map((line) => `    ${line}`).join("\n")}`;
}

function openLog(logFile: string): { fd: number; offset: number } {
  mkdirSync(dirname(logFile), { recursive: true });
  const size = statSync(logFile, { throwIfNoEntry: false })?.size ?? 0;
  if (size > MAX_LOG_BYTES) renameSync(logFile, `${logFile}.1`);
  // Readable by its owner only: a server may write what its user would not publish.
  return { fd: openSync(logFile, "a", 0o600), offset: size > MAX_LOG_BYTES ? 0 : size };
}
