import { appendFileSync, closeSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { logPage, readLog } from "../../src/emulator/logs.ts";
import { aDirectory } from "../support/emulator.ts";

let directory: string;
let path: string;
beforeEach(() => {
  directory = aDirectory();
  path = join(directory, "log");
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

const MIB = 1024 * 1024;

/** Pieces of a page as byte ranges, and its token. */
function pageOf(isWhole: boolean, token?: string | null, pageSize?: string) {
  const ranges: [number, number][] = [];
  const answer = logPage({ path, isWhole }, { token: token ?? undefined, pageSize }, (from, to) => {
    ranges.push([from, to]);
    return { url: "", clusterId: "" };
  });
  return { ranges, next: answer.next_page_token };
}

const text = (from: number, to: number) => new TextDecoder().decode(readLog(path, from, to));

describe("logPage", () => {
  it("has neither pieces nor a token when there is no log, and when nothing is new", () => {
    expect(pageOf(false)).toEqual({ ranges: [], next: null });
    writeFileSync(path, "one\n");
    expect(pageOf(false)).toEqual({ ranges: [[0, 4]], next: "4" });
    expect(pageOf(false, "4")).toEqual({ ranges: [], next: null });
  });

  it("holds an unfinished line back until it is finished, or the log is whole", () => {
    writeFileSync(path, "one\ntw");
    expect(pageOf(false).ranges).toEqual([[0, 4]]);
    expect(pageOf(false, "4")).toEqual({ ranges: [], next: null });
    expect(pageOf(true, "4")).toEqual({ ranges: [[4, 6]], next: "6" });
    appendFileSync(path, "o\nthree");
    expect(pageOf(false, "4")).toEqual({ ranges: [[4, 8]], next: "8" });
  });

  it("ends each piece with a line, and gives page_size pieces at a time", () => {
    writeFileSync(path, Array.from({ length: 400_000 }, (_, index) => `line ${index}\n`).join(""));
    const all: [number, number][] = [];
    let token: string | null = "0";
    while (token !== null) {
      const { ranges, next } = pageOf(false, token, "2");
      expect(ranges.length).toBeLessThanOrEqual(2);
      all.push(...ranges);
      token = next;
    }
    expect(all.length).toBeGreaterThan(4);
    const pieces = all.map(([from, to]) => text(from, to));
    for (const piece of pieces) expect([piece.endsWith("\n"), piece.length <= MIB]).toEqual([true, true]);
    const lines = pieces.join("").trimEnd().split("\n");
    expect([lines.length, lines.at(-1)]).toEqual([400_000, "line 399999"]);
  });

  it("cuts a line that is longer than a piece", () => {
    writeFileSync(path, "x".repeat(2 * MIB + 10));
    expect(pageOf(false).ranges).toEqual([
      [0, MIB],
      [MIB, 2 * MIB],
    ]);
    expect(pageOf(true, String(2 * MIB)).ranges).toEqual([[2 * MIB, 2 * MIB + 10]]);
  });

  it("reads a bounded part of a huge log", () => {
    const file = openSync(path, "w");
    writeSync(file, "end\n", 20 * 1024 * MIB);
    closeSync(file);
    const before = process.memoryUsage().arrayBuffers;
    expect(pageOf(true).ranges).toHaveLength(100);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * MIB);
  });

  it.each([
    ["a token", "x", undefined, "next_page_token"],
    ["a page size", "0", "-1", "page_size"],
  ])("refuses %s that is none", (_case, token, pageSize, word) => {
    expect(() => pageOf(true, token, pageSize)).toThrow(word);
  });
});
