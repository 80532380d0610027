import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TypedFailure } from "../../src/domain/failures.ts";
import { idBytes } from "../../src/domain/id-set.ts";
import { objectKeys } from "../../src/domain/object-keys.ts";
import type { SourceItem, SourceReader } from "../../src/ports.ts";
import { expectFailure, inActivity } from "../support/activity.ts";
import {
  aBatch,
  anIngest,
  commit,
  datasetActivities,
  readBatch,
  readManifest,
  recordsOf,
} from "../support/datasets.ts";
import { aChat, aSourceItem } from "../support/fake-ports.ts";
import { MemoryObjectStore } from "../support/memory-store.ts";

const items = (...questions: (number | string)[]): SourceItem[] =>
  questions.map((question, index) => aSourceItem(`a.jsonl#${index + 1}`, aChat(`question ${question}`)));
const bad = aSourceItem("a.jsonl#99", "not JSON");
const many = (count: number, from = 0): SourceItem[] =>
  items(...Array.from({ length: count }, (_, index) => from + index));
const batchOf = async (store: MemoryObjectStore, sent: SourceItem[], source = "discord"): Promise<string> =>
  (await aBatch(store, sent, {}, source)).batch;
const idsOf = async (store: MemoryObjectStore, version: number): Promise<string[]> =>
  (await recordsOf(store, readManifest(store, version).parts)).map(({ id }) => id);

async function* nothing(): AsyncGenerator<SourceItem[]> {
  yield [];
}

describe("commitVersion", () => {
  it("counts each item of a source as accepted, quarantined or duplicate, and each record once", async () => {
    const store = new MemoryObjectStore();
    const discord = await batchOf(store, [...items(1, 2, 2, 3), bad]);
    const twitch = await batchOf(store, items(3, 4, 4, 5), "twitch");
    expect(await commit(store, [discord, twitch])).toEqual({
      version: 1,
      records: 5,
      added: 5,
      perSource: {
        discord: { received: 5, accepted: 3, quarantined: 1, duplicates: 1 },
        twitch: { received: 4, accepted: 2, quarantined: 0, duplicates: 2 },
      },
    });
    const ids = await idsOf(store, 1);
    expect(ids).toHaveLength(5);
    expect(new Set(ids).size).toBe(5);
  });

  it("finds duplicates of the whole past, and keeps the parts of its parent as they are", async () => {
    const store = new MemoryObjectStore();
    for (const [version, batch] of [many(40), many(40, 30), many(100)].entries()) {
      await commit(store, [await batchOf(store, batch)], version);
    }
    const [first, second, third] = [1, 2, 3].map((version) => readManifest(store, version));
    expect(second?.perSource["discord"]).toEqual({ received: 40, accepted: 30, quarantined: 0, duplicates: 10 });
    expect(third?.perSource["discord"]).toEqual({ received: 100, accepted: 30, quarantined: 0, duplicates: 70 });
    expect(third?.parts.slice(0, second?.parts.length)).toEqual(second?.parts);
    expect(second?.parts.slice(0, first?.parts.length)).toEqual(first?.parts);
    expect(new Set(await idsOf(store, 3)).size).toBe(100);
    const { train = 0, valid = 0, test = 0 } = third?.records ?? {};
    expect(train + valid + test).toBe(100);
  });

  it("names the parts of a batch without duplicates as they lie, and writes others anew without the duplicates", async () => {
    const store = new MemoryObjectStore();
    const first = await batchOf(store, many(40));
    await commit(store, [first]);
    expect(readManifest(store, 1).parts).toEqual(readBatch(store, first).chunks[0]?.parts);
    const second = await batchOf(store, many(40, 20));
    await commit(store, [second], 1);
    const own = readManifest(store, 2).parts.slice(readManifest(store, 1).parts.length);
    const old = new Set(readBatch(store, second).chunks.flatMap(({ parts }) => parts.map(({ key }) => key)));
    expect(own.filter(({ split, key }) => split === "train" && old.has(key))).toEqual([]);
    expect((await recordsOf(store, own)).length).toBe(20);
  });

  it("keeps each record as it is, also when its text holds separators of lines that JSON does not escape", async () => {
    const store = new MemoryObjectStore();
    const chats = Array.from({ length: 40 }, (_, index) =>
      aSourceItem(`a.jsonl#${index}`, aChat(`question ${index}`, `answer\u2028${index}\u2029`)),
    );
    await commit(store, [await batchOf(store, chats.slice(0, 20))]);
    await commit(store, [await batchOf(store, chats)], 1);
    const records = await recordsOf(store, readManifest(store, 2).parts);
    expect(records).toHaveLength(40);
    expect(new Set(records.map(({ messages }) => messages[1]?.content))).toEqual(
      new Set(Array.from({ length: 40 }, (_, index) => `answer\u2028${index}\u2029`)),
    );
  });

  it("makes no version when no source had anything, and says how many records there are", async () => {
    const store = new MemoryObjectStore();
    expect(await commit(store, [await batchOf(store, [])])).toEqual({
      version: null,
      records: 0,
      added: 0,
      perSource: {},
    });
    await commit(store, [await batchOf(store, many(5))]);
    expect(await commit(store, [await batchOf(store, [])], 1)).toMatchObject({ version: null, records: 5 });
  });

  it("makes a version of nothing but refused items and duplicates, so that they are not read for ever", async () => {
    const store = new MemoryObjectStore();
    await commit(store, [await batchOf(store, items(1))]);
    const result = await commit(store, [await batchOf(store, [...items(1), bad])], 1);
    expect(result).toMatchObject({ version: 2, records: 1, added: 0 });
    expect(readManifest(store, 2).cursors).toEqual({ discord: "2" });
  });

  it("makes a version of nothing but a place to go on from, when all that was met was left out", async () => {
    const store = new MemoryObjectStore();
    const leftOut: SourceReader = { read: () => ({ items: nothing(), cursor: async () => "behind" }) };
    const { batch } = await inActivity(() => datasetActivities(store, leftOut).ingest(anIngest("twitch")));
    expect(await commit(store, [batch])).toMatchObject({ version: 1, records: 0, added: 0 });
    const discord = await batchOf(store, many(3));
    await commit(store, [discord], 1);
    expect(readManifest(store, 2).cursors).toEqual({ twitch: "behind", discord: "3" });
    expect(await commit(store, [batch], 2)).toMatchObject({ version: null, records: 3, added: 0 });
  });

  it("makes no version of what is known already and has to be met again, and says what it was", async () => {
    const store = new MemoryObjectStore();
    await commit(store, [await batchOf(store, items(1, 2))]);
    const result = await commit(store, [await batchOf(store, items(2, 1))], 1);
    expect(result).toEqual({
      version: null,
      records: 2,
      added: 0,
      perSource: { discord: { received: 2, accepted: 0, quarantined: 0, duplicates: 2 } },
    });
    expect(store.objects.has(objectKeys.version("games", 2))).toBe(false);
  });

  it("makes no version of fewer new records than are asked for, and takes them all into a later one", async () => {
    const store = new MemoryObjectStore();
    await commit(store, [await batchOf(store, many(3))]);
    const few = await batchOf(store, many(5));
    const [too, just] = [{ leastRecords: 3 }, { leastRecords: 2 }];
    expect(await commit(store, [few], 1, too)).toMatchObject({ version: null, records: 3, added: 2 });
    expect(store.objects.has(objectKeys.version("games", 2))).toBe(false);
    expect(await commit(store, [few], 1, just)).toMatchObject({ version: 2, records: 5, added: 2 });
    expect(await commit(store, [few], 1, too)).toMatchObject({ version: 2, records: 5, added: 2 });
  });

  it("moves the cursors of its batches only, and says which sources failed", async () => {
    const store = new MemoryObjectStore();
    await commit(store, [await batchOf(store, many(3)), await batchOf(store, many(2, 3), "twitch")]);
    const batch = await batchOf(store, many(4, 10));
    await commit(store, [batch], 1, { failedSources: { twitch: "unreachable" } });
    expect(readManifest(store, 2)).toMatchObject({
      cursors: { discord: "4", twitch: "2" },
      failedSources: { twitch: "unreachable" },
      batches: [batch],
      parent: 1,
    });
  });

  it("answers the same version when it is repeated, also when others have committed since", async () => {
    const store = new MemoryObjectStore();
    const batch = await batchOf(store, many(5));
    const first = await commit(store, [batch]);
    expect(await commit(store, [batch])).toEqual(first);
    await commit(store, [await batchOf(store, many(5, 5), "twitch")], 1);
    await commit(store, [await batchOf(store, many(5, 10), "twitch")], 2);
    expect(await commit(store, [batch])).toEqual(first);
    expect(store.objects.has(objectKeys.version("games", 4))).toBe(false);
  });

  it("does not take a version for its own that holds only some of its batches", async () => {
    const store = new MemoryObjectStore();
    const [one, other] = [await batchOf(store, many(5)), await batchOf(store, many(5, 5), "twitch")];
    await commit(store, [one]);
    expect(await commit(store, [one, other])).toMatchObject({ version: 2, records: 10, added: 5 });
  });

  it("answers its own version when the answer to its write was lost", async () => {
    const store = new MemoryObjectStore();
    const batch = await batchOf(store, many(5));
    store.hook = ({ when, key }) => {
      if (when !== "after" || key !== objectKeys.version("games", 1)) return;
      store.hook = () => {};
      throw new TypedFailure("Unavailable", "connection reset");
    };
    await expectFailure(() => commit(store, [batch]), "Unavailable");
    expect(await commit(store, [batch])).toMatchObject({ version: 1, added: 5 });
    expect(store.objects.has(objectKeys.version("games", 2))).toBe(false);
  });

  it("drops what a rival committed between its reading and its writing, and takes the next number", async () => {
    const store = new MemoryObjectStore();
    const [own, rival] = [await batchOf(store, many(6)), await batchOf(store, many(6, 3), "twitch")];
    store.hook = async ({ method, when, key }) => {
      if (method !== "put" || when !== "before" || key !== objectKeys.version("games", 1)) return;
      store.hook = () => {};
      await commit(store, [rival]);
    };
    expect(await commit(store, [own])).toMatchObject({ version: 2, records: 9, added: 3 });
    expect(readManifest(store, 2)).toMatchObject({ parent: 1, cursors: { discord: "6", twitch: "6" } });
    expect(new Set(await idsOf(store, 2)).size).toBe(9);
  });

  it("writes no more for a batch on a large past than on a small one", async () => {
    const written = async (past: number): Promise<number> => {
      const store = new MemoryObjectStore();
      await commit(store, [await batchOf(store, many(past))]);
      const batch = await batchOf(store, many(50, 10_000));
      let bytes = 0;
      store.hook = ({ method, key, when }) => {
        if (method === "put" && when === "after") bytes += store.objects.get(key)?.body.length ?? 0;
      };
      expect(await commit(store, [batch], 1)).toMatchObject({ version: 2, added: 50, records: past + 50 });
      return bytes;
    };
    // The manifest's numbers get a digit longer; the list of ids of a small past is written again with the new ones.
    expect(await written(5000)).toBeLessThanOrEqual((await written(100)) + 20);
  });

  it.each([
    ["gone", (store: MemoryObjectStore, key: string) => void store.objects.delete(key)],
    ["too short", (store: MemoryObjectStore, key: string) => void store.write(key, Buffer.alloc(idBytes))],
    [
      "not of whole ids",
      (store: MemoryObjectStore, key: string) => void store.write(key, Buffer.alloc(5 * idBytes + 1)),
    ],
  ])("fails as CorruptObject when the ids of the past are %s", async (_, damage) => {
    const store = new MemoryObjectStore();
    await commit(store, [await batchOf(store, many(5))]);
    const key = readManifest(store, 1).ids[0]?.key ?? "";
    damage(store, key);
    const batch = await batchOf(store, many(5, 5));
    expect(await expectFailure(() => commit(store, [batch], 1), "CorruptObject")).toContain(key);
  });

  it("fails as CorruptObject when a part that holds duplicates is not what was written", async () => {
    const store = new MemoryObjectStore();
    await commit(store, [await batchOf(store, many(1))]);
    const batch = await batchOf(store, many(40));
    for (const { key } of readBatch(store, batch).chunks.flatMap(({ parts }) => parts)) {
      const body = Buffer.from(store.objects.get(key)?.body ?? "");
      body[body.length >> 1] = (body[body.length >> 1] ?? 0) ^ 0xff;
      store.write(key, body);
    }
    await expectFailure(() => commit(store, [batch], 1), "CorruptObject");
  });

  it("fails as NotFound without a batch and as InvalidData with one of another shape, naming it", async () => {
    const store = new MemoryObjectStore();
    expect(await expectFailure(() => commit(store, ["raw/discord/x.json"]), "NotFound")).toContain(
      "raw/discord/x.json",
    );
    store.write("raw/discord/x.json", "{");
    expect(await expectFailure(() => commit(store, ["raw/discord/x.json"]), "InvalidData")).toContain(
      "raw/discord/x.json",
    );
  });

  it("fails as InvalidInput when a batch is split by other shares than the dataset, or than another batch", async () => {
    const store = new MemoryObjectStore();
    const usual = await batchOf(store, many(5));
    const { batch: other } = await aBatch(store, many(5, 5), { split: { valid: 0, test: 0.1 } }, "twitch");
    await expectFailure(() => commit(store, [usual, other]), "InvalidInput");
    await commit(store, [usual]);
    await expectFailure(() => commit(store, [other], 1), "InvalidInput");
    expect(store.objects.has(objectKeys.version("games", 2))).toBe(false);
  });

  it("makes one chain of concurrent commits, in which no record is lost and none is twice", async () => {
    const update = fc.array(fc.array(fc.nat(25), { maxLength: 12 }), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(update, { minLength: 1, maxLength: 4 }),
        fc.array(fc.boolean(), { maxLength: 12 }),
        fc.scheduler(),
        async (updates, lostAnswers, scheduler) => {
          const store = new MemoryObjectStore();
          const batches = await Promise.all(
            updates.map((sources) =>
              Promise.all(sources.map((sent, index) => batchOf(store, items(...sent), `s${index}`))),
            ),
          );
          const lost = lostAnswers.values();
          store.hook = async ({ method, when, key }) => {
            await scheduler.schedule(Promise.resolve(), `${method} ${key} ${when}`);
            if (method === "put" && when === "after" && key.includes("/versions/") && lost.next().value === true) {
              throw new TypedFailure("Unavailable", "the answer is lost");
            }
          };
          const persist = async (keys: string[]): ReturnType<typeof commit> => {
            for (;;) {
              try {
                return await commit(store, keys);
              } catch (error) {
                if (!(error instanceof TypedFailure) || error.type !== "Unavailable") throw error;
              }
            }
          };
          const results = await scheduler.waitFor(Promise.all(batches.map(persist)));

          const sent = updates.flat(2);
          const versions = results.flatMap(({ version }) => version ?? []);
          expect(versions.toSorted((a, b) => a - b)).toEqual(versions.map((_, index) => index + 1));
          for (const { version, added, perSource } of results) {
            if (version === null) continue;
            expect(readManifest(store, version).parent).toBe(version === 1 ? null : version - 1);
            const counts = Object.values(perSource);
            expect(counts.every((c) => c.received === c.accepted + c.quarantined + c.duplicates)).toBe(true);
            expect(added).toBe(counts.reduce((sum, { accepted }) => sum + accepted, 0));
          }
          expect(store.objects.has(objectKeys.version("games", versions.length + 1))).toBe(false);
          expect(results.reduce((sum, { added }) => sum + added, 0)).toBe(new Set(sent).size);
          if (versions.length === 0) return;
          store.hook = () => {};
          const ids = await idsOf(store, versions.length);
          expect(ids).toHaveLength(new Set(sent).size);
          expect(new Set(ids).size).toBe(ids.length);
        },
      ),
      { numRuns: 60 },
    );
  });
});
