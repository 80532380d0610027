/** One stack per state directory. */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { identify, isRunning, processSchema, type ProcessIdentity } from "../emulator/processes.ts";

/** A state directory is held by another living process. */
export class StateInUseError extends Error {
  override readonly name = "StateInUseError";
  readonly holder: ProcessIdentity;

  constructor(stateDirectory: string, holder: ProcessIdentity) {
    super(`a stack already runs on ${stateDirectory} (process ${holder.pid})`);
    this.holder = holder;
  }
}

/**
 * Takes the lock of a state directory for this process and answers the function that gives it back. A lock whose
 * process is gone is taken over. Throws `StateInUseError` when another living process, or this one, holds it.
 */
export function lockState(stateDirectory: string): () => void {
  mkdirSync(stateDirectory, { recursive: true, mode: 0o700 });
  const self = identify(process.pid);
  if (self === null) throw new Error("cannot read the start time of this process");
  const lock = join(stateDirectory, "lock");
  const draft = join(stateDirectory, `lock.${self.pid}`);
  writeFileSync(draft, JSON.stringify(self));
  try {
    // A link appears whole or not at all: nobody ever reads a lock half written.
    while (!tryLink(draft, lock)) {
      checkStateIsFree(stateDirectory);
      setAsideStale(lock, join(stateDirectory, `lock.${self.pid}.stale`));
    }
  } finally {
    rmSync(draft);
  }
  return () => rmSync(lock, { force: true });
}

/** Throws `StateInUseError` when a living process holds this state directory. Changes nothing. */
export function checkStateIsFree(stateDirectory: string): void {
  const holder = readLock(join(stateDirectory, "lock"));
  if (holder !== null && isRunning(holder)) throw new StateInUseError(stateDirectory, holder);
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : null;
}

/** Null when there is no lock, or one that nobody can have written. */
function readLock(lock: string): ProcessIdentity | null {
  try {
    return processSchema.parse(JSON.parse(readFileSync(lock, "utf8")));
  } catch {
    return null;
  }
}

/** Of several processes that see the same stale lock one moves it away; a lock that is not stale any more goes back. */
function setAsideStale(lock: string, aside: string): void {
  try {
    renameSync(lock, aside);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return;
    throw error;
  }
  const moved = readLock(aside);
  if (moved !== null && isRunning(moved)) tryLink(aside, lock);
  rmSync(aside);
}
