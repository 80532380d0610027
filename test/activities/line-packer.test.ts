import { gunzipSync } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LinePacker } from "../../activities/line-packer.ts";

const unpacked = async (packer: LinePacker): Promise<string> => gunzipSync(await packer.finish()).toString("utf8");
const kilobytes = (count: number, text = "x"): string => text.repeat((count * 1024) / text.length);

describe("LinePacker", () => {
  it("packs lines of any text and length in the order they came", async () => {
    const line = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom("", "ä".repeat(100_000), "😀".repeat(90_000), kilobytes(255), kilobytes(256), kilobytes(900)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 12 }), async (lines) => {
        const packer = new LinePacker();
        for (const each of lines) packer.add(each);
        expect(packer.lines).toBe(lines.length);
        // A lone surrogate is no character: UTF-8 has the replacement for it, as everywhere.
        expect(await unpacked(packer)).toBe(`${lines.join("\n")}\n`.toWellFormed());
      }),
      { numRuns: 60 },
    );
  });

  it("packs pieces of text as it packs their lines", async () => {
    const text = Array.from({ length: 20_000 }, (_, index) => `line ${index} ä😀\n`).join("");
    const bytes = Buffer.from(text);
    for (const pieceBytes of [1000, 65_536, bytes.length]) {
      const packer = new LinePacker();
      for (let at = 0; at < bytes.length; at += pieceBytes) {
        const piece = bytes.subarray(at, at + pieceBytes);
        packer.addBytes(piece, piece.filter((byte) => byte === 0x0a).length);
      }
      expect(packer.lines).toBe(20_000);
      expect(await unpacked(packer)).toBe(text);
    }
  });

  it("holds little more than the packed bytes in memory while its user waits for it", async () => {
    const packer = new LinePacker();
    const line = kilobytes(64, "feedback ");
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    for (let added = 0; added < 5000; added++) {
      packer.add(line);
      await packer.caughtUp();
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
    expect(packer.lines).toBe(5000);
    expect((await packer.finish()).length).toBeLessThan(4 * 1024 * 1024);
    expect(most).toBeLessThan(100 * 1024 * 1024);
  });

  it("packs side by side with others without mixing them up", async () => {
    const packers = Array.from({ length: 8 }, () => new LinePacker());
    for (let line = 0; line < 4000; line++) {
      for (const [number, packer] of packers.entries()) {
        packer.add(`${number} ${line} ${"x".repeat(500)}`);
        await packer.caughtUp();
      }
    }
    for (const [number, packer] of packers.entries()) {
      const lines = (await unpacked(packer)).trimEnd().split("\n");
      expect(lines).toHaveLength(4000);
      expect(lines.findIndex((line, index) => !line.startsWith(`${number} ${index} `))).toBe(-1);
    }
  });
});
