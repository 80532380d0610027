import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { codeVersion, commitOf } from "../../src/code-version.ts";

const commit = "ab".repeat(20);
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "tuneloop-git-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

function write(name: string, text: string): void {
  const path = join(directory, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

describe("commitOf", () => {
  it("follows HEAD to its branch", () => {
    write("HEAD", "ref: refs/heads/main\n");
    write("refs/heads/main", `${commit}\n`);
    expect(commitOf(directory)).toBe(commit);
  });

  it("finds a branch that is packed", () => {
    write("HEAD", "ref: refs/heads/main\n");
    write("packed-refs", `# pack-refs with: peeled\n${"cd".repeat(20)} refs/heads/domain\n${commit} refs/heads/main\n`);
    expect(commitOf(directory)).toBe(commit);
  });

  it("takes a HEAD that is a commit itself", () => {
    write("HEAD", `${commit}\n`);
    expect(commitOf(directory)).toBe(commit);
  });

  it.each([
    ["there is no git directory", () => {}],
    ["the branch has no commit yet", () => write("HEAD", "ref: refs/heads/main\n")],
    ["HEAD is nonsense", () => write("HEAD", "../../secret\n")],
  ])("knows none when %s", (_, prepare) => {
    prepare();
    expect(commitOf(join(directory))).toBeNull();
  });
});

describe("codeVersion", () => {
  it("is that of this package", () => {
    expect(codeVersion()).toEqual({
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      commit: expect.stringMatching(/^[0-9a-f]{40}$/),
    });
  });
});
