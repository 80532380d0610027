/**
 * Takes one executable out of a gzipped tar archive. Nothing else of the archive is ever written, its names and links
 * are only compared: an archive cannot place a file anywhere.
 */
import { createReadStream, createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { basename } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";

const BLOCK_BYTES = 512;
/** Far above any server program, far below a full disk. */
const MAX_BYTES = 1_000_000_000;

/**
 * Writes the regular file whose last path part is `name` to `target`, executable. Throws when the archive has none,
 * is damaged or cut off, or would unpack to more than 1 GB; `target` is then not there.
 */
export async function extractExecutable(archive: string, name: string, target: string): Promise<void> {
  let found = false;
  try {
    const gunzip = createGunzip();
    await pipeline(
      createReadStream(archive),
      gunzip,
      async function* pick(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
        for await (const { header, chunk } of readMembers(source)) {
          if (header.kind !== "file" || basename(header.path) !== name) continue;
          found = true;
          yield chunk;
        }
      },
      createWriteStream(target, { mode: 0o755, flags: "wx" }),
    );
    if (!found) throw new Error(`it holds no file ${name}`);
  } catch (error) {
    await rm(target, { force: true });
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`the archive cannot be unpacked: ${message}`, { cause: error });
  }
}

interface MemberHeader {
  path: string;
  kind: "file" | "other";
  bytes: number;
}

/** The contents of an archive's members, in pieces, in order. */
async function* readMembers(source: AsyncIterable<Buffer>): AsyncGenerator<{ header: MemberHeader; chunk: Buffer }> {
  let buffered: Buffer = Buffer.alloc(0);
  let total = 0;
  let header: MemberHeader | null = null;
  let contentLeft = 0;
  let paddingLeft = 0;
  let endSeen = false;
  for await (const piece of source) {
    total += piece.byteLength;
    if (total > MAX_BYTES) throw new Error(`it unpacks to more than ${MAX_BYTES} bytes`);
    buffered = buffered.byteLength === 0 ? piece : Buffer.concat([buffered, piece]);
    while (!endSeen && buffered.byteLength > 0) {
      if (contentLeft > 0 || paddingLeft > 0) {
        const content = Math.min(contentLeft, buffered.byteLength);
        if (content > 0 && header !== null) yield { header, chunk: buffered.subarray(0, content) };
        const padding = Math.min(paddingLeft, buffered.byteLength - content);
        contentLeft -= content;
        paddingLeft -= padding;
        buffered = buffered.subarray(content + padding);
        continue;
      }
      if (buffered.byteLength < BLOCK_BYTES) break;
      header = parseHeader(buffered.subarray(0, BLOCK_BYTES));
      endSeen = header === null;
      contentLeft = header?.bytes ?? 0;
      paddingLeft = (BLOCK_BYTES - (contentLeft % BLOCK_BYTES)) % BLOCK_BYTES;
      buffered = buffered.subarray(BLOCK_BYTES);
    }
  }
  if (!endSeen) throw new Error("it is cut off");
}

/** Null for the block of zeros that ends an archive. */
function parseHeader(block: Buffer): MemberHeader | null {
  if (block.every((byte) => byte === 0)) return null;
  const claimed = Number.parseInt(text(block, 148, 8), 8);
  const sum = block.reduce((all, byte, index) => all + (index >= 148 && index < 156 ? 32 : byte), 0);
  const bytes = Number.parseInt(text(block, 124, 12), 8);
  if (claimed !== sum || !Number.isSafeInteger(bytes) || bytes < 0) throw new Error("it is damaged");
  const type = text(block, 156, 1);
  return { path: text(block, 0, 100), kind: type === "" || type === "0" ? "file" : "other", bytes };
}

/** A field up to its first zero byte. */
function text(block: Buffer, start: number, length: number): string {
  const field = block.subarray(start, start + length);
  const end = field.indexOf(0);
  return field.toString("latin1", 0, end < 0 ? length : end).trim();
}
