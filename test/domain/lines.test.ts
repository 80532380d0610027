import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { textLines } from "../../src/domain/lines.ts";

/** Lines of bytes that come in pieces of these sizes, again and again. */
async function linesOf(bytes: Buffer, sizes: readonly number[] = [1]): Promise<string[]> {
  const pieces = async function* (): AsyncGenerator<Buffer> {
    for (let at = 0, turn = 0; at < bytes.length; turn++) {
      const size = sizes[turn % sizes.length] ?? 1;
      yield bytes.subarray(at, at + size);
      at += size;
    }
  };
  const lines: string[] = [];
  for await (const line of textLines(pieces())) lines.push(line);
  return lines;
}

describe("textLines", () => {
  it.each([
    ["", []],
    ["\n", [""]],
    ["a", ["a"]],
    ["a\n", ["a"]],
    ["a\n\nb", ["a", "", "b"]],
    ["a\r\nb\u2028c\u2029d\u0085e\n", ["a\r", "b\u2028c\u2029d\u0085e"]],
  ])("cuts %j at its newlines only", async (text, lines) => {
    expect(await linesOf(Buffer.from(text))).toEqual(lines);
  });

  it("answers the same lines however their bytes come in pieces", async () => {
    const line = fc.string({ unit: "binary" }).map((text) => text.replaceAll(/[\n\uFEFF]/g, "").toWellFormed());
    const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(fc.array(line), sizes, async (lines, pieces) => {
        expect(await linesOf(Buffer.from(lines.map((text) => `${text}\n`).join("")), pieces)).toEqual(lines);
      }),
      { numRuns: 40 },
    );
  });

  it.each([
    ["in the middle", Buffer.from([0x61, 0xff, 0x0a])],
    ["cut off at the end", Buffer.from([0x61, 0xf0, 0x9f])],
  ])("throws a TypeError for bytes that are no UTF-8 %s", async (_, bytes) => {
    await expect(linesOf(bytes)).rejects.toThrow(TypeError);
  });
});
