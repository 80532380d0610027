import { createInterface } from "node:readline";
import { createGunzip } from "node:zlib";
import type { Part } from "../src/domain/dataset-version-schema.ts";
import type { ObjectStore } from "../src/ports.ts";

/** The lines of a part, each one record as JSON. Throws CorruptObject at the end when the bytes are not those written. */
export async function* partLines(store: ObjectStore, part: Pick<Part, "key" | "sha256">): AsyncGenerator<string> {
  const packed = await store.stream(part.key, { sha256: part.sha256 });
  const unpacked = createGunzip();
  packed.on("error", (error) => unpacked.destroy(error));
  yield* createInterface({ input: packed.pipe(unpacked), crlfDelay: Infinity });
}
