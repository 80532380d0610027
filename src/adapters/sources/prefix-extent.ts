import { pipeline, Transform, type Readable } from "node:stream";
import type { ObjectStore, ObjectSummary, SourceReading } from "../../ports.ts";

/**
 * How much of what is new under a prefix one pass has read, in bytes as they are stored. How much there is takes a listing
 * of its own: it is made when somebody asks for the first time, for most passes are over before.
 */
export class PrefixExtent {
  readonly #store: ObjectStore;
  readonly #isNew: (object: ObjectSummary) => boolean;
  readonly #signal: AbortSignal;
  #readBytes = 0;
  #totalBytes: number | null = null;
  #isListing = false;

  constructor(store: ObjectStore, isNew: (object: ObjectSummary) => boolean, signal: AbortSignal) {
    this.#store = store;
    this.#isNew = isNew;
    this.#signal = signal;
  }

  /** The same bytes, counted as they are read. */
  counted(bytes: Readable): Readable {
    const count = new Transform({
      transform: (chunk: Buffer, _, done) => {
        this.#readBytes += chunk.length;
        done(null, chunk);
      },
    });
    // What breaks the bytes breaks the count, whose reader hears of it.
    return pipeline(bytes, count, () => {});
  }

  /** Null until the listing has come to its end. */
  read(): ReturnType<NonNullable<SourceReading["extent"]>> {
    if (!this.#isListing) void this.#list();
    return this.#totalBytes === null ? null : { readBytes: this.#readBytes, totalBytes: this.#totalBytes };
  }

  async #list(): Promise<void> {
    this.#isListing = true;
    let bytes = 0;
    try {
      for await (const object of this.#store.list("")) {
        if (this.#signal.aborted) return;
        if (this.#isNew(object)) bytes += object.bytes;
      }
      this.#totalBytes = bytes;
    } catch {
      // A pass goes on without knowing how much there is.
    }
  }
}
