import { type ChildProcess, execFileSync, spawn, type SpawnOptions } from "node:child_process";
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Duplex } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";

/** How long a process group may take to end after SIGTERM before it is killed, in milliseconds. */
export const GRACE_MS = 2000;

/** How long the kernel may take to end a killed group, in milliseconds. */
const KILL_MS = 1000;

/** How often children that were made while their parents were killed are looked for again. */
const MAX_KILL_ROUNDS = 20;

/** A process that can be told from a later one with the same pid. `started` is opaque: machine boot and start time. */
export const processSchema = z.object({ pid: z.int().min(1), started: z.string() });
export type ProcessIdentity = z.infer<typeof processSchema>;

/** A process that leads its own group and session, so that it survives the emulator and can be ended as a whole. */
export interface Launched {
  identity: ProcessIdentity;
  /** File descriptor 3 of the process, both ways. */
  channel: Duplex;
  /** Called once, with the exit code, or null when a signal ended it. */
  onExit: (listener: (code: number | null) => void) => void;
}

/** Identity of a running process; null when there is none of this pid, or only its remains (a zombie). */
export function identify(pid: number): ProcessIdentity | null {
  if (process.platform !== "linux") return identifyByPs(pid);
  const stat = readStat(pid);
  return stat?.lives ? { pid, started: stat.started } : null;
}

/** What Linux knows of a process or its remains; null when there is neither. */
function readStat(pid: number | string): { lives: boolean; group: number; started: string } | null {
  try {
    // The command name, in parentheses, may itself hold blanks and parentheses.
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = text.replace(/^.*\) /s, "").split(" ");
    const [state, group, started] = [fields[0], fields[2], fields[19]];
    if (started === undefined) return null;
    return { lives: state !== "Z" && state !== "X", group: Number(group), started: `${bootId()}/${started}` };
  } catch {
    return null;
  }
}

/** Identity of a child just started, which may have ended already: its remains are there until its exit is heard. */
function identifyChild(pid: number): ProcessIdentity | null {
  if (process.platform !== "linux") return identifyByPs(pid);
  const stat = readStat(pid);
  return stat === null ? null : { pid, started: stat.started };
}

function identifyByPs(pid: number): ProcessIdentity | null {
  try {
    const started = execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim();
    return started === "" ? null : { pid, started };
  } catch {
    return null;
  }
}

let knownBootId: string | undefined;

/** Start times count from the boot: without its id, a pid could seem to live on over a reboot. */
function bootId(): string {
  knownBootId ??= readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  return knownBootId;
}

/** Whether exactly this process still runs. */
export function isRunning(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.started === identity.started;
}

/** Environment variable that a marked process and all its descendants carry; see {@link killMarked}. */
const MARK = "TUNELOOP_EMULATOR_PROCESS";

/**
 * Starts a process in its own group, output appended to `logFile`. With a `mark`, {@link killMarked} finds what it leaves.
 * Throws when it cannot be started.
 */
export function launch(
  command: readonly [string, ...string[]],
  options: { cwd: string; env: NodeJS.ProcessEnv; logFile: string; mark?: string },
): Launched {
  const log = openSync(options.logFile, "a");
  try {
    const [file, ...args] = command;
    const { cwd } = options;
    const env = options.mark === undefined ? options.env : { ...options.env, [MARK]: options.mark };
    const child = spawned(file, args, { cwd, env, detached: true, stdio: ["ignore", log, log, "pipe"] });
    // Without a pid there is no process; the error is thrown below.
    child.on("error", () => undefined);
    const channel: unknown = child.stdio[3];
    const identity = child.pid === undefined ? null : identifyChild(child.pid);
    if (identity === null || !(channel instanceof Duplex)) throw new Error(`${file} could not be started in ${cwd}`);
    // A broken channel is the process's end, which is heard of by its exit.
    channel.on("error", () => undefined);
    return { identity, channel, onExit: (listener) => void child.once("exit", listener) };
  } finally {
    closeSync(log);
  }
}

/** Node's own error would quote the argument or variable that it refuses, which may be a secret. */
function spawned(file: string, args: string[], options: SpawnOptions): ChildProcess {
  try {
    return spawn(file, args, options);
  } catch {
    throw new Error(`${file} cannot be started with these arguments and this environment`);
  }
}

/**
 * Ends what is left of a group whose leader has just exited. Only for that moment: the group's number cannot belong to
 * another group while a member lives, and is free for reuse after.
 */
export function killRemains(pid: number): void {
  signalGroup(pid, "SIGKILL");
}

/**
 * Kills what marked processes left in groups or sessions of their own, which the end of a group does not reach. Only what
 * dropped its environment stays. Linux only: elsewhere it does nothing.
 */
export function killMarked(...marks: string[]): void {
  if (process.platform !== "linux" || marks.length === 0) return;
  const wanted = new Set<string | null>(marks);
  // Once more after the last one, for children made meanwhile.
  for (let round = 0, found = true; found && round < MAX_KILL_ROUNDS; round++) {
    const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && wanted.has(markOf(name)));
    found = pids.length > 0;
    for (const pid of pids) signal(Number(pid), "SIGKILL");
  }
}

/** The mark that a process was started with; null for none, for remains, and for processes of other users. */
function markOf(pid: string): string | null {
  try {
    const entries = readFileSync(`/proc/${pid}/environ`, "latin1").split("\0");
    return entries.find((entry) => entry.startsWith(`${MARK}=`))?.slice(MARK.length + 1) ?? null;
  } catch {
    return null;
  }
}

/** Ends a process and its whole group: SIGTERM, then SIGKILL after `graceMs`; they are gone when it resolves. A recycled pid is left alone. */
export async function endGroup(identity: ProcessIdentity, graceMs = GRACE_MS): Promise<void> {
  if (!isRunning(identity)) return;
  signalGroup(identity.pid, "SIGTERM");
  if (await groupEnds(identity.pid, graceMs)) return;
  signalGroup(identity.pid, "SIGKILL");
  await groupEnds(identity.pid, KILL_MS);
}

async function groupEnds(pid: number, withinMs: number): Promise<boolean> {
  const deadline = Date.now() + withinMs;
  while (groupLives(pid)) {
    if (Date.now() >= deadline) return false;
    await delay(10);
  }
  return true;
}

/**
 * Ends every process that an emulator left recorded below its state directory, with its group, within about 2 s; answers
 * how many there were. For when the emulator itself was killed: a running one would start them again.
 */
export async function endRecordedProcesses(stateDirectory: string): Promise<number> {
  const recorded = ["jobs", "services"]
    .map((kind) => join(stateDirectory, kind))
    .filter((directory) => existsSync(directory))
    .flatMap((directory) => readdirSync(directory).map((file) => join(directory, file)))
    .filter((path) => path.endsWith(".json"))
    .flatMap((path) => recordedProcesses(JSON.parse(readFileSync(path, "utf8"))));
  const running = recorded.map((record) => record.process).filter(isRunning);
  await Promise.all(running.map((identity) => endGroup(identity)));
  killMarked(...recorded.map(({ id }) => id));
  return running.length;
}

const recordedSchema = z.object({ id: z.string(), process: processSchema });

/** What in a job's or service's record has a `process`, wherever it stands; its id is its mark. */
function recordedProcesses(value: unknown): z.infer<typeof recordedSchema>[] {
  if (typeof value !== "object" || value === null) return [];
  const inner = Object.values(value).flatMap(recordedProcesses);
  const recorded = recordedSchema.safeParse(value);
  return recorded.success ? [recorded.data, ...inner] : inner;
}

/** Whether a member of the group lives. Remains do not count: in a container nobody may ever collect them. */
function groupLives(pid: number): boolean {
  if (!signalGroup(pid, 0)) return false;
  if (process.platform !== "linux" || readStat(pid)?.lives) return true;
  return readdirSync("/proc").some((name) => {
    const stat = /^\d+$/.test(name) ? readStat(name) : null;
    return stat !== null && stat.lives && stat.group === pid;
  });
}

/** Whether there was a group to signal. */
function signalGroup(pid: number, name: NodeJS.Signals | 0): boolean {
  return signal(-pid, name);
}

function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false;
  }
}
