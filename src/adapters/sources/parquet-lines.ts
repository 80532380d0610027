import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import type { Line } from "./line-splitter.ts";
import { checkColumns, lineOf, rowsAtOnce, type Table } from "./rows.ts";

/** Unpacked bytes of rows that are read at once, about. */
const bytesAtOnce = 32 * 1024 * 1024;

/**
 * Reads Parquet row by row, through a temporary file: its index is at its end. Rows are numbered from 1. Times become
 * ISO 8601, whole numbers beyond 2^53 become text. A file that is damaged ends with a problem. Throws InvalidInput as
 * {@link checkColumns}.
 */
export async function* parquetLines(
  bytes: AsyncIterable<Uint8Array>,
  table: Table,
  signal: AbortSignal,
): AsyncGenerator<Line[]> {
  const directory = await mkdtemp(join(tmpdir(), "tuneloop-parquet-"));
  let number = 0;
  try {
    const path = join(directory, "table.parquet");
    await pipeline(bytes, createWriteStream(path), { signal });
    for await (const rows of rowsOf(path, table)) {
      signal.throwIfAborted();
      for (let from = 0; from < rows.length; from += rowsAtOnce) {
        yield rows
          .slice(from, from + rowsAtOnce)
          .map((row) => ({ number: ++number, text: lineOf(table, plainRow(row)), problem: null }));
      }
    }
  } catch (error) {
    if (!(error instanceof BrokenParquet)) throw error;
    yield [
      { number: number + 1, text: "", problem: `the Parquet cannot be read after row ${number}: ${error.message}` },
    ];
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

class BrokenParquet extends Error {}

async function* rowsOf(path: string, table: Table): AsyncGenerator<Record<string, unknown>[]> {
  const file = await asyncBufferFromFile(path);
  const metadata = await attempt(() => parquetMetadataAsync(file));
  checkColumns(
    table,
    parquetSchema(metadata).children.map(({ element }) => element.name),
  );
  let groupStart = 0;
  for (const group of metadata.row_groups) {
    const [rows, bytes] = [Number(group.num_rows), Number(group.total_byte_size)];
    const slices = Math.max(1, Math.ceil(bytes / bytesAtOnce));
    const step = Math.max(1, Math.ceil(rows / slices));
    for (let start = groupStart; start < groupStart + rows; start += step) {
      const rowEnd = Math.min(start + step, groupStart + rows);
      const options = { file, metadata, compressors, rowStart: start, rowEnd, useOffsetIndex: true };
      yield await attempt(() => parquetReadObjects(options));
    }
    groupStart += rows;
  }
}

/** What its reader throws is about the file's bytes: they are all here. */
async function attempt<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw new BrokenParquet(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function plainRow(row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value)]));
}

/** A value as JSON has it. */
function plain(value: unknown): unknown {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (Array.isArray(value)) return value.map(plain);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
}
