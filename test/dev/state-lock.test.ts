import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { identify, type ProcessIdentity } from "../../src/emulator/processes.ts";
import { lockState, StateInUseError } from "../../src/dev/state-lock.ts";

let directory: string;
let other: ChildProcess;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "tuneloop-lock-"));
  other = spawn(process.execPath, ["-e", "process.stdin.resume()"], { stdio: ["pipe", "ignore", "ignore"] });
  await once(other, "spawn");
});

afterEach(async () => {
  other.kill("SIGKILL");
  await rm(directory, { recursive: true });
});

function identityOf(child: ChildProcess): ProcessIdentity {
  const identity = identify(child.pid ?? 0);
  if (identity === null) throw new Error("the other process is not there");
  return identity;
}

function writeLock(content: unknown): void {
  writeFileSync(join(directory, "lock"), JSON.stringify(content));
}

describe("lockState", () => {
  it("refuses a directory that another living process holds, and names the process", () => {
    const holder = identityOf(other);
    writeLock(holder);
    expect(() => lockState(directory)).toThrow(StateInUseError);
    expect(() => lockState(directory)).toThrow(`a stack already runs on ${directory} (process ${holder.pid})`);
    expect(readdirSync(directory)).toEqual(["lock"]);
  });

  it("refuses a directory that this process holds, until it gives it back", () => {
    const unlock = lockState(directory);
    expect(() => lockState(directory)).toThrow(StateInUseError);
    unlock();
    lockState(directory)();
    expect(readdirSync(directory)).toEqual([]);
  });

  it("takes over the lock of a process that is gone", async () => {
    const holder = identityOf(other);
    writeLock(holder);
    other.kill("SIGKILL");
    await once(other, "exit");
    lockState(directory);
    expect(JSON.parse(readFileSync(join(directory, "lock"), "utf8"))).toEqual(identify(process.pid));
    expect(readdirSync(directory)).toEqual(["lock"]);
  });

  it("takes over a lock whose process number now belongs to another process", () => {
    writeLock({ ...identityOf(other), started: "long ago" });
    expect(lockState(directory)).toBeTypeOf("function");
  });

  it("takes over a lock that was cut off while it was written", () => {
    writeFileSync(join(directory, "lock"), '{"pid":');
    expect(lockState(directory)).toBeTypeOf("function");
  });
});
