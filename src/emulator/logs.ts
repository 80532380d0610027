import { closeSync, openSync, readSync, statSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";
import { Refusal } from "./refusal.ts";

/** Most bytes of one piece, so that a tail is cheap however long the log is. */
const PIECE_BYTES = 1024 * 1024;

const LINE_BREAK = 0x0a;

/** How much of a log's end is looked at for its last lines. */
const TAIL_BYTES = 256 * 1024;

/** Controls but the tab, and what turns the direction of text round. */
const INVISIBLE = /(?!\t)[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** Most pieces of one page when the caller names no number. */
const DEFAULT_PIECES = 100;

/** How much before a piece's end is searched for the end of a line. */
const LINE_BYTES = 64 * 1024;

/**
 * The pieces of a log from a page token on. A page with pieces has a token to go on from, an empty one has none: both a
 * reader that loops until the end and one that follows are served by that. A piece ends with a line, as readers split each
 * by itself; the last line is held back until it is ended or the log is whole. Only a line longer than a piece is cut.
 * Throws `Refusal` for a token or page size that is none.
 */
export function logPage(
  log: { path: string; isWhole: boolean },
  query: { token: string | undefined; pageSize: string | undefined },
  piece: (from: number, to: number) => { url: string; clusterId: string },
) {
  const chunks = [];
  let from = wholeNumber("next_page_token", query.token, 0);
  const limit = wholeNumber("page_size", query.pageSize, DEFAULT_PIECES);
  const size = statSync(log.path, { throwIfNoEntry: false })?.size ?? 0;
  while (from < size && chunks.length < limit) {
    const to = pieceEnd(log, from, size);
    if (to === from) break;
    const { url, clusterId } = piece(from, to);
    chunks.push({
      chunk_url: url,
      chunk_name: `job-driver-${from}.log`,
      file_name: "job-driver.log",
      size: to - from,
      cluster_id: clusterId,
      node_type: "head-node",
      node_ip: "127.0.0.1",
      instance_id: "local",
      session_id: "session_1",
    });
    from = to;
  }
  const next = chunks.length === 0 ? null : String(from);
  return { log_chunks: chunks, next_page_token: next, previous_page_token: null, bearer_token: null };
}

/** Where a piece ends: behind its last line break, if there is one near its end. */
function pieceEnd(log: { path: string; isWhole: boolean }, from: number, size: number): number {
  const end = Math.min(size, from + PIECE_BYTES);
  if (end === size && log.isWhole) return end;
  const start = Math.max(from, end - LINE_BYTES);
  const lineEnd = readLog(log.path, start, end).lastIndexOf(LINE_BREAK);
  if (lineEnd !== -1) return start + lineEnd + 1;
  return start > from ? end : from;
}

function wholeNumber(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  if (!/^\d{1,15}$/.test(text)) throw new Refusal(400, `${name} "${text}" is no whole number`);
  return Number(text);
}

/** Bytes `from` to `to` of a log, `to` not included. */
export function readLog(path: string, from: number, to: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.min(PIECE_BYTES, Math.max(0, to - from)));
  const file = openSync(path, "r");
  try {
    return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, from));
  } finally {
    closeSync(file);
  }
}

/**
 * The last lines of a log as {@link plainText}, at most `maxLines` and 256 KiB. The first one is whole, unless a single line
 * is longer than that. Empty when there is no log.
 */
export function lastLines(path: string, maxLines: number): string[] {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size === 0) return [];
  const from = Math.max(0, size - TAIL_BYTES);
  const lines = new TextDecoder().decode(readLog(path, from, size)).split("\n");
  if (lines.at(-1) === "") lines.pop();
  if (from > 0 && lines.length > 1) lines.shift();
  return lines.slice(-maxLines).map(plainText);
}

/** A line as a terminal leaves it: without colours and controls, and of a progress bar its last state. */
export function plainText(line: string): string {
  const shown = stripVTControlCharacters(line).replace(/\r+$/, "");
  return shown.slice(shown.lastIndexOf("\r") + 1).replace(INVISIBLE, "");
}
