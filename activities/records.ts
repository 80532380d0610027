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

/**
 * The lines of a part, each one record as JSON. Throws CorruptObject when the bytes are not those written or not as many
 * records as the manifest says, which may be found out at their end only; lets go of the object when its reader stops
 * early.
 */
export async function* partLines(store: PartStore, part: StoredPart): AsyncGenerator<string> {
  const packed = await store.stream(part.key, { sha256: part.sha256 });
  // What goes wrong in either is thrown by the loop below.
  const unpacked = pipeline(packed, createGunzip(), () => {});
  let records = 0;
  try {
    for await (const line of textLines(unpacked)) {
      records++;
      yield line;
    }
  } catch (error) {
    if (!isDamage(error)) throw error;
    throw new TypedFailure("CorruptObject", `${part.key}: the gzip is damaged`, { cause: error });
  } finally {
    packed.destroy();
    unpacked.destroy();
  }
  if (records !== part.records) {
    throw new TypedFailure("CorruptObject", `${part.key}: holds ${records} records, its manifest says ${part.records}`);
  }
}

/** The records of a part. Throws like {@link partLines}, and InvalidData that names the line which is no record. */
export async function* partRecords(store: PartStore, part: StoredPart): AsyncGenerator<TrainingRecord> {
  let number = 0;
  for await (const line of partLines(store, part)) {
    yield parseLine(recordSchema, line, { key: part.key, number: ++number });
  }
}

/** Damage shows in the gzip or its text before the hash of the whole can tell. */
function isDamage(error: unknown): boolean {
  if (!(error instanceof Error && "code" in error && typeof error.code === "string")) return false;
  return error.code.startsWith("Z_") || error.code === "ERR_ENCODING_INVALID_ENCODED_DATA";
}
