import { closeSync, openSync, readSync, statSync } from "node:fs";

/** Most bytes of one piece, so that a tail is cheap however long the log is. */
const PIECE_BYTES = 1024 * 1024;

/**
 * The pieces of a log from a page token on. A page with pieces has a token to go on from, an empty one has none: both a
 * reader that loops until the end and one that follows are served by that.
 */
export function logPage(
  path: string,
  token: string | undefined,
  piece: (from: number, to: number) => { url: string; clusterId: string },
) {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  const chunks = [];
  for (let from = Number(token ?? 0) || 0; from < size; from += PIECE_BYTES) {
    const to = Math.min(size, from + PIECE_BYTES);
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
  }
  const next = chunks.length === 0 ? null : String(size);
  return { log_chunks: chunks, next_page_token: next, previous_page_token: null, bearer_token: null };
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
