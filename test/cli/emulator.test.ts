import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aDirectory, aJob, cleanUp, inState, spawnEmulator } from "../support/emulator.ts";

let state: string;
beforeEach(() => {
  state = aDirectory();
});
afterEach(async () => {
  await cleanUp(state);
});

/** Runs the command to its end. */
async function run(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const program = new URL("../support/emulator-process.ts", import.meta.url).pathname;
  const { ANYSCALE_CLI_TOKEN: _token, ...env } = process.env;
  const child = spawn(process.execPath, [program, ...args], { env });
  const [stdout, stderr]: string[][] = [[], []];
  child.stdout.on("data", (data: Buffer) => stdout?.push(data.toString()));
  child.stderr.on("data", (data: Buffer) => stderr?.push(data.toString()));
  const code = await new Promise<number | null>((done) => child.once("close", done));
  return { code, stdout: stdout?.join("") ?? "", stderr: stderr?.join("") ?? "" };
}

describe("emulatorCommand", () => {
  it("says its URL in one JSON line, and ends itself and its jobs on SIGTERM with code 0", async () => {
    const emulator = await spawnEmulator(state);
    expect(emulator.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const job = await emulator.client.jobs.submit(aJob({ entrypoint: "sleep 300" }));
    await inState(emulator, job.id, "RUNNING");
    const code = new Promise((done) => emulator.child.once("exit", done));
    emulator.child.kill("SIGTERM");
    expect(await code).toBe(0);
  });

  it("fails with one clear line when the port is taken or the state is in use", async () => {
    const emulator = await spawnEmulator(state);
    const other = aDirectory();
    const taken = await run("--port", new URL(emulator.url).port, "--state", other);
    expect(taken).toEqual({
      code: 1,
      stdout: "",
      stderr: `emulator: port ${new URL(emulator.url).port} is taken; choose another one with --port\n`,
    });
    const used = await run("--port", "0", "--state", state);
    expect([used.code, used.stdout]).toEqual([1, ""]);
    expect(used.stderr).toMatch(/^emulator: .* is in use by the emulator with process id \d+; .*\n$/);
    await emulator.kill();
    rmSync(other, { recursive: true });
  });

  it.each([
    [["--port", "http", "--state", "x"], "a port is a number"],
    [["--port", "0"], "--state"],
    [["--port", "0", "--state", "x", "--rollout-seconds", "-1"], "a number of seconds from 0 to 86400"],
    [["--port", "0", "--host", "0.0.0.0", "--state", "/nonexistent/x"], "ANYSCALE_CLI_TOKEN"],
    [["--port", "0", "--state", "/dev/null"], "/dev/null cannot be the state directory"],
  ])("refuses %j", async (args, why) => {
    const { code, stderr } = await run(...args);
    expect([code, stderr]).toEqual([1, expect.stringContaining(why)]);
  });
});
