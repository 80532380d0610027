import { Readable } from "node:stream";
import { partRecords } from "../../activities/records.ts";
import type { Part } from "../domain/dataset-version-schema.ts";
import { TypedFailure } from "../domain/failures.ts";
import type { TrainingRecord } from "../domain/record-schema.ts";
import type { ObjectStore } from "../ports.ts";

/** Parts fetched before they are asked for: their requests overlap with the reading of those before. */
const ahead = 3;

/** A part on its way. */
export interface FetchedPart {
  part: Part;
  /**
   * Its records. Throws NotFound, CorruptObject when the object is not the one written, and InvalidData that names a line
   * which is no record.
   */
  records(): AsyncGenerator<TrainingRecord>;
}

/**
 * Parts in their order, each fetched whole before it is read: none is larger than the chunk it was written from, and no
 * connection is held while its reader takes its time.
 */
export async function* fetchParts(store: ObjectStore, parts: readonly Part[]): AsyncGenerator<FetchedPart> {
  const fetching: FetchedPart[] = [];
  for (const part of parts) {
    fetching.push(fetchPart(store, part));
    if (fetching.length <= ahead) continue;
    const first = fetching.shift();
    if (first) yield first;
  }
  yield* fetching;
}

/** The records of parts, one after the other. Throws like {@link FetchedPart.records}. */
export async function* recordsOf(store: ObjectStore, parts: readonly Part[]): AsyncGenerator<TrainingRecord> {
  for await (const fetched of fetchParts(store, parts)) yield* fetched.records();
}

function fetchPart(store: ObjectStore, part: Part): FetchedPart {
  const object = store.get(part.key, { sha256: part.sha256 });
  // Heard when the part is read, which may be later or never.
  object.catch(() => {});
  const stream = async (): Promise<Readable> => {
    const found = await object;
    if (found === null) throw new TypedFailure("NotFound", `${store.uri(part.key)}: no such object`);
    return Readable.from([found.body]);
  };
  return { part, records: () => partRecords({ stream }, part) };
}
