import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { unzipSync } from "fflate";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isRemoteDirectory, packDirectory } from "../../src/anyscale/working-directory.ts";
import { aDirectory } from "../support/emulator.ts";

let parent: string;
let directory: string;
beforeEach(() => {
  parent = aDirectory({ "secret.txt": "secret", "code/main.py": "print()", "code/lib/util.py": "x = 1" });
  directory = join(parent, "code");
});
afterEach(() => {
  rmSync(parent, { recursive: true });
});

const names = () => Object.keys(unzipSync(packDirectory(directory).bytes)).sort();

describe("packDirectory", () => {
  it("has one top-level folder of the directory's name and leaves the usual rubbish out", () => {
    for (const excluded of [".git", ".venv", "venv", "lib/__pycache__"]) {
      mkdirSync(join(directory, excluded));
      writeFileSync(join(directory, excluded, "file"), "");
    }
    expect(names()).toEqual(["code/lib/util.py", "code/main.py"]);
  });

  it("leaves out what excludes and .gitignore files name, also a symlink that it would refuse", () => {
    symlinkSync("/etc", join(directory, "etc"));
    symlinkSync("nowhere", join(directory, "broken"));
    for (const path of ["lib/big.pt", "lib/keep.pt", "lib/tmp/x", "data/x.csv", "out/kept/y"]) {
      mkdirSync(dirname(join(directory, path)), { recursive: true });
      writeFileSync(join(directory, path), "");
    }
    writeFileSync(join(directory, ".gitignore"), "broken\n/data/\n/out/*\n!/out/kept/\n");
    writeFileSync(join(directory, "lib/.gitignore"), "# models\n*.pt\n!keep.pt\ntmp\n");
    const { bytes } = packDirectory(directory, ["/etc"]);
    expect(Object.keys(unzipSync(bytes)).sort()).toEqual([
      "code/.gitignore",
      "code/lib/.gitignore",
      "code/lib/keep.pt",
      "code/lib/util.py",
      "code/main.py",
      "code/out/kept/y",
    ]);
  });

  it("depends on content alone: not on times, on the place, or on permissions of others", () => {
    const first = packDirectory(directory).fileName;
    expect(first).toMatch(/^pkg_[0-9a-f]{32}\.zip$/);
    utimesSync(join(directory, "main.py"), 1e9, 1e9);
    chmodSync(join(directory, "main.py"), 0o600);
    mkdirSync(join(parent, "elsewhere"));
    renameSync(directory, join(parent, "elsewhere/code"));
    expect(packDirectory(join(parent, "elsewhere/code/")).fileName).toBe(first);
    renameSync(join(parent, "elsewhere/code"), directory);
    chmodSync(join(directory, "main.py"), 0o755);
    const executable = packDirectory(directory).fileName;
    writeFileSync(join(directory, "main.py"), "print(1)");
    expect(new Set([first, executable, packDirectory(directory).fileName]).size).toBe(3);
  });

  it("follows symlinks inside", () => {
    symlinkSync("main.py", join(directory, "alias.py"));
    symlinkSync("lib", join(directory, "library"));
    expect(names()).toEqual(["code/alias.py", "code/lib/util.py", "code/library/util.py", "code/main.py"]);
  });

  it("packs an empty directory as its folder", () => {
    rmSync(directory, { recursive: true });
    mkdirSync(directory);
    expect(names()).toEqual(["code/"]);
  });

  it.each([
    ["a symlink that leaves it", "../secret.txt", "leaves it"],
    ["a symlink to its parent", "..", "leaves it"],
    ["a symlink to another directory", "/etc", "leaves it"],
    ["a symlink to itself", ".", "symlink loop"],
    ["a broken symlink", "nowhere", "broken symlink"],
  ])("refuses %s", (_case, target, why) => {
    symlinkSync(target, join(directory, "link"));
    expect(() => packDirectory(directory)).toThrow(why);
  });

  it("refuses a directory that is missing or is a file, by the name that was given", () => {
    expect(() => packDirectory(join(parent, "none"))).toThrow(/none" does not exist/);
    expect(() => packDirectory(join(directory, "main.py"))).toThrow(/main.py" is not a directory/);
  });
});

describe("isRemoteDirectory", () => {
  it.each([
    ["s3://bucket/code.zip", true],
    ["https://host/code.zip", true],
    ["local://code", true],
    ["./code", false],
    ["/tmp/s3", false],
    ["C:\\code", false],
  ])("%s: %s", (directory, remote) => {
    expect(isRemoteDirectory(directory)).toBe(remote);
  });
});
