/** Downloads a server program from its pinned release and checks it against the checksums published with it. */
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { PinnedServer } from "./pinned-servers.ts";
import type { Report } from "./report.ts";
import { extractExecutable } from "./tar.ts";

/** How long a server may take to begin its answer. */
const ANSWER_TIMEOUT_MS = 10_000;
/** How long a running download may stand still. */
const STALL_TIMEOUT_MS = 30_000;
const REPORT_EVERY_RATIO = 0.25;

/**
 * Puts the executable of the pinned release for this machine into `directory`, under the server's name. Throws when
 * there is no release for this machine, it cannot be reached (within 10 s), stalls (30 s) or does not have the
 * published SHA-256; nothing of an archive that failed the check is ever unpacked.
 */
export async function downloadRelease(
  server: PinnedServer,
  directory: string,
  options: { report: Report; signal?: AbortSignal },
): Promise<void> {
  const name = server.archive(process.platform, process.arch);
  if (name === null) throw new Error(`no release for ${process.platform} on ${process.arch}`);
  const url = new URL(name, server.releaseUrl);
  options.report(`${server.title}: downloading ${url.href}`);
  const expected = await publishedChecksum(new URL("checksums.txt", server.releaseUrl), name, options.signal);
  const archive = join(directory, "archive.tar.gz");
  const actual = await downloadFile(url, archive, options, server.title);
  if (actual !== expected) throw new Error(`SHA-256 of ${url.href} is ${actual}, published is ${expected}`);
  await extractExecutable(archive, server.name, join(directory, server.name));
}

async function publishedChecksum(url: URL, name: string, signal: AbortSignal | undefined): Promise<string> {
  const { chunks } = await open(url, signal);
  for await (const line of createInterface({ input: Readable.from(chunks) })) {
    const [checksum, file] = line.trim().split(/\s+\*?/);
    if (file === name && checksum !== undefined && /^[0-9a-f]{64}$/.test(checksum)) return checksum;
  }
  throw new Error(`${url.href} has no SHA-256 of ${name}`);
}

/** Answers the SHA-256 (hex) of what was written. */
async function downloadFile(
  url: URL,
  target: string,
  options: { report: Report; signal?: AbortSignal },
  title: string,
): Promise<string> {
  const { chunks, bytes } = await open(url, options.signal);
  const hash = createHash("sha256");
  let received = 0;
  let reportAt = REPORT_EVERY_RATIO;
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      hash.update(chunk);
      received += chunk.byteLength;
      if (bytes !== null && received / bytes >= reportAt) {
        options.report(`${title}: ${megabytes(received)} of ${megabytes(bytes)} MB`);
        reportAt += REPORT_EVERY_RATIO;
      }
      yield chunk;
    }
  }
  await pipeline(counted, createWriteStream(target));
  if (bytes !== null && received !== bytes) throw new Error(`${url.href} ended after ${received} of ${bytes} bytes`);
  return hash.digest("hex");
}

/** Requests a file; its body ends with an error when it stalls. */
async function open(
  url: URL,
  signal: AbortSignal | undefined,
): Promise<{ chunks: AsyncIterable<Uint8Array>; bytes: number | null }> {
  const patience = new AbortController();
  const wait = (timeoutMs: number, what: string): NodeJS.Timeout =>
    setTimeout(() => patience.abort(new Error(`${url.host} ${what} for ${timeoutMs / 1000} s`)), timeoutMs);
  let timer = wait(ANSWER_TIMEOUT_MS, "did not answer");
  const stop = signal === undefined ? patience.signal : AbortSignal.any([signal, patience.signal]);
  let response: Response;
  try {
    response = await fetch(url, { signal: stop });
  } catch (error) {
    const reason: unknown = patience.signal.aborted ? patience.signal.reason : error;
    throw new Error(`${url.host} cannot be reached: ${causeOf(reason)}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
  if (!response.ok || response.body === null) throw new Error(`${url.href} answers ${response.status}`);
  const body = response.body;
  async function* chunks(): AsyncGenerator<Uint8Array> {
    timer = wait(STALL_TIMEOUT_MS, "sent nothing");
    try {
      for await (const chunk of body) {
        timer.refresh();
        yield chunk;
      }
    } finally {
      clearTimeout(timer);
    }
  }
  const length = response.headers.get("content-length");
  return { chunks: chunks(), bytes: length === null ? null : Number(length) };
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}
