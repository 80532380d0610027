import type { Readable } from "node:stream";
import type { SourceOf } from "../../domain/source-schema.ts";
import type { ObjectStore, ObjectSummary, SourceItem } from "../../ports.ts";
import { createLineMapper, toItem, type ItemOutcome } from "./chat-items.ts";
import { parseCursor } from "./cursor.ts";
import { fileLines, type LineFormat } from "./file-lines.ts";
import type { Line } from "./line-splitter.ts";
import { examinable, ofKind, type Examination, type ExaminableReader } from "./mapped.ts";
import { PrefixExtent } from "./prefix-extent.ts";
import { loadMarks, markOf, s3CursorSchema, saveMarks, type S3Cursor } from "./s3-cursor.ts";

/**
 * Reads every new object under a prefix in key order: `.csv` and `.parquet` by their names, everything else as JSONL, `.gz`
 * or plain. An object that changed is read again; what is not new in it is found to be duplicate later. An object that
 * breaks off is quarantined from there.
 *
 * @param own Tuneloop's own store, which keeps the list of objects read
 * @param open opens the store of a source's URI
 */
export function createS3JsonlReader(own: ObjectStore, open: (uri: string) => ObjectStore): ExaminableReader {
  return examinable((source, cursor, signal) => {
    const definition = ofKind(source, "s3-jsonl");
    return readPrefix(own, open(definition.uri), definition, cursor, signal);
  });
}

/** Reads one chat-format JSONL object. Throws NotFound when it is not there. */
export async function* readChatFile(
  store: ObjectStore,
  key: string,
  signal: AbortSignal,
): AsyncGenerator<SourceItem[]> {
  const object = { key, bytes: 0, etag: "", modifiedAt: new Date().toISOString() };
  const bytes = await store.stream(key);
  for await (const lines of linesOf(bytes, key, { format: "jsonl", isMapped: false }, signal))
    yield lines.map((line) => toItem(object, line));
}

function readPrefix(
  own: ObjectStore,
  store: ObjectStore,
  source: SourceOf<"s3-jsonl">,
  start: string | null,
  signal: AbortSignal,
): Examination {
  /** Objects of earlier passes, and of this one. */
  const [before, seen] = [new Set<string>(), new Set<string>()];
  const isNew = (object: ObjectSummary): boolean => !object.key.endsWith("/") && !before.has(markOf(object));
  const extent = new PrefixExtent(store, isNew, signal);
  let partial: S3Cursor["partial"];
  const isMapped = source.map !== undefined;
  const toOutcome = createLineMapper(source);

  async function* outcomes(): AsyncGenerator<ItemOutcome[]> {
    const from = start === null ? {} : parseCursor(source.id, s3CursorSchema, start);
    for (const mark of await loadMarks(own, from)) before.add(mark);
    for await (const object of store.list("")) {
      signal.throwIfAborted();
      if (!isNew(object)) continue;
      const resumed = from.partial?.key === object.key && from.partial.etag === object.etag ? from.partial.lines : 0;
      const bytes = extent.counted(await store.stream(object.key));
      for await (const lines of linesOf(bytes, object.key, { format: formatOf(object.key), isMapped }, signal)) {
        const fresh = lines.filter(({ number }) => number > resumed);
        if (fresh.length === 0) continue;
        partial = { key: object.key, etag: object.etag, lines: fresh.at(-1)?.number ?? 0 };
        yield fresh.map((line) => toOutcome(object, line));
      }
      seen.add(markOf(object));
      partial = undefined;
    }
  }

  return {
    outcomes: outcomes(),
    cursor: async () => JSON.stringify({ ...(await saveMarks(own, source.id, [...before, ...seen])), partial }),
    extent: () => extent.read(),
  };
}

async function* linesOf(
  bytes: Readable,
  key: string,
  { format, isMapped }: { format: LineFormat; isMapped: boolean },
  signal: AbortSignal,
): AsyncGenerator<Line[]> {
  try {
    yield* fileLines(bytes, { format, isPacked: key.endsWith(".gz"), name: key, isMapped }, signal);
  } finally {
    bytes.destroy();
  }
}

/** By the name; what has no name of a table is lines, as it always was. */
function formatOf(key: string): LineFormat {
  if (key.endsWith(".parquet")) return "parquet";
  return /\.csv(\.gz)?$/.test(key) ? "csv" : "jsonl";
}
