import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { describeStack, refuseStateInUse } from "../../src/cli/dev.ts";
import { DEFAULT_STATE_DIRECTORY } from "../../src/cli/state-directory.ts";
import { publishStack, type StackAddresses } from "../../src/dev/stack-file.ts";
import { lockState } from "../../src/dev/state-lock.ts";
import { identify } from "../../src/emulator/processes.ts";
import { aDirectory } from "../support/emulator.ts";

const addresses: StackAddresses = {
  temporal: "127.0.0.1:7233",
  temporalUi: "http://127.0.0.1:8233",
  s3: "http://127.0.0.1:7070",
  emulator: "http://127.0.0.1:9000",
};
const environment = { TUNELOOP_S3_URI: "s3://tuneloop/", AWS_SECRET_ACCESS_KEY: "not-for-eyes" };

describe("describeStack", () => {
  it("says where everything is, and how other tools get there", () => {
    const state = resolve(DEFAULT_STATE_DIRECTORY);
    expect(describeStack({ addresses, environment }, DEFAULT_STATE_DIRECTORY)).toEqual([
      "web UI    http://127.0.0.1:8233",
      "Temporal  127.0.0.1:7233",
      "S3        http://127.0.0.1:7070",
      "bucket    s3://tuneloop",
      "emulator  http://127.0.0.1:9000",
      `state     ${state}`,
      `logs      ${state}/logs`,
      'tools     eval "$(npx tuneloop env)"',
    ]);
  });

  it("leaves out what is not part of the stack", () => {
    const lines = describeStack({ addresses: { ...addresses, temporalUi: null }, environment: {} }, "s");
    expect(lines.filter((line) => /web UI|bucket|null|undefined/.test(line))).toEqual([]);
  });

  it.each([
    ["/var/lib/loop", "/var/lib/loop"],
    ["./.tuneloop", null],
    [".tuneloop/demo", ".tuneloop/demo"],
    ["it's here", `'it'\\''s here'`],
    ["$(reboot)", "'$(reboot)'"],
  ])("names the state directory %s to other tools when it is not the usual one", (state, word) => {
    const option = word === null ? "" : ` --state ${word}`;
    expect(describeStack({ addresses, environment }, state)).toContain(`tools     eval "$(npx tuneloop env${option})"`);
  });
});

describe("refuseStateInUse", () => {
  let directory: string;
  beforeEach(() => {
    directory = aDirectory();
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  it("lets pass a directory that is not there, one that nobody holds, and one whose holder is gone", async () => {
    refuseStateInUse(join(directory, "nowhere"));
    refuseStateInUse(directory);
    const gone = spawn(process.execPath, ["-e", ""], { stdio: "ignore" });
    const holder = identify(gone.pid ?? 0);
    await once(gone, "exit");
    writeFileSync(join(directory, "lock"), JSON.stringify(holder));
    refuseStateInUse(directory);
  });

  it("refuses one on which a stack is starting, and says what to do", () => {
    lockState(directory);
    expect(() => refuseStateInUse(directory)).toThrow(
      new Error(
        `a stack already runs on ${directory} (process ${process.pid}); stop it, or choose another directory with --state`,
      ),
    );
  });

  it("says where the running stack is, without its credentials", () => {
    lockState(directory);
    const self = identify(process.pid);
    if (self === null) throw new Error("this process is not there");
    publishStack(directory, { process: self, addresses, environment });
    let said = "";
    try {
      refuseStateInUse(directory);
    } catch (error) {
      said = String(error);
    }
    expect(said).toContain("\n  web UI    http://127.0.0.1:8233\n");
    expect(said).toContain(`\n  tools     eval "$(npx tuneloop env --state ${directory})"`);
    expect(said).not.toContain("not-for-eyes");
    expect(said).not.toContain("Ctrl-C");
  });
});
