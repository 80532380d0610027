import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KnownIds } from "../../activities/known-ids.ts";
import type { DatasetVersion } from "../../src/domain/dataset-version-schema.ts";
import { idBytes } from "../../src/domain/id-set.ts";
import { expectFailure } from "../support/activity.ts";
import { MemoryObjectStore } from "../support/memory-store.ts";

type Segments = DatasetVersion["ids"];

/** Ids of numbers, as evenly spread as hashes are. */
function idsOf(from: number, count: number): Buffer {
  const ids = Buffer.alloc(count * idBytes);
  for (let index = 0; index < count; index++) {
    ids.writeUInt32BE(Math.imul(from + index, 0x9e3779b1) >>> 0, index * idBytes);
    ids.writeUInt32BE(from + index, index * idBytes + 12);
  }
  return ids;
}
const idOf = (number: number): Buffer => idsOf(number, 1);

/** A version's ids on top of those of its parent; answers the segments of both and what was new. */
async function add(store: MemoryObjectStore, parent: Segments, ids: Buffer) {
  const known = await KnownIds.load(store, "games", parent, ids.length / idBytes);
  const isNew = await known.add(ids);
  return { isNew, segments: await known.save() };
}

/** The ids of segments, one after the other. */
function listed(store: MemoryObjectStore, segments: Segments): Buffer {
  return Buffer.concat(segments.map(({ key }) => store.objects.get(key)?.body ?? Buffer.alloc(0)));
}

/** Bytes that all puts have written. */
function watchPuts(store: MemoryObjectStore): { bytes: number } {
  const written = { bytes: 0 };
  store.hook = ({ method, key, when }) => {
    if (method === "put" && when === "after") written.bytes += store.objects.get(key)?.body.length ?? 0;
  };
  return written;
}

describe("KnownIds", () => {
  it("tells what is new, in the past and in the same list, and lists each id once in the order it came", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(fc.nat(40), { maxLength: 30 }), { maxLength: 12 }), async (versions) => {
        const store = new MemoryObjectStore();
        const model = new Set<number>();
        let segments: Segments = [];
        for (const numbers of versions) {
          const expected = numbers.map((number) => (model.has(number) ? 0 : (model.add(number), 1)));
          const added = await add(store, segments, Buffer.concat(numbers.map(idOf)));
          expect([...added.isNew]).toEqual(expected);
          segments = added.segments;
          expect(segments.reduce((sum, { records }) => sum + records, 0)).toBe(model.size);
          expect(listed(store, segments).equals(Buffer.concat([...model].map(idOf)))).toBe(true);
        }
      }),
      { numRuns: 50 },
    );
  });

  it("keeps a chain of a thousand small versions in a dozen lists, and writes a bounded number of bytes for each", async () => {
    const store = new MemoryObjectStore();
    const written = watchPuts(store);
    let segments: Segments = [];
    let mostBytes = 0;
    let mostSegments = 0;
    for (let version = 0; version < 1000; version++) {
      const before = written.bytes;
      ({ segments } = await add(store, segments, idsOf(version * 10, 10)));
      mostBytes = Math.max(mostBytes, written.bytes - before);
      mostSegments = Math.max(mostSegments, segments.length);
    }
    expect(listed(store, segments).equals(idsOf(0, 10_000))).toBe(true);
    expect(mostSegments).toBeLessThanOrEqual(12);
    // Of 160,000 bytes of ids, each is written again a few times, as lists get larger.
    expect(written.bytes).toBeLessThan(160_000 * 12);
    expect(mostBytes).toBeLessThanOrEqual(160_000);
  });

  it("never writes a full list again, however large the past", async () => {
    const store = new MemoryObjectStore();
    const first = await add(store, [], idsOf(0, 200_000));
    const written = watchPuts(store);
    const second = await add(store, first.segments, idsOf(199_000, 2000));
    expect(second.isNew.reduce((sum, one) => sum + one, 0)).toBe(1000);
    expect(second.segments.slice(0, 3)).toEqual(first.segments.slice(0, 3));
    expect(written.bytes).toBeLessThan(2 * 65_536 * idBytes);
    expect(listed(store, second.segments).equals(idsOf(0, 201_000))).toBe(true);
  });

  it("writes nothing when nothing is new", async () => {
    const store = new MemoryObjectStore();
    const first = await add(store, [], idsOf(0, 10));
    const written = watchPuts(store);
    expect((await add(store, first.segments, idsOf(0, 10))).segments).toEqual(first.segments);
    expect(written.bytes).toBe(0);
  });

  it.each<[string, (store: MemoryObjectStore, key: string) => void]>([
    ["is missing", (store, key) => void store.objects.delete(key)],
    ["has lost its end", (store, key) => void store.write(key, idsOf(0, 9))],
    ["has another byte", (store, key) => void store.write(key, idsOf(1, 10))],
  ])("fails as CorruptObject when a list %s", async (_, damage) => {
    const store = new MemoryObjectStore();
    const { segments } = await add(store, [], idsOf(0, 10));
    const key = segments[0]?.key ?? "";
    damage(store, key);
    expect(await expectFailure(() => add(store, segments, idsOf(0, 1)), "CorruptObject")).toBe(
      `${key}: the list of record ids is missing or not as it was written`,
    );
  });
});
