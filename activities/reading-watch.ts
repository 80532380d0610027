import { isRetryable, TypedFailure } from "../src/domain/failures.ts";
import type { Deadlines } from "../src/domain/pipeline-schema.ts";
import type { SourceProgress } from "../src/domain/reading-schema.ts";
import type { SourceItem, SourceReader, SourceReading } from "../src/ports.ts";

/** The longest that Temporal waits before it repeats a reading that failed. */
const longestRetryMs = 30_000;
/** What a reader is given to stop when it is told to. */
const stopMs = 3000;

/** What an attempt to read begins with. */
export interface ReadingStart {
  /** When the reading was first asked for, by the clock of this machine, in milliseconds. */
  askedMs: number;
  /** Items that earlier attempts have kept. */
  received: number;
  /** Where this attempt goes on. */
  cursor: string | null;
  /** Whether that is behind where the whole reading began. */
  hasMoved: boolean;
}

/**
 * Watches one attempt to read a source: counts what comes and ends it in time. A source that has brought something, or has
 * at least been read up to another place, is cut where it is, and is to be read on later; any other fails as TooLate. The
 * cursor of a reading that was cut is good: nothing of it is behind what was delivered, nor ahead of it.
 */
export class ReadingWatch implements SourceReader {
  readonly #reader: SourceReader;
  readonly #deadlines: Deadlines;
  readonly #start: ReadingStart;
  readonly #startedMs = Date.now();
  #reading: SourceReading | null = null;
  #received = 0;
  #groups = 0;
  #lastSignMs: number;
  #isCut = false;

  constructor(reader: SourceReader, deadlines: Deadlines, start: ReadingStart) {
    this.#reader = reader;
    this.#deadlines = deadlines;
    this.#start = start;
    this.#lastSignMs = start.hasMoved ? this.#startedMs : start.askedMs;
  }

  /** Whether the reading ended before its source did. */
  get isCut(): boolean {
    return this.#isCut;
  }

  /** How far the reading is; rate and time to go are those of this attempt. */
  progress(): SourceProgress {
    const seconds = Math.max(0.001, (Date.now() - this.#startedMs) / 1000);
    const extent = this.#reading?.extent?.() ?? null;
    const ratio = extent === null || extent.totalBytes === 0 ? 0 : extent.readBytes / extent.totalBytes;
    return {
      received: this.#start.received + this.#received,
      perSecond: this.#received / seconds,
      etaSeconds: ratio > 0 ? Math.max(0, (seconds * (1 - ratio)) / ratio) : null,
    };
  }

  read(...[source, cursor, signal]: Parameters<SourceReader["read"]>): SourceReading {
    const stop = new AbortController();
    const reading = this.#reader.read(source, cursor, AbortSignal.any([signal, stop.signal]));
    this.#reading = reading;
    return { items: this.#inTime(reading.items[Symbol.asyncIterator](), stop, signal), cursor: () => reading.cursor() };
  }

  async *#inTime(
    items: AsyncIterator<SourceItem[]>,
    stop: AbortController,
    cancelled: AbortSignal,
  ): AsyncGenerator<SourceItem[]> {
    try {
      while (!this.#isCut) {
        const group = await this.#next(items, stop, cancelled);
        if (group === null) return;
        this.#groups++;
        this.#received += group.length;
        yield group;
        // Whatever was done with them is not the source's time.
        this.#lastSignMs = Date.now();
      }
    } finally {
      stop.abort();
      // It may be held up, and nobody waits for it any more.
      items.return?.().catch(() => {});
    }
  }

  /** The next items, or null at the end, which is the source's or the deadline. */
  async #next(
    items: AsyncIterator<SourceItem[]>,
    stop: AbortController,
    cancelled: AbortSignal,
  ): Promise<SourceItem[] | null> {
    const next = items.next();
    try {
      const { done, value } = await within(next, this.#lastMs() - Date.now());
      return done === true ? null : value;
    } catch (error) {
      if (cancelled.aborted) throw error;
      if (error === outOfTime) return await this.#cut(next, stop);
      if (isFinal(error) || this.#canBeRepeated(error)) throw error;
      return await this.#cutAfter(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** When the reading has to end as things stand: at its deadline, or when nothing has come for too long. */
  #lastMs(): number {
    const { readSeconds, silentSeconds } = this.#deadlines;
    return Math.min(this.#start.askedMs + readSeconds * 1000, this.#lastSignMs + silentSeconds * 1000);
  }

  /** Ends a reading that takes too long. What it hands out while it ends must not be lost: its cursor is behind that. */
  async #cut(next: Promise<IteratorResult<SourceItem[]>>, stop: AbortController): Promise<SourceItem[] | null> {
    stop.abort();
    let last: IteratorResult<SourceItem[]>;
    try {
      last = await within(next, stopMs);
    } catch (error) {
      const goesOn = error === outOfTime && this.#groups > 0;
      if (goesOn) throw new TypedFailure("TooLate", "the source does not stop when it is told to");
      return await this.#cutAfter(null);
    }
    if (last.done === true) return null;
    this.#isCut = true;
    return last.value;
  }

  /** Whether another attempt would still be in time. */
  #canBeRepeated(error: unknown): boolean {
    const retryMs = (error instanceof TypedFailure ? error.retryAfterMs : null) ?? longestRetryMs;
    return Date.now() + retryMs < this.#lastMs();
  }

  /** Cuts the reading behind what has come, in this attempt or before; throws when nothing has. */
  async #cutAfter(cause: Error | null): Promise<null> {
    if (!(await this.#hasMoved())) {
      const seconds = Math.round((Date.now() - this.#start.askedMs) / 1000);
      const said = cause === null ? "" : `: ${cause.message}`;
      throw new TypedFailure("TooLate", `no item came in ${seconds} s${said}`, { cause });
    }
    this.#isCut = true;
    return null;
  }

  /** Whether there is anything to keep: of what was left out, the place behind it. */
  async #hasMoved(): Promise<boolean> {
    if (this.#start.hasMoved || this.#received > 0) return true;
    return this.#groups > 0 && (await this.#reading?.cursor()) !== this.#start.cursor;
  }
}

function isFinal(error: unknown): boolean {
  return error instanceof TypedFailure && !isRetryable(error.type);
}

const outOfTime = new Error("the time is over");

/** What comes within so many milliseconds; throws `outOfTime` when nothing does. */
async function within<T>(promise: Promise<T>, milliseconds: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(outOfTime), Math.max(0, milliseconds));
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
