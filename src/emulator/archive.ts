import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { unzipSync } from "fflate";

const MAX_ENTRIES = 10_000;
const MAX_TOTAL_BYTES = 1024 * 1024 * 1024;
/** Compression above this is a bomb, unless the whole is small anyway. */
const MAX_RATIO = 100;
const SMALL_BYTES = 16 * 1024 * 1024;

/** An archive that is refused; the message says which entry and why. */
export class ArchiveError extends Error {}

interface Entry {
  name: string;
  bytes: number;
  /** Unix mode with file type; 0 when the archive has none. */
  mode: number;
}

/**
 * Unpacks a ZIP below `directory`, which must be empty, and answers the working directory: the one top-level folder if
 * there is exactly one, else `directory`. Throws `ArchiveError` for anything that could write elsewhere (absolute, `..`,
 * links, devices) or is too much (10,000 entries, 1 GiB, ratio 100), before a byte is written.
 */
export function unpack(archive: Uint8Array, directory: string): string {
  const entries = readEntries(archive);
  checkEntries(entries, archive.length);
  const modes = new Map(entries.map((entry) => [entry.name, entry.mode]));
  let files: Record<string, Uint8Array>;
  try {
    files = unzipSync(archive);
  } catch (cause) {
    throw new ArchiveError("the archive is damaged", { cause });
  }
  mkdirSync(directory, { recursive: true });
  for (const [name, bytes] of Object.entries(files)) {
    const path = join(directory, name);
    if (name.endsWith("/")) {
      mkdirSync(path, { recursive: true });
      continue;
    }
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
    if (((modes.get(name) ?? 0) & 0o100) !== 0) chmodSync(path, 0o755);
  }
  const [first, ...others] = readdirSync(directory);
  if (first === undefined || others.length > 0) return directory;
  return statSync(join(directory, first)).isDirectory() ? join(directory, first) : directory;
}

function checkEntries(entries: Entry[], archiveBytes: number): void {
  if (entries.length > MAX_ENTRIES)
    throw new ArchiveError(`${entries.length} entries, at most ${MAX_ENTRIES} are taken`);
  let total = 0;
  for (const { name, bytes, mode } of entries) {
    const parts = name.split("/");
    if (name === "" || name.startsWith("/") || /[\0\\]|^[A-Za-z]:/.test(name) || parts.includes("..")) {
      throw new ArchiveError(`entry ${JSON.stringify(name)} does not lie inside of the archive`);
    }
    const type = mode & 0o170000;
    if (type !== 0 && type !== 0o100000 && type !== 0o040000) {
      throw new ArchiveError(`entry ${JSON.stringify(name)} is a link or a device`);
    }
    total += bytes;
  }
  const tooDense = total > SMALL_BYTES && total > archiveBytes * MAX_RATIO;
  if (total > MAX_TOTAL_BYTES || tooDense) throw new ArchiveError(`${total} bytes when unpacked are too many`);
}

/** The central directory, which is also what the unpacker goes by. */
function readEntries(archive: Uint8Array): Entry[] {
  const view = new DataView(archive.buffer, archive.byteOffset, archive.byteLength);
  let end = archive.length - 22;
  while (end >= 0 && view.getUint32(end, true) !== 0x06054b50) end--;
  if (end < 0) throw new ArchiveError("this is not a ZIP archive");
  const count = view.getUint16(end + 10, true);
  let offset = view.getUint32(end + 16, true);
  if (count === 0xffff || offset === 0xffffffff) throw new ArchiveError("ZIP64 archives are not taken");
  const entries: Entry[] = [];
  for (let index = 0; index < count; index++) {
    if (offset + 46 > archive.length || view.getUint32(offset, true) !== 0x02014b50) {
      throw new ArchiveError("the archive's directory is damaged");
    }
    const nameLength = view.getUint16(offset + 28, true);
    entries.push({
      name: new TextDecoder().decode(archive.subarray(offset + 46, offset + 46 + nameLength)),
      bytes: view.getUint32(offset + 24, true),
      mode: view.getUint32(offset + 38, true) >>> 16,
    });
    offset += 46 + nameLength + view.getUint16(offset + 30, true) + view.getUint16(offset + 32, true);
  }
  return entries;
}
