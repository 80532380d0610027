import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { splitLines, type Line } from "../../../src/adapters/sources/line-splitter.ts";

async function split(bytes: Buffer, maxBytes = 1000, pieceBytes = bytes.length): Promise<Line[]> {
  const pieces = async function* (): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
  };
  const lines: Line[] = [];
  for await (const group of splitLines(pieces(), maxBytes)) lines.push(...group);
  return lines;
}
const good = (number: number, text: string): Line => ({ number, text, problem: null });

describe("splitLines", () => {
  it.each<[string, string | Buffer, Line[]]>([
    ["nothing", "", []],
    ["one line", "a\n", [good(1, "a")]],
    ["no final newline", "a\nb", [good(1, "a"), good(2, "b")]],
    ["blank lines, which count", "\n a \n \t\n\nb\n\n", [good(2, " a "), good(5, "b")]],
    ["Windows line ends", "a\r\n\r\nb\r\n", [good(1, "a"), good(3, "b")]],
    ["a carriage return inside a line", "a\rb\n", [good(1, "a\rb")]],
    ["a byte order mark", "\uFEFFa\n\uFEFFb\n", [good(1, "a"), good(2, "\uFEFFb")]],
    ["nothing but a byte order mark", "\uFEFF\n", []],
    ["a NUL", "a\u0000b\n", [good(1, "a\u0000b")]],
    ["separators that are no newlines", "a\u2028b\u0085c\n", [good(1, "a\u2028b\u0085c")]],
    [
      "broken UTF-8",
      Buffer.from([0x61, 0xc3, 0x0a, 0x62]),
      [{ number: 1, text: "a\uFFFD", problem: "not valid UTF-8" }, good(2, "b")],
    ],
    [
      "broken UTF-8 between lines that are well",
      Buffer.concat([Buffer.from("a\nb\r\n"), Buffer.from([0x63, 0xff, 0x0d]), Buffer.from("\n \nd\r\ne")]),
      [
        good(1, "a"),
        good(2, "b"),
        { number: 3, text: "c\uFFFD", problem: "not valid UTF-8" },
        good(5, "d"),
        good(6, "e"),
      ],
    ],
    [
      "a surrogate in UTF-8",
      Buffer.from([0xed, 0xa0, 0x80]),
      [{ number: 1, text: "\uFFFD\uFFFD\uFFFD", problem: "not valid UTF-8" }],
    ],
  ])("reads %s, whatever the pieces", async (_, text, lines) => {
    const bytes = Buffer.from(text);
    for (const pieceBytes of [1, 2, 3, 7, Math.max(1, bytes.length)]) {
      expect(await split(bytes, 1000, pieceBytes)).toEqual(lines);
    }
  });

  it.each([1, 5, 10, 11, 64, 10_000])(
    "drops a line that is too long, in pieces of %i, and goes on after it",
    async (pieceBytes) => {
      const text = `ok\n${"x".repeat(5000)}\nok again\n${"y".repeat(11)}`;
      expect(await split(Buffer.from(text), 10, pieceBytes)).toEqual([
        good(1, "ok"),
        { number: 2, text: expect.stringMatching(/^x{10,1000}$/), problem: "line of 5000 bytes: longer than 10" },
        good(3, "ok again"),
        { number: 4, text: expect.stringMatching(/^y{10,11}$/), problem: "line of 11 bytes: longer than 10" },
      ]);
    },
  );

  it("reads a line of exactly the longest length", async () => {
    expect(await split(Buffer.from(`${"x".repeat(10)}\n`), 10, 3)).toEqual([good(1, "x".repeat(10))]);
  });

  it("holds no more than the longest line in memory while it reads one of 200 MB", async () => {
    const piece = Buffer.alloc(65_536, "x");
    const pieces = async function* (): AsyncGenerator<Uint8Array> {
      for (let sent = 0; sent < 200 * 1024 * 1024; sent += piece.length) yield piece;
    };
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    for await (const [line] of splitLines(pieces(), 1024 * 1024)) {
      expect(line?.problem).toBe("line of 209715200 bytes: longer than 1048576");
      most = process.memoryUsage().arrayBuffers - before;
    }
    expect(most).toBeLessThan(16 * 1024 * 1024);
  });

  it("finds the lines that splitting the whole text finds, whatever the pieces", async () => {
    const text = fc.array(fc.constantFrom("a", "ä", "😀", "\n", "\r\n", " ", "\r"), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(text, fc.integer({ min: 1, max: 9 }), async (parts, pieceBytes) => {
        const whole = parts.join("");
        const expected = whole
          .split("\n")
          .map((line, index) => good(index + 1, line.replace(/\r$/, "")))
          .filter(({ text: line }) => line.trim() !== "");
        expect(await split(Buffer.from(whole), 1000, pieceBytes)).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });
});
