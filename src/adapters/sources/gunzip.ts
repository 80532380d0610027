import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";

/** Bytes unpacked at a time, a way to another thread and back each; so many at most are lost where a gzip breaks off. */
const unpackedBytes = 64 * 1024;

/** Packed bytes that are damaged or break off. */
export class BrokenArchive extends Error {}

/** Whether bytes are packed by gzip, by how they begin; and the same bytes again. */
export async function sniffed(bytes: AsyncIterable<Uint8Array>): Promise<{ isPacked: boolean; bytes: Readable }> {
  const pieces = bytes[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  for (let next = await pieces.next(); next.done !== true; next = await pieces.next()) {
    head = Buffer.concat([head, next.value]);
    if (head.length >= 2) break;
  }
  async function* whole(): AsyncGenerator<Uint8Array> {
    try {
      if (head.length > 0) yield head;
      yield* { [Symbol.asyncIterator]: () => pieces };
    } finally {
      await pieces.return?.();
    }
  }
  return { isPacked: head[0] === 0x1f && head[1] === 0x8b, bytes: Readable.from(whole()) };
}

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
