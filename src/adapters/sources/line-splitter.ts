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
    return toLine(number, number === 1 ? line.toString("utf8").replace(/^\uFEFF/, "") : line.toString("utf8"));
  };

  for await (const piece of bytes) {
    const chunk = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    const lines: Line[] = [];
    const add = (line: Line | null): void => void (line && lines.push(line));
    let start = chunk.indexOf(newline) + 1;
    if (start > 0) {
      add(take(chunk.subarray(0, start - 1)));
      // What was pending is in that line: the other whole lines of the piece are read at once where they are all well.
      const whole = chunk.subarray(start, chunk.lastIndexOf(newline) + 1);
      if (whole.length <= maxBytes && isUtf8(whole)) {
        for (const text of whole.toString("utf8").split("\n").slice(0, -1))
          add(toLine(++number, text.endsWith("\r") ? text.slice(0, -1) : text));
      } else {
        for (let from = 0, end: number; from < whole.length; from = end + 1) {
          end = whole.indexOf(newline, from);
          add(take(whole.subarray(from, end)));
        }
      }
      start += whole.length;
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

/** Null for a blank line; almost every other one shows at its first character that it is not. */
function toLine(number: number, text: string): Line | null {
  const first = text.charCodeAt(0);
  if (!(first > 0x20 && first < 0x7f) && text.trim() === "") return null;
  return { number, text, problem: null };
}

function printable(bytes: Buffer): string {
  return bytes.subarray(0, 1000).toString("utf8");
}
