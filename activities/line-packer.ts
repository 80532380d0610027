import { promisify } from "node:util";
import { constants, gzip } from "node:zlib";

const compress = promisify(gzip);

/** Bytes that are packed at once: few enough to be soon gone from memory, enough to pack well (1 % from the best). */
const blockBytes = 256 * 1024;
/** Room for what comes of a block, which is rarely more than a fifth of it. */
const packedBytes = 64 * 1024;
/** Blocks that may wait to be packed before nothing more should be added. */
const blocksWaiting = 2;

/** Blocks that are kept to be used again, 4 MB: memory outside of the heap is what makes collecting garbage frequent. */
const sparesAtMost = 16;
const spares: Buffer[] = [];

const newline = 0x0a;

/**
 * Packs lines into one gzip while they come, on other threads: of what was added, only the packed bytes stay in memory.
 * The gzip has a member for each block of lines, which readers of gzip take for one text.
 */
export class LinePacker {
  readonly #packed: Promise<Buffer>[] = [];
  #block: Buffer = Buffer.alloc(0);
  #filled = 0;
  #lines = 0;

  /** Lines so far. */
  get lines(): number {
    return this.#lines;
  }

  /** Adds a line, which comes without its end. */
  add(line: string): void {
    // UTF-8 has three bytes at most for what a string counts as one.
    this.#makeRoom(line.length * 3 + 1);
    this.#filled += this.#block.write(line, this.#filled);
    this.#block[this.#filled++] = newline;
    this.#lines++;
  }

  /** Adds a piece of UTF-8 text in which `lines` lines end. */
  addBytes(bytes: Uint8Array, lines: number): void {
    this.#makeRoom(bytes.length);
    this.#block.set(bytes, this.#filled);
    this.#filled += bytes.length;
    this.#lines += lines;
  }

  /** Resolves when more may be added without piling up; rejects when packing failed. */
  async caughtUp(): Promise<void> {
    await this.#packed.at(-blocksWaiting - 1);
  }

  /** All that was added, packed. Nothing may be added after that. */
  async finish(): Promise<Buffer> {
    this.#pack();
    return Buffer.concat(await Promise.all(this.#packed));
  }

  #makeRoom(bytes: number): void {
    const needed = this.#filled + bytes;
    if (needed <= this.#block.length) return;
    // Most sources bring little: what has filled no block yet has grown by doubling.
    const isFirst = this.#packed.length === 0;
    if (needed > blockBytes) this.#pack();
    const block = isFirst && needed <= blockBytes / 2 ? Buffer.allocUnsafe(needed * 2) : emptyBlock(bytes);
    block.set(this.#block.subarray(0, this.#filled));
    this.#block = block;
  }

  #pack(): void {
    if (this.#filled === 0) return;
    // Fast compression: chat records repeat their prompts, so that the lowest level already finds most of it.
    const options = { level: constants.Z_BEST_SPEED, chunkSize: packedBytes };
    const block = this.#block;
    const packed = compress(block.subarray(0, this.#filled), options).finally(() => spare(block));
    // Awaited later; this only keeps an early failure from being called unhandled.
    packed.catch(() => {});
    this.#packed.push(packed);
    this.#block = Buffer.alloc(0);
    this.#filled = 0;
  }
}

/** Room for a block, or for more when `bytes` are more. */
function emptyBlock(bytes: number): Buffer {
  return bytes > blockBytes ? Buffer.allocUnsafe(bytes) : (spares.pop() ?? Buffer.allocUnsafe(blockBytes));
}

/** Takes back what nobody reads any more. */
function spare(block: Buffer): void {
  if (block.length === blockBytes && spares.length < sparesAtMost) spares.push(block);
}
