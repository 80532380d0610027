/** Bytes of a record id that are kept to find duplicates: the first 128 bits of its sha256. */
export const idBytes = 16;

/** How full the table may be: more would make it slow, less would take more memory. */
const fullest = 0.75;

/**
 * A set of 128-bit ids in a typed array: 22 bytes an id when it was made for as many, against several hundred in a `Set` of
 * strings, so that a million past records are compared in memory. Open addressing with linear probing; ids are uniform
 * hashes, so their first word is the hash. A slot of zeros is an empty one.
 */
export class IdSet {
  #words: Uint32Array;
  #size = 0;
  #hasZeros = false;
  #view: DataView = new DataView(new ArrayBuffer(0));

  constructor(expected = 1024) {
    this.#words = new Uint32Array(Math.ceil(Math.max(16, expected + 1) / fullest) * 4);
  }

  get size(): number {
    return this.#size;
  }

  /** Adds the id at `offset` of `bytes`; false when it was there already. */
  add(bytes: Uint8Array, offset = 0): boolean {
    if (this.#size >= (this.#words.length / 4) * fullest) this.#grow();
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
    const words = this.#words;
    if (a === 0 && b === 0 && c === 0 && d === 0) {
      const isNew = !this.#hasZeros;
      this.#hasZeros = true;
      this.#size += isNew ? 1 : 0;
      return isNew;
    }
    let at = Math.floor((a / 2 ** 32) * (words.length / 4)) * 4;
    for (; !isEmpty(words, at); at = at + 4 === words.length ? 0 : at + 4) {
      if (words[at] === a && words[at + 1] === b && words[at + 2] === c && words[at + 3] === d) return false;
    }
    words[at] = a;
    words[at + 1] = b;
    words[at + 2] = c;
    words[at + 3] = d;
    this.#size++;
    return true;
  }

  #grow(): void {
    const words = this.#words;
    this.#words = new Uint32Array(words.length * 2);
    this.#size = this.#hasZeros ? 1 : 0;
    for (let at = 0; at < words.length; at += 4) {
      if (isEmpty(words, at)) continue;
      this.#insert(words[at] ?? 0, words[at + 1] ?? 0, words[at + 2] ?? 0, words[at + 3] ?? 0);
    }
  }
}

function isEmpty(words: Uint32Array, at: number): boolean {
  return words[at] === 0 && words[at + 1] === 0 && words[at + 2] === 0 && words[at + 3] === 0;
}
