import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  endGroup,
  endRecordedProcesses,
  identify,
  isRunning,
  killMarked,
  launch,
} from "../../src/emulator/processes.ts";
import { aDirectory, until } from "../support/emulator.ts";

let cwd: string;
beforeEach(() => {
  cwd = aDirectory();
});
afterEach(() => {
  rmSync(cwd, { recursive: true });
});

const start = (script: string) =>
  launch(["/bin/sh", "-c", script], { cwd, env: process.env, logFile: join(cwd, "log") });

describe("launch", () => {
  it("throws when there is no such program or directory", () => {
    expect(() => launch(["/no/such/program"], { cwd, env: {}, logFile: join(cwd, "log") })).toThrow(
      "could not be started",
    );
    expect(() => launch(["/bin/sh"], { cwd: "/no/such", env: {}, logFile: join(cwd, "log") })).toThrow("/no/such");
  });
});

describe("launch with a value that no process can have", () => {
  it("throws without the value", () => {
    const start = () => launch(["true"], { cwd, env: { SECRET: "s3cr3t\0" }, logFile: join(cwd, "log") });
    expect(start).toThrow(expect.objectContaining({ message: expect.not.stringContaining("s3cr3t") }));
  });
});

describe("endGroup", () => {
  it("ends a process that ignores SIGTERM and its children, and has ended them when it resolves", async () => {
    const { identity } = start(`trap "" TERM; sleep 300 & while :; do sleep 0.05; done`);
    await endGroup(identity, 50);
    expect(isRunning(identity)).toBe(false);
  });

  it("leaves a process alone that only has the pid", async () => {
    const { identity } = start("exec sleep 300");
    const other = { ...identity, started: "another boot/1" };
    expect([isRunning(identity), isRunning(other)]).toEqual([true, false]);
    await endGroup(other, 0);
    expect(isRunning(identity)).toBe(true);
    await endGroup(identity);
  });

  it("does nothing about a process that is gone", async () => {
    const { identity, onExit } = start("exit 0");
    await new Promise<void>((done) => onExit(() => done()));
    await endGroup(identity);
    expect(identify(identity.pid)).toBeNull();
  });
});

describe.runIf(process.platform === "linux")("killMarked", () => {
  /** Starts a process that leaves its group, and answers the pid of what it left behind. */
  async function stray(mark: string): Promise<number> {
    const file = join(cwd, mark);
    const script = `setsid sh -c 'echo $$ > ${file}; exec sleep 300' & until test -s ${file}; do sleep 0.01; done`;
    const options = { cwd, env: process.env, logFile: join(cwd, "log"), mark };
    const { onExit } = launch(["/bin/sh", "-c", script], options);
    await new Promise<void>((done) => onExit(() => done()));
    return Number(readFileSync(file, "utf8"));
  }

  it("kills what a marked process left in a session of its own, and nothing else", async () => {
    const [mine, other] = [await stray("job_mine"), await stray("job_mine_too")];
    expect([identify(mine), identify(other)]).toEqual([expect.anything(), expect.anything()]);
    killMarked("job_mine");
    await until("its end", () => identify(mine) === null);
    expect(identify(other)).not.toBeNull();
    killMarked("job_mine_too");
    await until("the other's end", () => identify(other) === null);
  });
});

describe("endRecordedProcesses", () => {
  it("has nothing to do in a directory without a state", async () => {
    expect(await endRecordedProcesses(join(cwd, "none"))).toBe(0);
  });
});
