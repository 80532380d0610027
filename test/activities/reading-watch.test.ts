import { describe, expect, it } from "vitest";
import { ReadingWatch } from "../../activities/reading-watch.ts";
import { TypedFailure } from "../../src/domain/failures.ts";
import type { SourceItem, SourceReader } from "../../src/ports.ts";
import { anIngest } from "../support/datasets.ts";
import { aChat, aSourceItem, fakeSource } from "../support/fake-ports.ts";

const deadlines = { silentSeconds: 0.3, readSeconds: 60 };
const patient = { silentSeconds: 60, readSeconds: 60 };
const justNow = () => ({ askedMs: Date.now(), received: 0, cursor: null, hasMoved: false });
const after = (received: number) => ({ askedMs: Date.now(), received, cursor: String(received), hasMoved: true });
const group = (from: number, count: number): SourceItem[] =>
  Array.from({ length: count }, (_, index) => aSourceItem(`a#${from + index}`, aChat(`question ${from + index}`)));
const never = (): Promise<never> => new Promise(() => {});

/** Reads a source to its end; answers what came of it, and the cursor behind that. */
async function readAll(watch: ReadingWatch, signal = new AbortController().signal) {
  const reading = watch.read(anIngest().source, null, signal);
  const items: SourceItem[] = [];
  for await (const group of reading.items) items.push(...group);
  return { came: items.length, cursor: await reading.cursor(), isCut: watch.isCut };
}

/** A source that hands out one more group when it is told to stop. */
function stubborn(groups: SourceItem[][], last: SourceItem[]): SourceReader {
  let delivered = 0;
  async function* items(signal: AbortSignal): AsyncGenerator<SourceItem[]> {
    for (const items of groups) {
      delivered += items.length;
      yield items;
    }
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    delivered += last.length;
    yield last;
  }
  return { read: (_source, _cursor, signal) => ({ items: items(signal), cursor: async () => String(delivered) }) };
}

describe("ReadingWatch", () => {
  it("lets a source pass that comes to its end in time", async () => {
    const watch = new ReadingWatch(fakeSource([group(0, 3), group(3, 2)]), deadlines, justNow());
    expect(await readAll(watch)).toEqual({ came: 5, cursor: "5", isCut: false });
  });

  it("lets a source pass that has nothing", async () => {
    expect(await readAll(new ReadingWatch(fakeSource([]), deadlines, justNow()))).toMatchObject({
      came: 0,
      isCut: false,
    });
  });

  it("cuts a source that falls silent behind what it has brought", async () => {
    const groups = [group(0, 3), group(3, 2)];
    const source: SourceReader = {
      read: (_source, _cursor, signal) => ({ items: silentAfter(groups, signal), cursor: async () => "5" }),
    };
    expect(await readAll(new ReadingWatch(source, deadlines, justNow()))).toMatchObject({ came: 5, isCut: true });
  });

  it("fails rather than trust the cursor of a source that does not stop when it is told to", async () => {
    const failed = readAll(new ReadingWatch(fakeSource([group(0, 3), group(3, 2)], never), deadlines, justNow()));
    const message = "the source does not stop when it is told to";
    await expect(failed).rejects.toMatchObject({ type: "TooLate", message });
  });

  it("does not count the time in which its items are used as the source's silence", async () => {
    const watch = new ReadingWatch(fakeSource([group(0, 3), group(3, 2)]), deadlines, justNow());
    let came = 0;
    for await (const items of watch.read(anIngest().source, null, new AbortController().signal).items) {
      came += items.length;
      await new Promise((resolve) => setTimeout(resolve, 400));
    }
    expect([came, watch.isCut]).toEqual([5, false]);
  });

  it("cuts a source that is slow but steady at the deadline of the reading", async () => {
    const groups = Array.from({ length: 200 }, (_, index) => group(index, 1));
    const source = fakeSource(groups, () => new Promise((resolve) => setTimeout(resolve, 20)));
    const watch = new ReadingWatch(source, { silentSeconds: 60, readSeconds: 0.3 }, justNow());
    const { came, cursor, isCut } = await readAll(watch);
    expect(isCut).toBe(true);
    expect(came).toBeGreaterThan(2);
    expect(came).toBeLessThan(50);
    expect(cursor).toBe(String(came));
  });

  it("cuts a source of which all was left out behind what it has been through, and fails where that is nowhere", async () => {
    const leavingOut = (cursor: string): SourceReader => ({
      read: (_source, _cursor, signal) => ({ items: silentAfter([[], []], signal), cursor: async () => cursor }),
    });
    const start = { ...justNow(), cursor: "7" };
    const read = readAll(new ReadingWatch(leavingOut("9"), deadlines, start));
    expect(await read).toEqual({ came: 0, cursor: "9", isCut: true });
    const failed = readAll(new ReadingWatch(leavingOut("7"), deadlines, start));
    await expect(failed).rejects.toMatchObject({ type: "TooLate", message: expect.stringMatching(/^no item came in/) });
  });

  it("takes what a source hands out while it stops, so that its cursor is not ahead of what was delivered", async () => {
    const source = stubborn([group(0, 2)], group(2, 3));
    expect(await readAll(new ReadingWatch(source, deadlines, justNow()))).toEqual({
      came: 5,
      cursor: "5",
      isCut: true,
    });
  });

  it("fails as TooLate when nothing comes for too long", async () => {
    const failed = readAll(new ReadingWatch(silent("0"), { silentSeconds: 0.1, readSeconds: 60 }, justNow()));
    await expect(failed).rejects.toMatchObject({ type: "TooLate", message: "no item came in 0 s" });
  });

  it("does not wait for a source at all whose time was over before the attempt began", async () => {
    const watch = new ReadingWatch(silent("0"), patient, { ...justNow(), askedMs: Date.now() - 61_000 });
    await expect(readAll(watch)).rejects.toMatchObject({ type: "TooLate", message: "no item came in 61 s" });
  });

  it("delivers what earlier attempts have kept when the time is over", async () => {
    const watch = new ReadingWatch(silent("7"), patient, { ...after(7), askedMs: Date.now() - 61_000 });
    expect(await readAll(watch)).toEqual({ came: 0, cursor: "7", isCut: true });
    expect(watch.progress().received).toBe(7);
  });

  it("counts silence from the begin of an attempt that goes on where another has stopped", async () => {
    const source = fakeSource([group(0, 3)]);
    const watch = new ReadingWatch(source, deadlines, { ...after(4), askedMs: Date.now() - 10_000 });
    expect(await readAll(watch)).toMatchObject({ came: 3, isCut: false });
  });

  describe("when the source fails", () => {
    const failing = (error: Error, after = 1) =>
      fakeSource([group(0, 2), group(2, 2)], (index) => {
        if (index === after) throw error;
      });
    const unavailable = new TypedFailure("Unavailable", "503");
    const inAnHour = new TypedFailure("RateLimited", "429", { retryAfterMs: 3_600_000 });

    it.each([
      ["can still be repeated in time", unavailable],
      ["is for good, whatever time is left", new TypedFailure("Refused", "401")],
    ])("lets a failure pass that %s", async (_, error) => {
      await expect(readAll(new ReadingWatch(failing(error), patient, justNow()))).rejects.toBe(error);
    });

    it.each([
      ["another attempt would come too late", unavailable, { silentSeconds: 10, readSeconds: 60 }],
      ["it asks for more patience than there is", inAnHour, patient],
    ])("cuts it behind what it has brought when %s", async (_, error, within) => {
      const read = readAll(new ReadingWatch(failing(error), within, justNow()));
      expect(await read).toEqual({ came: 2, cursor: "2", isCut: true });
    });

    it("fails as TooLate, with what the source said, when it has brought nothing", async () => {
      const source: SourceReader = { read: () => ({ items: throwing(inAnHour), cursor: async () => "0" }) };
      const failed = readAll(new ReadingWatch(source, patient, justNow()));
      await expect(failed).rejects.toMatchObject({ type: "TooLate", message: "no item came in 0 s: 429" });
    });
  });

  it("ends the source's own work and passes the cancellation on when the activity is cancelled", async () => {
    const cancel = new AbortController();
    let told: AbortSignal | undefined;
    const source: SourceReader = {
      read(_source, _cursor, signal) {
        told = signal;
        return { items: untilAborted(signal), cursor: async () => "0" };
      },
    };
    const failed = readAll(new ReadingWatch(source, patient, justNow()), cancel.signal);
    cancel.abort(new Error("cancelled"));
    await expect(failed).rejects.toThrow("cancelled");
    expect(told?.aborted).toBe(true);
  });

  it("lets go of a source whose items nobody wants any more", async () => {
    let closed = false;
    async function* items(): AsyncGenerator<SourceItem[]> {
      try {
        for (;;) yield group(0, 1);
      } finally {
        closed = true;
      }
    }
    const watch = new ReadingWatch({ read: () => ({ items: items(), cursor: async () => "0" }) }, patient, justNow());
    for await (const _ of watch.read(anIngest().source, null, new AbortController().signal).items) break;
    expect(closed).toBe(true);
  });

  it("tells how far it is: items of all attempts, and the rate and time to go of this one", async () => {
    let readBytes = 0;
    const source = fakeSource([group(0, 10), group(10, 10)]);
    const sized: SourceReader = {
      read: (...of) => ({ ...source.read(...of), extent: () => ({ readBytes, totalBytes: 1000 }) }),
    };
    const watch = new ReadingWatch(sized, patient, after(5));
    expect(watch.progress()).toEqual({ received: 5, perSecond: 0, etaSeconds: null });
    const reading = watch.read(anIngest().source, null, new AbortController().signal);
    const items = reading.items[Symbol.asyncIterator]();
    await items.next();
    await new Promise((resolve) => setTimeout(resolve, 50));
    readBytes = 500;
    const { received, perSecond, etaSeconds } = watch.progress();
    expect(received).toBe(15);
    expect(perSecond).toBeGreaterThan(1);
    expect(perSecond).toBeLessThanOrEqual(200);
    // Half is done, so the rest takes as long again.
    expect(etaSeconds).toBeCloseTo(10 / perSecond, 1);
  });
});

/** A source that brings nothing until it is told to stop. */
function silent(cursor: string): SourceReader {
  return { read: (_source, _cursor, signal) => ({ items: untilAborted(signal), cursor: async () => cursor }) };
}

async function* silentAfter(groups: SourceItem[][], signal: AbortSignal): AsyncGenerator<SourceItem[]> {
  yield* groups;
  yield* untilAborted(signal);
}

async function* throwing(error: Error): AsyncGenerator<SourceItem[]> {
  if (error instanceof Error) throw error;
  yield [];
}

async function* untilAborted(signal: AbortSignal): AsyncGenerator<SourceItem[]> {
  await new Promise<void>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
  yield [];
}
