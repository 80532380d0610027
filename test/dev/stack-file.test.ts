import { mkdirSync, statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { identify } from "../../src/emulator/processes.ts";
import {
  demoDirectory,
  findRunningStack,
  publishStack,
  readRunningStack,
  withdrawStack,
  withStackEnvironment,
} from "../../src/dev/stack-file.ts";
import type { RunningStack } from "../../src/dev/stack-file.ts";

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "tuneloop-stack-file-"));
});

afterEach(() => rm(directory, { recursive: true }));

function aStack(): RunningStack {
  const self = identify(process.pid);
  if (self === null) throw new Error("this process is not there");
  return {
    process: self,
    addresses: { temporal: "127.0.0.1:7233", temporalUi: null, s3: null, emulator: null },
    environment: { TEMPORAL_ADDRESS: "127.0.0.1:7233" },
  };
}

describe("readRunningStack", () => {
  it("reads what a living process has published, for its owner's eyes only", () => {
    publishStack(directory, aStack());
    expect(readRunningStack(directory)).toEqual(aStack());
    expect(statSync(join(directory, "stack.json")).mode & 0o777).toBe(0o600);
  });

  it("knows of no stack before one is published and after it is withdrawn", () => {
    expect(readRunningStack(directory)).toBeNull();
    publishStack(directory, aStack());
    withdrawStack(directory);
    expect(readRunningStack(directory)).toBeNull();
  });

  it("knows of no stack when the process that published it is gone", () => {
    publishStack(directory, { ...aStack(), process: { pid: process.pid, started: "long ago" } });
    expect(readRunningStack(directory)).toBeNull();
  });
});

describe("findRunningStack", () => {
  it("finds the demo's stack, which lies within, as long as no other runs", () => {
    expect(findRunningStack(directory)).toBeNull();
    const demo = { ...aStack(), environment: { TEMPORAL_ADDRESS: "127.0.0.1:7234" } };
    mkdirSync(demoDirectory(directory));
    publishStack(demoDirectory(directory), demo);
    expect(findRunningStack(directory)).toEqual(demo);
    publishStack(directory, aStack());
    expect(findRunningStack(directory)).toEqual(aStack());
  });
});

describe("withStackEnvironment", () => {
  it("drops every variable of a system that the stack names, and keeps the rest", () => {
    const base = { PATH: "/bin", AWS_SESSION_TOKEN: "mine", TEMPORAL_API_KEY: "mine", ANYSCALE_HOST: "theirs" };
    const stack = { AWS_ACCESS_KEY_ID: "local", TEMPORAL_ADDRESS: "127.0.0.1:7233" };
    expect(withStackEnvironment(base, stack)).toEqual({ PATH: "/bin", ANYSCALE_HOST: "theirs", ...stack });
  });
});
