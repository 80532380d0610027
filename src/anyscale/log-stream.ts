import { Gunzip } from "fflate";
import type { z } from "zod";
import { UnavailableError } from "./errors.ts";
import { logPageSchema } from "./jobs-wire.ts";
import { isPassing, pause, positiveMs } from "./poll.ts";
import type { CallOptions, Transport } from "./transport.ts";
import { resultOf } from "./wire.ts";

/** Longest line that is kept whole, in characters; a longer one comes in pieces, so that memory has a bound. */
const MAX_LINE = 1024 * 1024;

/** Chunks that are asked for at once. */
const PAGE_SIZE = "1000";

/** How to read a log. */
export interface LogReading extends CallOptions {
  /** How long failures that may pass are repeated while nothing comes, in milliseconds. Default 120,000. */
  retryMs?: number;
  /** Pause before a failed read is repeated and between two looks for something new, in milliseconds. Default 2,000. */
  pollMs?: number;
}

/** A log behind pages of chunks, read once from its start to its end; it may grow meanwhile. */
export class LogStream {
  readonly #transport: Transport;
  readonly #path: string;
  readonly #reading: Required<Pick<LogReading, "retryMs" | "pollMs">> & CallOptions;
  readonly #lines = new LineCutter();
  /** Page that is read, chunks of it that are done, and bytes of the next chunk that are done. */
  #token: string | null = null;
  #chunks = 0;
  #bytes = 0;

  /** @param path of the API that answers pages, such as `/api/v2/logs/job_logs_download_v2/job_1` */
  constructor(transport: Transport, path: string, { retryMs = 120_000, pollMs = 2_000, signal }: LogReading) {
    this.#transport = transport;
    this.#path = path;
    this.#reading = { retryMs: positiveMs("retryMs", retryMs), pollMs: positiveMs("pollMs", pollMs), signal };
  }

  /**
   * Lines that are there and were not yielded before, up to the last one that is whole. A lost connection or a passing failure
   * is resumed at the byte where it was. Throws the failure when nothing came for `retryMs` or the server asks for more time than
   * is left of it, or the reason of `signal`.
   */
  async *fresh(): AsyncGenerator<string> {
    let failingSince: number | null = null;
    for (;;) {
      try {
        for await (const bytes of this.#read()) {
          failingSince = null;
          yield* this.#lines.add(bytes);
        }
        return;
      } catch (error) {
        const { retryMs, pollMs, signal } = this.#reading;
        failingSince ??= performance.now();
        const leftMs = failingSince + retryMs - performance.now();
        if (!isPassing(error) || leftMs <= (error.retryAfterMs ?? 0)) throw error;
        await pause(Math.max(error.retryAfterMs ?? 0, pollMs), signal);
      }
    }
  }

  /** The last line if it has no line break; the log has ended then. */
  rest(): string[] {
    return this.#lines.end();
  }

  /** Bytes from the present position to the present end. The position moves before the bytes are yielded. */
  async *#read(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const page = await this.#page();
      // A token that leads back to the same page leads nowhere.
      const next = page.next_page_token === this.#token ? null : (page.next_page_token ?? null);
      for (const { chunk_url: url } of page.log_chunks.slice(this.#chunks)) {
        yield* this.#chunk(url, page.bearer_token ?? null);
        // The last chunk of a page that leads nowhere may grow: it stays the present one.
        if (next === null && this.#chunks === page.log_chunks.length - 1) return;
        this.#chunks += 1;
        this.#bytes = 0;
      }
      // A page with chunks comes with a token to go on from; an empty page is the end, whatever its token.
      if (page.log_chunks.length === 0 || next === null) return;
      this.#token = next;
      this.#chunks = 0;
      this.#bytes = 0;
    }
  }

  async #page(): Promise<z.infer<typeof logPageSchema>> {
    const query = { page_size: PAGE_SIZE, next_page_token: this.#token ?? undefined };
    const reply = resultOf(logPageSchema);
    const { signal } = this.#reading;
    return (await this.#transport.call({ method: "GET", path: this.#path, query, reply, signal })).result;
  }

  /** What of a chunk is not read yet; it may be gzip. */
  async *#chunk(url: string, bearerToken: string | null): AsyncGenerator<Uint8Array> {
    let skip = this.#bytes;
    for await (const bytes of unzipped(this.#transport.stream(url, bearerToken, this.#reading))) {
      const fresh = bytes.subarray(Math.min(skip, bytes.length));
      skip -= bytes.length - fresh.length;
      this.#bytes += fresh.length;
      if (fresh.length > 0) yield fresh;
    }
  }
}

/** Bytes as they are, or unpacked when they begin as gzip does. */
async function* unzipped(pieces: AsyncGenerator<Uint8Array<ArrayBuffer>>): AsyncGenerator<Uint8Array> {
  let head = new Uint8Array();
  try {
    while (head.length < 2) {
      const { done, value } = await pieces.next();
      if (done) break;
      head = head.length === 0 ? value : Uint8Array.from([...head, ...value]);
    }
    if (head[0] !== 0x1f || head[1] !== 0x8b) {
      yield head;
      yield* pieces;
      return;
    }
    yield* gunzipped(head, pieces);
  } finally {
    await pieces.return(undefined);
  }
}

async function* gunzipped(head: Uint8Array, rest: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  let plain: Uint8Array[] = [];
  const gunzip = new Gunzip((bytes) => plain.push(bytes));
  const unpack = (bytes: Uint8Array, isLast: boolean) => {
    plain = [];
    try {
      gunzip.push(bytes, isLast);
    } catch (cause) {
      throw new UnavailableError("a piece of the log is no whole gzip; try again", { cause });
    }
    return plain;
  };
  yield* unpack(head, false);
  for await (const bytes of rest) yield* unpack(bytes, false);
  yield* unpack(new Uint8Array(), true);
}

/** Cuts bytes into lines. Characters and lines may lie across pieces. */
class LineCutter {
  readonly #decoder = new TextDecoder();
  #open = "";

  *add(bytes: Uint8Array): Generator<string> {
    yield* this.#cut(this.#decoder.decode(bytes, { stream: true }));
  }

  end(): string[] {
    const last = this.#open + this.#decoder.decode();
    this.#open = "";
    return last === "" ? [] : [withoutReturn(last)];
  }

  *#cut(text: string): Generator<string> {
    let from = 0;
    for (let to = text.indexOf("\n"); to >= 0; to = text.indexOf("\n", from)) {
      yield withoutReturn(this.#open + text.slice(from, to));
      this.#open = "";
      from = to + 1;
    }
    this.#open += text.slice(from);
    while (this.#open.length > MAX_LINE) {
      yield this.#open.slice(0, MAX_LINE);
      this.#open = this.#open.slice(MAX_LINE);
    }
  }
}

function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}
