import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { z } from "zod";
import { TypedFailure } from "../../domain/failures.ts";
import { objectKeys } from "../../domain/object-keys.ts";
import { isPlainChatItem, maxLineBytes } from "../../domain/record.ts";
import { chatItemSchema, type ChatItem } from "../../domain/record-schema.ts";
import type { SourceDefinition } from "../../domain/source-schema.ts";
import type { ObjectStore, ObjectSummary, SourceItem, SourceReader, SourceReading } from "../../ports.ts";
import { splitLines, type Line } from "./line-splitter.ts";

/** Bytes kept of the hash of an object's key and ETag: enough to tell a million objects apart. */
const markBytes = 8;
/** Bytes unpacked at a time, a way to another thread and back each; so many at most are lost where a gzip breaks off. */
const unpackedBytes = 64 * 1024;
/** Objects remembered in the cursor itself; more of them go to a file in the store, and the cursor names it. */
const marksInline = 8;

/**
 * Where a pass over a prefix ended. Objects may arrive in any order of names and times, so a cursor remembers which
 * ones were read, not how far: nothing is skipped. `partial` is an object read up to a line.
 */
const cursorSchema = z.object({
  marks: z.string().optional(),
  file: z.string().optional(),
  partial: z.object({ key: z.string(), etag: z.string(), lines: z.int() }).optional(),
});
type Cursor = z.infer<typeof cursorSchema>;

/**
 * Reads every new object under a prefix: chat-format JSONL, `.gz` or plain, in key order. An object that changed is
 * read again; what is not new in it is found to be duplicate later. An object that breaks off is quarantined from there.
 *
 * @param own Tuneloop's own store, which keeps the list of objects read
 * @param open opens the store of a source's URI
 */
export function createS3JsonlReader(own: ObjectStore, open: (uri: string) => ObjectStore): SourceReader {
  return { read: (source, cursor, signal) => readPrefix(own, open(source.uri), source, cursor, signal) };
}

/** Reads one chat-format JSONL object. Throws NotFound when it is not there. */
export async function* readChatFile(
  store: ObjectStore,
  key: string,
  signal: AbortSignal,
): AsyncGenerator<SourceItem[]> {
  const object = { key, bytes: 0, etag: "", modifiedAt: new Date().toISOString() };
  for await (const lines of linesOf(store, object, signal)) yield lines.map((line) => toItem(object, line));
}

function readPrefix(
  own: ObjectStore,
  store: ObjectStore,
  source: SourceDefinition,
  start: string | null,
  signal: AbortSignal,
): SourceReading {
  const seen = new Set<string>();
  let partial: Cursor["partial"];

  async function* items(): AsyncGenerator<SourceItem[]> {
    const from = start === null ? {} : parseCursor(source.id, start);
    for (const mark of await loadMarks(own, from)) seen.add(mark);
    for await (const object of store.list("")) {
      signal.throwIfAborted();
      const mark = markOf(object);
      if (object.key.endsWith("/") || seen.has(mark)) continue;
      const resumed = from.partial?.key === object.key && from.partial.etag === object.etag ? from.partial.lines : 0;
      for await (const lines of linesOf(store, object, signal)) {
        const fresh = lines.filter(({ number }) => number > resumed);
        if (fresh.length === 0) continue;
        partial = { key: object.key, etag: object.etag, lines: fresh.at(-1)?.number ?? 0 };
        yield fresh.map((line) => toItem(object, line));
      }
      seen.add(mark);
      partial = undefined;
    }
  }

  return {
    items: items(),
    cursor: async () => JSON.stringify({ ...(await saveMarks(own, source.id, [...seen])), partial }),
  };
}

async function* linesOf(store: ObjectStore, object: ObjectSummary, signal: AbortSignal): AsyncGenerator<Line[]> {
  const bytes = await store.stream(object.key);
  let last = 0;
  try {
    for await (const lines of splitLines(object.key.endsWith(".gz") ? gunzip(bytes) : bytes, maxLineBytes)) {
      last = lines.at(-1)?.number ?? last;
      yield lines;
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof BrokenArchive)) throw error;
    yield [{ number: last + 1, text: "", problem: `the gzip breaks off or is damaged after line ${last}` }];
  } finally {
    bytes.destroy();
  }
}

class BrokenArchive extends Error {}

/** Unpacks; damage is a BrokenArchive, a broken connection stays what it is. */
async function* gunzip(packed: Readable): AsyncGenerator<Uint8Array> {
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

function toItem(object: ObjectSummary, line: Line): SourceItem {
  const at = `${object.key}#${line.number}`;
  const common = { sourceItem: at, at, receivedAt: object.modifiedAt, raw: line.text };
  if (line.problem !== null) return { ...common, reason: line.problem };
  let value: unknown;
  try {
    value = JSON.parse(line.text);
  } catch {
    return { ...common, reason: "not JSON" };
  }
  const chat = isPlainChatItem(value) ? value : chatItemOrReason(value);
  if (typeof chat === "string") return { ...common, reason: chat };
  const { id = at, receivedAt = object.modifiedAt } = chat;
  return { sourceItem: id, at, receivedAt, raw: line.text, chat };
}

/** An item as the schema has it; or its first problem, with the path of its field and without the item's text. */
function chatItemOrReason(value: unknown): ChatItem | string {
  const { data, error } = chatItemSchema.safeParse(value);
  if (data !== undefined) return data;
  const issue = error?.issues[0];
  return issue ? `${issue.path.join(".") || "item"}: ${issue.message}` : "not a chat record";
}

function markOf({ key, etag }: ObjectSummary): string {
  return createHash("sha256").update(`${key}\n${etag}`).digest().subarray(0, markBytes).toString("base64url");
}

function parseCursor(source: string, text: string): Cursor {
  try {
    return cursorSchema.parse(JSON.parse(text));
  } catch (error) {
    const message = `source ${source}: its cursor is not one of this kind; start the source without it`;
    throw new TypedFailure("InvalidData", message, { cause: error });
  }
}

async function loadMarks(own: ObjectStore, cursor: Cursor): Promise<string[]> {
  const packed = cursor.marks === undefined ? null : Buffer.from(cursor.marks, "base64url");
  const bytes = packed ?? (cursor.file === undefined ? Buffer.alloc(0) : (await own.get(cursor.file))?.body);
  if (bytes === undefined) {
    throw new TypedFailure(
      "NotFound",
      `${cursor.file}: the list of objects read is gone; start the source without its cursor`,
    );
  }
  const marks: string[] = [];
  for (let at = 0; at < bytes.length; at += markBytes)
    marks.push(bytes.subarray(at, at + markBytes).toString("base64url"));
  return marks;
}

async function saveMarks(own: ObjectStore, source: string, marks: string[]): Promise<Pick<Cursor, "marks" | "file">> {
  const bytes = Buffer.concat(marks.toSorted().map((mark) => Buffer.from(mark, "base64url")));
  if (marks.length <= marksInline) return { marks: bytes.toString("base64url") };
  const file = objectKeys.seen(source, createHash("sha256").update(bytes).digest("hex"));
  await own.put(file, bytes);
  return { file };
}
