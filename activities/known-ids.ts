import { hash } from "node:crypto";
import type { DatasetVersion } from "../src/domain/dataset-version-schema.ts";
import { TypedFailure } from "../src/domain/failures.ts";
import { IdSet, idBytes } from "../src/domain/id-set.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import type { ObjectStore } from "../src/ports.ts";
import { inLanes } from "./lanes.ts";

/** A list of ids as a manifest names it. */
type Segment = DatasetVersion["ids"][number];

/** Ids from which on a segment is never written again: 1 MB. Smaller ones are merged, so that a long chain has few. */
const fullIds = 65_536;
const segmentsAtOnce = 16;

/**
 * The ids of all records of a dataset, those of its past and those of the version that is being made. Segments together
 * list them in the order of the parts' records.
 *
 * A version writes its own ids, together with those of the last segments before them that are not much larger: a chain of
 * thousands of small versions has a dozen small segments, and a version writes 3 MB at most beside its own ids.
 */
export class KnownIds {
  readonly #store: ObjectStore;
  readonly #dataset: string;
  readonly #ids: IdSet;
  /** With the bytes of those that may be merged. */
  readonly #segments: (Segment & { bytes: Buffer | null })[];
  #fresh = Buffer.alloc(idBytes * 1024);
  #freshBytes = 0;

  private constructor(store: ObjectStore, dataset: string, segments: readonly Segment[], ids: IdSet) {
    this.#store = store;
    this.#dataset = dataset;
    this.#segments = segments.map((segment) => ({ ...segment, bytes: null }));
    this.#ids = ids;
  }

  /** Reads what a dataset has. `expected`: ids that may be added. Throws CorruptObject for a list that is not as written. */
  static async load(
    store: ObjectStore,
    dataset: string,
    segments: readonly Segment[],
    expected: number,
  ): Promise<KnownIds> {
    const past = segments.reduce((sum, { records }) => sum + records, 0);
    const known = new KnownIds(store, dataset, segments, new IdSet(past + expected));
    await inLanes(segmentsAtOnce, known.#segments, async (segment) => {
      const { key, records } = segment;
      const bytes = (await store.get(key))?.body;
      if (bytes?.length !== records * idBytes || key !== known.#keyOf(bytes)) {
        throw new TypedFailure("CorruptObject", `${key}: the list of record ids is missing or not as it was written`);
      }
      known.#ids.addAll(bytes);
      if (records < fullIds) segment.bytes = bytes;
    });
    return known;
  }

  /** Adds ids; answers for each of them 1 when it is new and 0 when it was known, also from before in the same list. */
  async add(ids: Buffer): Promise<Uint8Array> {
    const isNew = new Uint8Array(ids.length / idBytes);
    for (let index = 0; index < isNew.length; index++) {
      if (!this.#ids.add(ids, index * idBytes)) continue;
      isNew[index] = 1;
      if (this.#freshBytes === this.#fresh.length) await this.#grow();
      this.#freshBytes += ids.copy(this.#fresh, this.#freshBytes, index * idBytes, (index + 1) * idBytes);
    }
    return isNew;
  }

  /** Writes what was added; answers the segments of the new version. Content-addressed. */
  async save(): Promise<Segment[]> {
    await this.#write(this.#fresh.subarray(0, this.#freshBytes));
    return this.#segments.map(({ key, records }) => ({ key, records }));
  }

  /** Room for more; what fills a segment is written, so that memory holds no more than one. */
  async #grow(): Promise<void> {
    if (this.#freshBytes < fullIds * idBytes) {
      this.#fresh = Buffer.concat([this.#fresh], this.#fresh.length * 2);
      return;
    }
    await this.#write(this.#fresh);
    this.#freshBytes = 0;
  }

  async #write(own: Buffer): Promise<void> {
    if (own.length === 0) return;
    const pieces = [own];
    let records = own.length / idBytes;
    for (let last = this.#segments.at(-1); last?.bytes && last.records <= 2 * records; last = this.#segments.at(-1)) {
      pieces.unshift(last.bytes);
      records += last.records;
      this.#segments.pop();
    }
    const bytes = Buffer.concat(pieces);
    const key = this.#keyOf(bytes);
    await this.#store.put(key, bytes);
    this.#segments.push({ key, records, bytes: null });
  }

  #keyOf(bytes: Buffer): string {
    return objectKeys.versionIds(this.#dataset, hash("sha256", bytes, "hex"));
  }
}
