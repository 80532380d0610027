/** Records of a version as files that other tools read, in constant memory. */
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import type { Part } from "../domain/dataset-version-schema.ts";
import type { TrainingRecord } from "../domain/record-schema.ts";
import type { ObjectStore } from "../ports.ts";
import { toParquet } from "./parquet.ts";
import { recordsOf } from "./parts.ts";

/** Forms of a file; each is the end of its name, after a dot. */
export const exportFormats = ["jsonl", "jsonl.gz", "parquet"] as const;
export type ExportFormat = (typeof exportFormats)[number];

/** What is written of each record: what fine-tuning reads, `{"messages": [{"role", "content"}]}`, or all that is known. */
export type ExportShape = "chat" | "whole";

/** What was written. */
export interface Exported {
  records: number;
  bytes: number;
}

/** Text is handed on in pieces of about so many characters. */
const pieceLength = 64 * 1024;

/** What to write, and when to stop. */
export interface ExportRequest {
  store: ObjectStore;
  parts: readonly Part[];
  format: ExportFormat;
  shape: ExportShape;
  signal?: AbortSignal;
}

/**
 * Writes the records of parts to a stream and ends it, unless it is this process's own output. Every part's hash is
 * checked. Throws as {@link recordsOf}, and what the stream throws; what was written until then is of no use.
 */
export async function exportTo(
  output: Writable,
  { store, parts, format, shape, signal }: ExportRequest,
): Promise<Exported> {
  const exported = { records: 0, bytes: 0 };
  const records = counted(recordsOf(store, parts), exported);
  const source = Readable.from(format === "parquet" ? toParquet(records, shape) : toLines(records, shape), {
    objectMode: false,
    highWaterMark: pieceLength,
  });
  const measured = async function* (bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const piece of bytes) {
      exported.bytes += piece.length;
      yield piece;
    }
  };
  const options = { end: output !== process.stdout, ...(signal === undefined ? {} : { signal }) };
  if (format === "jsonl.gz") await pipeline(source, createGzip(), measured, output, options);
  else await pipeline(source, measured, output, options);
  return exported;
}

/**
 * Gives `write` a file beside `path`, which takes its place when all is written and on the disk: nobody ever sees a part
 * of it. Nothing is left of it when `write` throws.
 */
export async function writeAtomically<T>(path: string, write: (output: Writable) => Promise<T>): Promise<T> {
  const draft = `${path}.${process.pid}.part`;
  const output = createWriteStream(draft, { flush: true });
  const closed = once(output, "close");
  // It is heard below, unless writing has failed already.
  closed.catch(() => {});
  try {
    await once(output, "open");
    const result = await write(output);
    await closed;
    await rename(draft, path);
    return result;
  } catch (error) {
    output.destroy();
    await rm(draft, { force: true });
    throw error;
  }
}

async function* toLines(records: AsyncIterable<TrainingRecord>, shape: ExportShape): AsyncGenerator<string> {
  let piece = "";
  for await (const record of records) {
    piece += `${JSON.stringify(shape === "whole" ? record : { messages: record.messages })}\n`;
    if (piece.length < pieceLength) continue;
    yield piece;
    piece = "";
  }
  if (piece !== "") yield piece;
}

async function* counted<T>(items: AsyncIterable<T>, count: { records: number }): AsyncGenerator<T> {
  for await (const item of items) {
    count.records++;
    yield item;
  }
}
