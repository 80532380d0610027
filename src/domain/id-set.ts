/** Bytes of a record id that are kept to find duplicates: the first 128 bits of its sha256. */
export const idBytes = 16;

/**
 * A set of 128-bit ids in two typed arrays: about 48 bytes an id at most, against several hundred in a `Set` of strings,
 * so that a million past records are compared in memory. Open addressing with linear probing; ids are uniform hashes,
 * so their first word is the hash.
 */
export class IdSet {
  #words: Uint32Array;
  #used: Uint8Array;
  #size = 0;
  #view: DataView = new DataView(new ArrayBuffer(0));

  constructor(expected = 1024) {
    const capacity = 2 ** Math.ceil(Math.log2(Math.max(16, expected * 2)));
    this.#words = new Uint32Array(capacity * 4);
    this.#used = new Uint8Array(capacity);
  }

  get size(): number {
    return this.#size;
  }

  /** Adds the id at `offset` of `bytes`; false when it was there already. */
  add(bytes: Uint8Array, offset = 0): boolean {
    if (this.#size * 2 >= this.#used.length) this.#grow();
    const at = bytes.byteOffset + offset;
    // A view of its own, since an id may start at any byte; reused for all ids of a buffer.
    if (this.#view.buffer !== bytes.buffer) this.#view = new DataView(bytes.buffer);
    const view = this.#view;
    return this.#insert(view.getUint32(at), view.getUint32(at + 4), view.getUint32(at + 8), view.getUint32(at + 12));
  }

  /** Adds every id of a concatenation. */
  addAll(bytes: Uint8Array): void {
    for (let offset = 0; offset + idBytes <= bytes.length; offset += idBytes) this.add(bytes, offset);
  }

  #insert(a: number, b: number, c: number, d: number): boolean {
    const mask = this.#used.length - 1;
    const words = this.#words;
    let slot = a & mask;
    for (; this.#used[slot] === 1; slot = (slot + 1) & mask) {
      const at = slot * 4;
      if (words[at] === a && words[at + 1] === b && words[at + 2] === c && words[at + 3] === d) return false;
    }
    const at = slot * 4;
    words[at] = a;
    words[at + 1] = b;
    words[at + 2] = c;
    words[at + 3] = d;
    this.#used[slot] = 1;
    this.#size++;
    return true;
  }

  #grow(): void {
    const words = this.#words;
    const used = this.#used;
    this.#words = new Uint32Array(words.length * 2);
    this.#used = new Uint8Array(used.length * 2);
    this.#size = 0;
    for (let slot = 0; slot < used.length; slot++) {
      if (used[slot] !== 1) continue;
      const at = slot * 4;
      this.#insert(words[at] ?? 0, words[at + 1] ?? 0, words[at + 2] ?? 0, words[at + 3] ?? 0);
    }
  }
}
