import type { Chunk } from "../src/domain/batch-schema.ts";
import type { Part } from "../src/domain/dataset-version-schema.ts";
import { TypedFailure } from "../src/domain/failures.ts";
import { idBytes } from "../src/domain/id-set.ts";
import type { ObjectStore } from "../src/ports.ts";
import { writePart } from "./chunk-writer.ts";
import type { KnownIds } from "./known-ids.ts";
import { LinePacker } from "./line-packer.ts";
import { assertRecords, partPieces } from "./records.ts";

const newline = 0x0a;

/** A part with its records that are not known yet. */
export interface FreshPart {
  part: Part;
  /** How many those are. */
  records: number;
  /** 1 for each of the part's records that is one of them; null when all are. */
  isNew: Uint8Array | null;
}

/** The parts of a chunk that have records which are not known; from then on they are. Throws CorruptObject. */
export async function freshParts(store: ObjectStore, chunk: Chunk, known: KnownIds): Promise<FreshPart[]> {
  const ids = await idsOf(store, chunk);
  const fresh: FreshPart[] = [];
  let at = 0;
  for (const part of chunk.parts) {
    const isNew = await known.add(ids.subarray(at, at + part.records * idBytes));
    at += part.records * idBytes;
    const records = isNew.reduce((sum, one) => sum + one, 0);
    if (records > 0) fresh.push({ part, records, isNew: records === part.records ? null : isNew });
  }
  return fresh;
}

/** A part of nothing but its fresh records: the object it is, or one that is written anew. Content-addressed. */
export async function withoutKnown(store: ObjectStore, dataset: string, { part, isNew }: FreshPart): Promise<Part> {
  if (isNew === null) return part;
  const kept = new LinePacker();
  let line = 0;
  for await (const piece of partPieces(store, part)) {
    line += keepLines(piece, isNew, line, kept);
    await kept.caughtUp();
  }
  assertRecords(part, line);
  return writePart(store, { dataset, source: part.source, split: part.split }, kept);
}

/**
 * Adds those lines of a piece that are marked in `keep`, as the bytes they are; `first` is the number of the line, from 0,
 * in which the piece begins. Answers how many lines end in it.
 */
function keepLines(piece: Buffer, keep: Uint8Array, first: number, kept: LinePacker): number {
  let line = first;
  // Lines that are kept and follow each other are added together.
  let from = 0;
  let fromLine = first;
  const addUntil = (end: number): void => {
    if (keep[fromLine] === 1 && end > from) kept.addBytes(piece.subarray(from, end), line - fromLine);
    from = end;
    fromLine = line;
  };
  for (let end = piece.indexOf(newline); end !== -1; end = piece.indexOf(newline, end + 1)) {
    line++;
    if (keep[line] !== keep[fromLine]) addUntil(end + 1);
  }
  addUntil(piece.length);
  return line - first;
}

async function idsOf(store: ObjectStore, { ids, parts }: Chunk): Promise<Buffer> {
  const bytes = "key" in ids ? (await store.get(ids.key))?.body : Buffer.from(ids.base64, "base64");
  const expected = parts.reduce((sum, { records }) => sum + records, 0) * idBytes;
  if (bytes?.length === expected) return bytes;
  throw new TypedFailure("CorruptObject", `the record ids of ${parts[0]?.key ?? "a batch"} are missing or incomplete`);
}
