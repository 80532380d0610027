import { pipeline } from "node:stream";
import { createInterface } from "node:readline";
import { createGunzip } from "node:zlib";
import type { Part } from "../src/domain/dataset-version-schema.ts";
import { TypedFailure } from "../src/domain/failures.ts";
import type { ObjectStore } from "../src/ports.ts";

/**
 * The lines of a part, each one record as JSON. Throws CorruptObject when the bytes are not those written, which may be
 * found out at their end only; lets go of the object when its reader stops early.
 */
export async function* partLines(store: ObjectStore, part: Pick<Part, "key" | "sha256">): AsyncGenerator<string> {
  const packed = await store.stream(part.key, { sha256: part.sha256 });
  // What goes wrong in either is thrown by the loop below.
  const unpacked = pipeline(packed, createGunzip(), () => {});
  try {
    yield* createInterface({ input: unpacked, crlfDelay: Infinity });
  } catch (error) {
    if (!isDamage(error)) throw error;
    throw new TypedFailure("CorruptObject", `${part.key}: the gzip is damaged`, { cause: error });
  } finally {
    packed.destroy();
    unpacked.destroy();
  }
}

/** Damage shows in the gzip before the hash of the whole can tell. */
function isDamage(error: unknown): boolean {
  return error instanceof Error && "code" in error && typeof error.code === "string" && error.code.startsWith("Z_");
}
