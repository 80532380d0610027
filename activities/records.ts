import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import type { Part } from "../src/domain/dataset-version-schema.ts";
import { TypedFailure } from "../src/domain/failures.ts";
import { textLines } from "../src/domain/lines.ts";
import { recordSchema, type TrainingRecord } from "../src/domain/record-schema.ts";
import type { ObjectStore } from "../src/ports.ts";
import { parseLine } from "./documents.ts";

/** What has to be known of a part to read it. */
type StoredPart = Pick<Part, "key" | "sha256" | "records">;

/** What reads it. */
type PartStore = Pick<ObjectStore, "stream">;

/** Bytes unpacked at a time, a way to another thread and back each. */
const pieceBytes = 128 * 1024;

/**
 * The unpacked bytes of a part in pieces. Throws CorruptObject when they are not those written, which may be found out at
 * their end only; lets go of the object when its reader stops early.
 */
export async function* partPieces(store: PartStore, part: StoredPart): AsyncGenerator<Buffer> {
  const packed = await store.stream(part.key, { sha256: part.sha256 });
  // What goes wrong in either is thrown by the loop below.
  const unpacked = pipeline(packed, createGunzip({ chunkSize: pieceBytes }), () => {});
  try {
    yield* unpacked;
  } catch (error) {
    throw hasCode(error, "Z_") ? damaged(part, error) : error;
  } finally {
    packed.destroy();
    unpacked.destroy();
  }
}

/**
 * The lines of a part, each one record as JSON. Throws and lets go like {@link partPieces}, and throws CorruptObject also
 * when they are not as many as the manifest says.
 */
export async function* partLines(store: PartStore, part: StoredPart): AsyncGenerator<string> {
  let records = 0;
  try {
    for await (const line of textLines(partPieces(store, part))) {
      records++;
      yield line;
    }
  } catch (error) {
    // Damage may show in the text before the hash of the whole can tell.
    throw hasCode(error, "ERR_ENCODING_INVALID_ENCODED_DATA") ? damaged(part, error) : error;
  }
  assertRecords(part, records);
}

/** Throws CorruptObject when a part does not hold as many records as its manifest says. */
export function assertRecords(part: StoredPart, records: number): void {
  if (records === part.records) return;
  throw new TypedFailure("CorruptObject", `${part.key}: holds ${records} records, its manifest says ${part.records}`);
}

/** The records of a part. Throws like {@link partLines}, and InvalidData that names the line which is no record. */
export async function* partRecords(store: PartStore, part: StoredPart): AsyncGenerator<TrainingRecord> {
  let number = 0;
  for await (const line of partLines(store, part)) {
    yield parseLine(recordSchema, line, { key: part.key, number: ++number });
  }
}

function damaged({ key }: StoredPart, cause: unknown): TypedFailure {
  return new TypedFailure("CorruptObject", `${key}: the gzip is damaged`, { cause });
}

function hasCode(error: unknown, start: string): boolean {
  return error instanceof Error && "code" in error && typeof error.code === "string" && error.code.startsWith(start);
}
