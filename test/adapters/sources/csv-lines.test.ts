import { array, assert, asyncProperty, constantFrom, nat, string } from "fast-check";
import { describe, expect, it } from "vitest";
import { csvLines } from "../../../src/adapters/sources/csv-lines.ts";
import type { Line } from "../../../src/adapters/sources/line-splitter.ts";
import { TypedFailure } from "../../../src/domain/failures.ts";

/** Bytes in pieces of a size that no boundary of the format is at. */
async function* pieces(bytes: string | Buffer, size: number): AsyncGenerator<Uint8Array> {
  const whole = Buffer.from(bytes);
  for (let from = 0; from < whole.length; from += size) yield whole.subarray(from, from + size);
}
async function read(bytes: string | Buffer, { size = 7, isMapped = true } = {}): Promise<Line[]> {
  const lines: Line[] = [];
  for await (const group of csvLines(pieces(bytes, size), { name: "a.csv", isMapped })) lines.push(...group);
  return lines;
}
const rows = (lines: Line[]): unknown[] => lines.map(({ text }) => JSON.parse(text) as unknown);
const quoted = (cell: string): string => `"${cell.replaceAll('"', '""')}"`;

describe("csvLines", () => {
  it.each([
    ["commas", "a,b\n1,2\n"],
    ["semicolons", "a;b\n1;2\n"],
    ["tabs", "a\tb\n1\t2\n"],
    ["semicolons beside quoted commas", '"a";b\n1;2\n'],
    ["Windows line ends", "a,b\r\n1,2\r\n"],
    ["old Mac line ends", "a,b\r1,2"],
    ["a byte order mark", "\uFEFFa,b\n1,2\n"],
    ["no final line end", "a,b\n1,2"],
    ["blank lines", "a,b\n\n1,2\n\n"],
    ["spaces around names", " a , b \n1,2\n"],
  ])("reads tables with %s", async (_, text) => expect(rows(await read(text))).toEqual([{ a: "1", b: "2" }]));

  it("takes the separator that the header has most of, quoted ones left out", async () => {
    expect(rows(await read('"name, first; last",b\nx;y,2\n'))).toEqual([{ "name, first; last": "x;y", b: "2" }]);
  });

  it("takes a quote within a cell as it is", async () => {
    expect(rows(await read('a,b\n19" rack,x"y\n'))).toEqual([{ a: '19" rack', b: 'x"y' }]);
  });

  it.each(["", "a,b", "a,b\n"])("finds no rows in %j", async (text) => expect(await read(text)).toEqual([]));

  it("says of a row that does not fit how, and goes on behind it", async () => {
    const lines = await read("a,b\n1\n1,2,3\n4,5\n");
    expect(lines.map(({ number, problem }) => [number, problem])).toEqual([
      [1, "row of 1 columns: the header has 2"],
      [2, "row of 3 columns: the header has 2"],
      [3, null],
    ]);
  });

  it.each([
    ["a quote that never ends", `a,b\n1,2\n3,"4\n5,6\n`, 2],
    ["a cell of 2 MB", `a,b\n1,2\n3,${"x".repeat(2 * 1024 * 1024)}\n5,6\n`, 2],
    ["a column that is named twice", "a,a\n1,2\n", 1],
    ["bytes that are not UTF-8", Buffer.from("a,b\n1,2\n3,\xff\n", "latin1"), null],
    ["UTF-16", Buffer.from("\uFEFFa,b\n1,2\n", "utf16le"), 1],
    ["bytes that are cut in a sign", Buffer.from("a,b\n1,2\n3,€").subarray(0, -1), null],
  ])("ends with a problem at %s, and without an error", async (_, text, row) => {
    const last = (await read(text, { size: 64 * 1024 })).at(-1);
    expect(last).toMatchObject({ problem: expect.stringMatching(/^the CSV cannot be read after row \d+: /) });
    if (row !== null) expect(last?.number).toBe(row);
    expect(last?.problem).not.toContain("xxxx");
  });

  it("passes on what breaks the bytes", async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("a,b\n1,2\n");
      throw new TypedFailure("Unavailable", "the line is down");
    }
    const reading = async (): Promise<void> => {
      for await (const _ of csvLines(broken(), { name: "a.csv", isMapped: true }));
    };
    await expect(reading()).rejects.toThrow("the line is down");
  });

  it("asks for a mapping when there is no column messages", async () => {
    await expect(read("question,answer\n1,2\n", { isMapped: false })).rejects.toMatchObject({
      type: "InvalidInput",
      message:
        "map: a.csv has no column messages, only question, answer: say in a map how its rows become chat records",
    });
  });

  it("gives every cell back that was written, whatever is in it and wherever the bytes are cut", async () => {
    const cells = array(string({ unit: constantFrom("a", '"', ",", ";", "\n", "\r\n", "é", "😀", " ") }), {
      minLength: 2,
      maxLength: 2,
    });
    await assert(
      asyncProperty(array(cells, { minLength: 1, maxLength: 5 }), nat(20), async (table, size) => {
        const text = ["first,second", ...table.map((row) => row.map(quoted).join(","))].join("\n");
        expect(rows(await read(text, { size: size + 1 }))).toEqual(table.map(([first, second]) => ({ first, second })));
      }),
    );
  });
});
