import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CommitResult } from "../../activities/interfaces.ts";
import { verifyVersion } from "../../src/dataset/verify.ts";
import type { TrainingRecord } from "../../src/domain/record-schema.ts";
import { aBatch, commit, readManifest, recordsOf } from "../support/datasets.ts";
import { aSourceItem, sha256 } from "../support/fake-ports.ts";
import { MemoryObjectStore } from "../support/memory-store.ts";

/** What a source sends: a question of few, so that many are equal; perhaps one of few groups; or something that is refused. */
interface Sent {
  question: number;
  answer: number;
  group: number | null;
  isRefused: boolean;
}
const sent = fc.record<Sent>({
  question: fc.nat(40),
  answer: fc.nat(2),
  group: fc.option(fc.nat(8)),
  isRefused: fc.boolean(),
});
/** Batches of one update, each of a source of its own. */
const update = fc.array(fc.array(sent, { maxLength: 12 }), { minLength: 1, maxLength: 3 });
const updates = fc.array(update, { minLength: 1, maxLength: 4 });
const runs = { numRuns: 80 };

/** Commits updates one after the other; answers the newest version's number. `heard` is told what became of each. */
async function commitAll(
  store: MemoryObjectStore,
  all: readonly Sent[][][],
  heard: (result: CommitResult) => void = () => {},
): Promise<number> {
  let version = 0;
  for (const batches of all) {
    const keys: string[] = [];
    for (const [source, items] of batches.entries()) {
      const delivered = items.map((item, index) =>
        aSourceItem(`a.jsonl#${index + 1}`, item.isRefused ? "no" : chatOf(item)),
      );
      keys.push((await aBatch(store, delivered, {}, `source-${source}`)).batch);
    }
    const result = await commit(store, keys, version);
    heard(result);
    version = result.version ?? version;
  }
  return version;
}

function chatOf({ question, answer, group }: Sent): { messages: unknown } {
  const messages = [
    { role: "user", content: `question ${question}` },
    { role: "assistant", content: `answer ${answer}` },
  ];
  return { messages, ...(group === null ? {} : { group: `group ${group}` }) };
}

const idOf = (item: Sent): string => sha256(JSON.stringify(chatOf(item).messages));
const acceptable = (all: readonly Sent[][][]): Set<string> =>
  new Set(all.flat(2).flatMap((item) => (item.isRefused ? [] : [idOf(item)])));

/** Records with their splits. */
async function recordsIn(store: MemoryObjectStore, version: number): Promise<(TrainingRecord & { split: string })[]> {
  if (version === 0) return [];
  const found: (TrainingRecord & { split: string })[] = [];
  for (const part of readManifest(store, version).parts) {
    for (const record of await recordsOf(store, [part])) found.push({ ...record, split: part.split });
  }
  return found;
}

describe("commitVersion, whatever sources send", () => {
  it("counts every item as accepted, quarantined or duplicate, once", async () => {
    await fc.assert(
      fc.asyncProperty(updates, async (all) => {
        const store = new MemoryObjectStore();
        const totals = { received: 0, accepted: 0, quarantined: 0 };
        await commitAll(store, all, ({ version, perSource }) => {
          if (version !== null) expect(readManifest(store, version).perSource).toEqual(perSource);
          for (const counts of Object.values(perSource)) {
            expect(counts.accepted + counts.quarantined + counts.duplicates).toBe(counts.received);
            for (const name of ["received", "accepted", "quarantined"] as const) totals[name] += counts[name];
          }
        });
        const items = all.flat(2);
        expect(totals).toEqual({
          received: items.length,
          accepted: acceptable(all).size,
          quarantined: items.filter(({ isRefused }) => isRefused).length,
        });
      }),
      runs,
    );
  });

  it("keeps the same records, whichever order and updates they come in", async () => {
    await fc.assert(
      fc.asyncProperty(updates, fc.infiniteStream(fc.nat()), async (all, numbers) => {
        const [store, other] = [new MemoryObjectStore(), new MemoryObjectStore()];
        const items = all.flat(2);
        // Shuffled, and dealt to other sources and updates.
        const order = items
          .map((item) => ({ item, place: numbers.next().value ?? 0 }))
          .toSorted((a, b) => a.place - b.place);
        const dealt: Sent[][][] = [
          [[], []],
          [[], [], []],
        ];
        for (const { item, place } of order) dealt[place % 2]?.[place % (2 + (place % 2))]?.push(item);
        const ids = async (at: MemoryObjectStore, sources: Sent[][][]): Promise<string[]> =>
          (await recordsIn(at, await commitAll(at, sources))).map(({ id }) => id).toSorted();
        const [here, there] = [await ids(store, all), await ids(other, dealt)];
        expect(here).toEqual([...acceptable(all)].toSorted());
        expect(there).toEqual(here);
      }),
      runs,
    );
  });

  it("never has records of one group in two splits, nor moves one to another split", async () => {
    await fc.assert(
      fc.asyncProperty(updates, async (all) => {
        const store = new MemoryObjectStore();
        const newest = await commitAll(store, all);
        const splits = new Map<string, string>();
        for (let version = 1; version <= newest; version++) {
          for (const { group, split } of await recordsIn(store, version)) {
            expect(splits.get(group) ?? split).toBe(split);
            splits.set(group, split);
          }
        }
      }),
      runs,
    );
  });

  it("makes versions that stand up to a check", async () => {
    await fc.assert(
      fc.asyncProperty(updates, async (all) => {
        const store = new MemoryObjectStore();
        const version = await commitAll(store, all);
        expect(await verifyVersion(store, "games", version)).toMatchObject({
          problems: [],
          records: acceptable(all).size,
        });
      }),
      runs,
    );
  });
});
