import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { array, assert, constantFrom, property } from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ignorePatterns } from "../../src/anyscale/ignore-patterns.ts";
import { aDirectory } from "../support/emulator.ts";

describe("ignorePatterns", () => {
  it.each<[string[], string, boolean]>([
    [["*.pt"], "a.pt", true],
    [["*.pt"], "deep/er/a.pt", true],
    [["*.pt"], "a.pth", false],
    [["/a"], "a", true],
    [["/a"], "b/a", false],
    [["a/b"], "a/b", true],
    [["a/b"], "x/a/b", false],
    [["a/"], "a", false],
    [["**/logs"], "x/y/logs", true],
    [["***/a"], "d/e/a", true],
    [["a/**"], "a", false],
    [["a/**"], "a/b", true],
    [["a/**/b"], "a/b", true],
    [["a/**/b"], "a/x/y/b", true],
    [["?.txt"], "ab.txt", false],
    [["[!a].txt"], "b.txt", true],
    [["[!a].txt"], "a.txt", false],
    [["[a-c]1"], "b1", true],
    [["*", "!keep"], "keep", false],
    [["!keep", "*"], "keep", true],
    [["#a", ""], "#a", false],
    [["\\#a"], "#a", true],
    [["a.b"], "axb", false],
    [["a "], "a", true],
    [["[z-a]", "b"], "b", true],
  ])("%j on the file %s: %s", (lines, path, ignored) => {
    expect(ignorePatterns(lines)(path, false)).toBe(ignored);
  });

  it("does not take a directory for what is in it", () => {
    const ignore = ignorePatterns(["/out/*", "/all/**"]);
    expect([ignore("out", true), ignore("out/x", true), ignore("all", true), ignore("all/x", true)]).toEqual([
      false,
      true,
      false,
      true,
    ]);
  });

  it("takes a pattern that ends with a slash for directories only", () => {
    const ignore = ignorePatterns(["build/"]);
    expect([ignore("build", true), ignore("x/build", true), ignore("build", false)]).toEqual([true, true, false]);
  });
});

describe.runIf(spawnSync("git", ["--version"]).status === 0)("ignorePatterns beside git", () => {
  let directory: string;
  const names = ["a", "b", "ab", "a.b", "[a]", "a b"];
  const paths = names.flatMap((one) => [one, ...names.flatMap((two) => [`${one}_/${two}`, `${one}_/d/${two}`])]);
  beforeAll(() => {
    directory = aDirectory();
    execFileSync("git", ["init", "-q", directory]);
    for (const path of paths) {
      mkdirSync(dirname(join(directory, path)), { recursive: true });
      writeFileSync(join(directory, path), "");
    }
  });
  afterAll(() => {
    rmSync(directory, { recursive: true });
  });

  it("leaves out the same files", () => {
    const part = constantFrom("a", "b", "*", "**", "?", "[ab]", "[!a]", "/", ".", "d", "_", "!", "\\[");
    // Git compares the letters before the first wildcard by themselves, and then takes `**/` after them for one at the
    // beginning, against what it documents.
    const isDocumented = (pattern: string): boolean => !/^!?[^*?[\\]*[^*?[\\/]\*{2,}\//.test(pattern);
    const line = array(part, { minLength: 1, maxLength: 5 })
      .map((parts) => parts.join(""))
      .filter(isDocumented);
    // A directory that is left out is not entered, so what is taken back must not lie in one.
    const lines = array(line, { minLength: 1, maxLength: 3 });
    assert(
      property(lines, (patterns) => {
        writeFileSync(join(directory, ".git/info/exclude"), patterns.join("\n"));
        const check = spawnSync("git", ["check-ignore", "--stdin", "-z"], { cwd: directory, input: paths.join("\0") });
        const byGit = check.stdout.toString().split("\0").filter(Boolean);
        const ignore = ignorePatterns(patterns);
        const isLeftOut = (path: string) => {
          const parts = path.split("/");
          const above = parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("/"));
          return above.some((folder) => ignore(folder, true)) || ignore(path, false);
        };
        expect(paths.filter(isLeftOut)).toEqual(byGit);
      }),
      { numRuns: 60 },
    );
  });
});
