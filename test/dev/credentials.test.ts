import { statSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadCredentials } from "../../src/dev/credentials.ts";

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "tuneloop-credentials-"));
});

afterEach(() => rm(directory, { recursive: true }));

describe("loadCredentials", () => {
  it("makes random credentials once, readable by their owner only", () => {
    const file = join(directory, "credentials.json");
    const made = loadCredentials(file);
    expect(loadCredentials(file)).toEqual(made);
    expect(loadCredentials(join(directory, "other.json"))).not.toEqual(made);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it("refuses a file that holds something else, and says what to do", () => {
    const file = join(directory, "credentials.json");
    writeFileSync(file, "{}");
    expect(() => loadCredentials(file)).toThrow(/does not hold the stack's credentials; delete it/);
  });
});
