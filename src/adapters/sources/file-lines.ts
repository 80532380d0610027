import type { Readable } from "node:stream";
import { maxLineBytes } from "../../domain/record.ts";
import { csvLines } from "./csv-lines.ts";
import { BrokenArchive, gunzip } from "./gunzip.ts";
import { splitLines, type Line } from "./line-splitter.ts";
import { parquetLines } from "./parquet-lines.ts";
import type { Table } from "./rows.ts";

/** What files hold lines or rows in. */
export type LineFormat = "jsonl" | "csv" | "parquet";

/** A file of one of them. */
export interface LineFile extends Table {
  format: LineFormat;
  /** By gzip. */
  isPacked: boolean;
}

/**
 * The lines of a file, or its rows as lines of JSON, in constant memory. A file that breaks off ends with a problem. Throws
 * what `bytes` does, the signal's reason when it ends the reading, and InvalidInput for a table that needs a mapping.
 */
export async function* fileLines(bytes: Readable, file: LineFile, signal: AbortSignal): AsyncGenerator<Line[]> {
  let last = 0;
  try {
    for await (const lines of formatted(file.isPacked ? gunzip(bytes) : bytes, file, signal)) {
      last = lines.at(-1)?.number ?? last;
      yield lines;
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof BrokenArchive)) throw error;
    yield [{ number: last + 1, text: "", problem: `the gzip breaks off or is damaged after line ${last}` }];
  }
}

function formatted(bytes: AsyncIterable<Uint8Array>, file: LineFile, signal: AbortSignal): AsyncGenerator<Line[]> {
  switch (file.format) {
    case "jsonl":
      return splitLines(bytes, maxLineBytes);
    case "csv":
      return csvLines(bytes, file);
    case "parquet":
      return parquetLines(bytes, file, signal);
  }
}
