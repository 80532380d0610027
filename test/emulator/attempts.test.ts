import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { strToU8, zipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { identify } from "../../src/emulator/processes.ts";
import { callApi, runJob, upload } from "../support/emulator-api.ts";
import { aDirectory, ended, startTestEmulator, until } from "../support/emulator.ts";
import { aPackage, hasPython } from "../support/python.ts";

let emulator: Awaited<ReturnType<typeof startTestEmulator>>;
beforeAll(async () => {
  emulator = await startTestEmulator();
});
afterAll(async () => {
  await emulator.stop();
});

describe.skipIf(!hasPython)("Attempts", () => {
  it("installs them once for jobs that want them at the same time, in an environment that is first in PATH", async () => {
    const source = aPackage("tuneloop_greeting", "hello from the requirement");
    const builds = join(source, "builds");
    const config = {
      entrypoint: `python -c "import tuneloop_greeting, sys; print(tuneloop_greeting.WORD, sys.prefix != sys.base_prefix)"`,
      runtime_env: { pip: [`--no-index`, source] },
    };
    const logs = await Promise.all([runJob(emulator, config), runJob(emulator, config), runJob(emulator, config)]);
    for (const { lines } of logs) expect(lines.at(-1)).toBe("hello from the requirement True");
    expect(logs.filter(({ lines }) => lines.includes("[emulator] installing the requirements"))).toHaveLength(1);
    expect(readFileSync(builds, "utf8")).toBe("built\n");
    rmSync(source, { recursive: true });
  }, 90_000);

  it("fails the attempt with pip's own words when pip fails, and does not run the entrypoint", async () => {
    const { lines, state, error } = await runJob(emulator, {
      runtime_env: { pip: ["--no-index", "tuneloop-no-such-package"] },
    });
    expect([state, error]).toEqual(["OUT_OF_RETRIES", "attempt 1 of 1: the requirements could not be installed"]);
    expect(lines.join("\n")).toContain("No matching distribution found for tuneloop-no-such-package");
    expect(lines).not.toContain("ran");
  }, 60_000);

  it("counts the installation against timeout_s", async () => {
    const source = aPackage("tuneloop_late", "too late");
    writeFileSync(join(source, "slow"), "");
    const { error } = await runJob(emulator, { timeout_s: 1, runtime_env: { pip: ["--no-index", source] } });
    expect(error).toBe("attempt 1 of 1: ended after timeout_s=1");
    rmSync(source, { recursive: true });
  });

  it("kills pip with all that it started when the job is terminated, and starts anew for the next", async () => {
    const source = aPackage("tuneloop_slow", "at last");
    writeFileSync(join(source, "slow"), "");
    const runtimeEnv = { pip: ["--no-index", source] };
    const config = { entrypoint: "python -c 'import tuneloop_slow as t; print(t.WORD)'", runtime_env: runtimeEnv };
    const answer = await callApi(emulator.url, "POST", "/api/v2/decorated_ha_jobs/create", { name: "n", config });
    const pid = Number(await until("the build", () => readIfThere(join(source, "pid")), 60_000));
    await emulator.client.jobs.terminate(String(answer.result["id"]));
    expect((await ended(emulator, String(answer.result["id"]))).state.current_state).toBe("TERMINATED");
    expect(isRunning(pid)).toBe(false);
    rmSync(join(source, "slow"));
    expect((await runJob(emulator, config)).lines.at(-1)).toBe("at last");
    rmSync(source, { recursive: true });
  }, 90_000);

  it("says what is missing when there is no python3", async () => {
    const env = { PATH: "/nowhere" };
    const { lines, error } = await runJob(emulator, { runtime_env: { pip: ["x"], env_vars: env } });
    expect(lines).toContain("[emulator] requirements need python3, and there is none in PATH");
    expect(error).toContain("could not be installed");
  });

  it("finds python where there is a python3 only", async () => {
    const bin = aDirectory();
    const real = execFileSync("python3", ["-c", "import sys; print(sys.executable)"], { encoding: "utf8" }).trim();
    writeFileSync(join(bin, "python3"), `#!/bin/sh\nexec ${real} "$@"\n`, { mode: 0o755 });
    const { lines } = await runJob(emulator, {
      entrypoint: "python -c 'print(6 * 7)'",
      runtime_env: { env_vars: { PATH: bin } },
    });
    expect(lines).toEqual(["42"]);
    rmSync(bin, { recursive: true });
  });

  it("makes py_modules importable by their folder's name", async () => {
    const uri = await upload(
      emulator,
      "module.zip",
      zipSync({ "mymodule/__init__.py": strToU8("WORD = 'from a module'\n") }),
    );
    const entrypoint = `python3 -c "import mymodule; print(mymodule.WORD)"`;
    expect((await runJob(emulator, { entrypoint, runtime_env: { py_modules: [uri] } })).lines).toEqual([
      "from a module",
    ]);
    const broken = await runJob(emulator, { runtime_env: { py_modules: ["s3://elsewhere/module.zip"] } });
    expect([broken.state, broken.error]).toEqual([
      "BROKEN",
      expect.stringContaining("py_modules: s3://elsewhere/module.zip"),
    ]);
  });
});

const readIfThere = (path: string) => existsSync(path) && readFileSync(path, "utf8");
const isRunning = (pid: number) => identify(pid) !== null;
