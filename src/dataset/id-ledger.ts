import { IdSet, idBytes } from "../domain/id-set.ts";

/** The ids of a dataset's records in their order, 16 bytes each, and whether one is there twice. */
export class IdLedger {
  readonly #seen: IdSet;
  #ids: Buffer;
  #records = 0;
  /** Records whose ids are not known, as from and to. */
  readonly #gaps: [from: number, to: number][] = [];

  /** @param expected how many records there will be, more or less */
  constructor(expected: number) {
    this.#seen = new IdSet(expected);
    this.#ids = Buffer.alloc(Math.max(1, expected) * idBytes);
  }

  /** How many records it has a place for, known or not. */
  get records(): number {
    return this.#records;
  }

  /** Remembers an id; false when it was there already. It has no place yet. */
  see(id: Buffer): boolean {
    return this.#seen.add(id);
  }

  /** Gives ids their places. */
  append(ids: Buffer): void {
    this.#reserve(ids.length / idBytes);
    ids.copy(this.#ids, (this.#records - ids.length / idBytes) * idBytes);
  }

  /** Leaves places for records whose ids cannot be known. */
  skip(records: number): void {
    this.#gaps.push([this.#records, this.#records + records]);
    this.#reserve(records);
  }

  /** The first record, from `start` on, that a list has another id for than was seen; null when there is none. */
  firstDifference(list: Buffer, start: number): { record: number; listed: string; is: string } | null {
    const known = this.#ids.subarray(start * idBytes, this.#records * idBytes);
    const length = Math.min(list.length, known.length);
    if (list.subarray(0, length).equals(known.subarray(0, length))) return null;
    for (let at = 0; at + idBytes <= length; at += idBytes) {
      const [listed, is] = [list, known].map((ids) => ids.toString("hex", at, at + idBytes));
      const record = start + at / idBytes;
      if (listed === undefined || is === undefined || listed === is || this.#isGap(record)) continue;
      return { record, listed, is };
    }
    return null;
  }

  #isGap(record: number): boolean {
    return this.#gaps.some(([from, to]) => record >= from && record < to);
  }

  #reserve(records: number): void {
    this.#records += records;
    const needed = this.#records * idBytes;
    if (needed > this.#ids.length) this.#ids = Buffer.concat([this.#ids], Math.max(needed, this.#ids.length * 2));
  }
}
