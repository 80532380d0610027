import { isUtf8 } from "node:buffer";

const newline = 0x0a;

/** A line of a byte stream, or why it cannot be read; `text` of an unreadable one is its beginning. */
export interface Line {
  /** From 1. */
  number: number;
  text: string;
  problem: string | null;
}

/**
 * Cuts a byte stream into lines in constant memory: the rest of an over-long line is counted and dropped, invalid UTF-8
 * is reported and not repaired, a missing final newline is fine, blank lines are left out, a carriage return is cut.
 *
 * @param maxBytes longest line that is read, in bytes
 */
export async function* splitLines(bytes: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Line[]> {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  let dropped = 0;
  let number = 0;

  const take = (piece: Buffer): Line | null => {
    number++;
    const whole = pending.length === 0 ? piece : Buffer.concat([...pending, piece]);
    const total = whole.length + dropped;
    pending = [];
    pendingBytes = 0;
    dropped = 0;
    if (total > maxBytes) {
      return { number, text: printable(whole), problem: `line of ${total} bytes: longer than ${maxBytes}` };
    }
    const line = whole.at(-1) === 0x0d ? whole.subarray(0, -1) : whole;
    if (!isUtf8(line)) return { number, text: printable(line), problem: "not valid UTF-8" };
    const text = number === 1 ? line.toString("utf8").replace(/^\uFEFF/, "") : line.toString("utf8");
    return text.trim() === "" ? null : { number, text, problem: null };
  };

  for await (const piece of bytes) {
    const chunk = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    const lines: Line[] = [];
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      const line = take(chunk.subarray(start, end));
      if (line) lines.push(line);
      start = end + 1;
    }
    const rest = chunk.subarray(start);
    if (pendingBytes + rest.length > maxBytes) {
      // Keep the beginning, for people; count the rest.
      const kept = rest.subarray(0, Math.max(0, maxBytes - pendingBytes));
      if (kept.length > 0) pending.push(Buffer.from(kept));
      pendingBytes += kept.length;
      dropped += rest.length - kept.length;
    } else if (rest.length > 0) {
      pending.push(Buffer.from(rest));
      pendingBytes += rest.length;
    }
    if (lines.length > 0) yield lines;
  }
  if (pendingBytes > 0) {
    const line = take(Buffer.alloc(0));
    if (line) yield [line];
  }
}

function printable(bytes: Buffer): string {
  return bytes.subarray(0, 1000).toString("utf8");
}
