import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance, type DuckDBConnection } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Line } from "../../../src/adapters/sources/line-splitter.ts";
import { parquetLines } from "../../../src/adapters/sources/parquet-lines.ts";
import { TypedFailure } from "../../../src/domain/failures.ts";

let directory: string;
let duck: DuckDBConnection;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "tuneloop-test-"));
  duck = await (await DuckDBInstance.create(":memory:")).connect();
});
afterAll(async () => {
  duck.closeSync();
  await rm(directory, { recursive: true });
});

/** A file as another program writes it. */
async function written(query: string, options = "COMPRESSION snappy"): Promise<Buffer> {
  const path = join(directory, "table.parquet");
  await duck.run(`COPY (${query}) TO '${path}' (FORMAT parquet, ${options})`);
  return readFileSync(path);
}
async function* bytesOf(buffer: Buffer): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < buffer.length; from += 10_000) yield buffer.subarray(from, from + 10_000);
}
async function read(bytes: Buffer, isMapped = true): Promise<Line[]> {
  const lines: Line[] = [];
  const { signal } = new AbortController();
  for await (const group of parquetLines(bytesOf(bytes), { name: "a.parquet", isMapped }, signal)) lines.push(...group);
  return lines;
}
const rows = (lines: Line[]): unknown[] => lines.map(({ text }) => JSON.parse(text) as unknown);
const leftBehind = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith("tuneloop-parquet-"));

describe("parquetLines", () => {
  it.each(["snappy", "gzip", "zstd", "lz4_raw", "brotli", "uncompressed"])("reads %s", async (compression) => {
    const bytes = await written("SELECT i AS n, 'text ' || i AS t FROM range(5) r(i)", `COMPRESSION ${compression}`);
    expect(rows(await read(bytes))).toEqual([0, 1, 2, 3, 4].map((n) => ({ n, t: `text ${n}` })));
  });

  it("makes JSON of values that JSON does not have", async () => {
    const bytes = await written(`SELECT TIMESTAMP '2026-01-31 12:00:00' AS at, DATE '2026-01-31' AS day,
      9007199254740993::BIGINT AS large, 7::BIGINT AS small, 1.5::DECIMAL(5,2) AS price, NULL::VARCHAR AS nothing,
      true AS good, ['a', 'b'] AS tags, [{'role': 'user', 'n': 1::BIGINT}] AS list, 'blob'::BLOB AS bytes`);
    expect(rows(await read(bytes))).toEqual([
      {
        at: "2026-01-31T12:00:00.000Z",
        day: "2026-01-31T00:00:00.000Z",
        large: "9007199254740993",
        small: 7,
        price: 1.5,
        nothing: null,
        good: true,
        tags: ["a", "b"],
        list: [{ role: "user", n: 1 }],
        bytes: expect.any(String),
      },
    ]);
  });

  it("takes rows with a column messages for chat records, as lists of structures and as JSON", async () => {
    const messages = [
      { role: "user", content: "q" },
      { role: "assistant", content: "a" },
    ];
    const structures = "[{'role': 'user', 'content': 'q'}, {'role': 'assistant', 'content': 'a'}]";
    const asList = await written(`SELECT ${structures} AS messages, NULL::VARCHAR AS author`);
    expect(rows(await read(asList, false))).toEqual([{ messages }]);
    const asText = await written(`SELECT '${JSON.stringify(messages)}' AS messages, '{"good":true}' AS labels`);
    expect(rows(await read(asText, false))).toEqual([{ messages, labels: { good: true } }]);
  });

  it("asks for a mapping when there is no column messages", async () => {
    await expect(read(await written("SELECT 1 AS question, 2 AS answer"), false)).rejects.toMatchObject({
      type: "InvalidInput",
      message: expect.stringContaining("a.parquet has no column messages, only question, answer"),
    });
  });

  it("reads many groups of rows, each row once and in order", async () => {
    const query = "SELECT i AS n, repeat(md5(i::VARCHAR), 30) AS text FROM range(100000) r(i)";
    const lines = await read(await written(query, "ROW_GROUP_SIZE 60000"));
    expect(lines).toHaveLength(100_000);
    expect(lines.every(({ number }, index) => number === index + 1)).toBe(true);
    expect(lines.every(({ text }, index) => text.startsWith(`{"n":${index},`))).toBe(true);
  });

  it.each([
    ["no Parquet", Buffer.from("PAR? this is not one, whatever its name says")],
    ["empty", Buffer.alloc(0)],
  ])("ends with a problem when the file is %s", async (_, bytes) => {
    expect(await read(bytes)).toEqual([
      { number: 1, text: "", problem: expect.stringMatching(/^the Parquet cannot be read after row 0: /) },
    ]);
  });

  it("ends with a problem when the file is damaged or breaks off", async () => {
    const bytes = await written("SELECT i AS n, md5(i::VARCHAR) AS text FROM range(5000) r(i)");
    const damaged = Buffer.from(bytes);
    damaged.fill(0xff, 100, 4000);
    for (const broken of [damaged, bytes.subarray(0, bytes.length / 2)])
      expect((await read(broken)).at(-1)?.problem).toMatch(/^the Parquet cannot be read/);
  });

  it("leaves no file behind, also when the bytes break off or nobody reads on", async () => {
    const bytes = await written("SELECT i AS n FROM range(5000) r(i)");
    const before = leftBehind();
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield bytes.subarray(0, 100);
      throw new TypedFailure("Unavailable", "the line is down");
    }
    const table = { name: "a.parquet", isMapped: true };
    const { signal } = new AbortController();
    await expect(parquetLines(broken(), table, signal).next()).rejects.toThrow("the line is down");
    for await (const _ of parquetLines(bytesOf(bytes), table, signal)) break;
    expect(leftBehind()).toEqual(before);
  });
});
