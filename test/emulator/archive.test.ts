import { existsSync, readFileSync, rmSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { zipSync, type Zippable } from "fflate";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { unpack } from "../../src/emulator/archive.ts";
import { aDirectory } from "../support/emulator.ts";

let directory: string;
beforeEach(() => {
  directory = join(aDirectory(), "inside");
});
afterEach(() => {
  rmSync(join(directory, ".."), { recursive: true });
});

const text = new TextEncoder().encode("text");
const mode = (bits: number): Zippable[string] => [text, { os: 3, attrs: bits << 16 }];

describe("unpack", () => {
  it("makes the one top-level folder the working directory and keeps the executable bit", () => {
    const work = unpack(zipSync({ "app/a.txt": text, "app/bin/run": mode(0o100755) }), directory);
    expect(basename(work)).toBe("app");
    expect(readFileSync(join(work, "a.txt"), "utf8")).toBe("text");
    expect(statSync(join(work, "bin/run")).mode & 0o111).toBe(0o111);
    expect(statSync(join(work, "a.txt")).mode & 0o111).toBe(0);
  });

  it.each([
    ["two folders", { "a/x": text, "b/x": text }],
    ["a file at the top", { x: text }],
  ])("takes the whole archive with %s", (_case, files: Zippable) => {
    expect(unpack(zipSync(files), directory)).toBe(directory);
  });

  it.each([
    ["a path upwards", { "../evil": text }, "does not lie inside"],
    ["a path upwards in the middle", { "a/../../evil": text }, "does not lie inside"],
    ["an absolute path", { "/tmp/evil": text }, "does not lie inside"],
    ["a backslash", { "..\\evil": text }, "does not lie inside"],
    ["a drive", { "C:evil": text }, "does not lie inside"],
    ["a symlink", { link: mode(0o120777) }, "is a link or a device"],
    ["a device", { device: mode(0o020666) }, "is a link or a device"],
    ["a bomb", { zeros: new Uint8Array(20 * 1024 * 1024) }, "too many"],
    [
      "too many entries",
      Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`f${i}`, new Uint8Array()])),
      "10001 entries",
    ],
  ])("refuses %s before anything is written", (_case, files: Zippable, why) => {
    expect(() => unpack(zipSync({ "good.txt": text, ...files }), directory)).toThrow(why);
    expect(existsSync(directory)).toBe(false);
  });

  it.each([
    ["no archive", new TextEncoder().encode("hello")],
    ["an empty upload", new Uint8Array()],
    ["an archive cut off", zipSync({ a: text }).slice(0, -30)],
    ["a damaged entry", damaged()],
  ])("refuses %s", (_case, bytes) => {
    expect(() => unpack(bytes, directory)).toThrow(/not a ZIP|damaged/);
  });
});

function damaged(): Uint8Array {
  const bytes = zipSync({ a: new TextEncoder().encode("text ".repeat(100)) });
  bytes.fill(0xff, 31, 50);
  return bytes;
}
