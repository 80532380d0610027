import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";

/** Bytes unpacked at a time, a way to another thread and back each; so many at most are lost where a gzip breaks off. */
const unpackedBytes = 64 * 1024;

/** Packed bytes that are damaged or break off. */
export class BrokenArchive extends Error {}

/** Unpacks; damage is a BrokenArchive, a broken connection stays what it is. */
export async function* gunzip(packed: Readable): AsyncGenerator<Uint8Array> {
  const unpacked = createGunzip({ chunkSize: unpackedBytes });
  let transport: Error | null = null;
  packed.on("error", (error: Error) => {
    transport = error;
    unpacked.destroy(error);
  });
  try {
    yield* packed.pipe(unpacked);
  } catch (error) {
    throw transport ?? new BrokenArchive("damaged gzip", { cause: error });
  }
}
