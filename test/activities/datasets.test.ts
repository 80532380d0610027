import { createHmac } from "node:crypto";
import { CancelledFailure } from "@temporalio/common";
import { describe, expect, it, vi } from "vitest";
import type { IngestResult } from "../../activities/interfaces.ts";
import { TypedFailure } from "../../src/domain/failures.ts";
import type { SourceItem, SourceReader } from "../../src/ports.ts";
import { activityEnvironment, expectFailure, inActivity } from "../support/activity.ts";
import { aBatch, anIngest, commit, datasetActivities, packedLines, readBatch, recordsOf } from "../support/datasets.ts";
import { aChat, aSourceItem, fakeSource } from "../support/fake-ports.ts";
import { MemoryObjectStore } from "../support/memory-store.ts";

const items = (count: number, from = 0): SourceItem[] =>
  Array.from({ length: count }, (_, index) =>
    aSourceItem(`a.jsonl#${from + index + 1}`, aChat(`question ${from + index}`)),
  );

async function* groups(...given: SourceItem[][]): AsyncGenerator<SourceItem[]> {
  yield* given;
}

async function* thenFails(group: SourceItem[]): AsyncGenerator<SourceItem[]> {
  yield group;
  throw new TypedFailure("RateLimited", "the service asks for patience", { retryAfterMs: 600 });
}

describe("createDatasetActivities", () => {
  describe("ingest", () => {
    it("writes what came as it came, clean records by split, and refused ones with place and reason", async () => {
      const store = new MemoryObjectStore();
      const refused = [
        aSourceItem("a.jsonl#3", "not JSON"),
        aSourceItem("a.jsonl#4", { messages: [{ role: "user", content: "no answer" }] }),
        aSourceItem("a.jsonl#5", { messages: [{ role: "assistant", content: "no question" }] }),
      ];
      const sent = [...items(2), ...refused];
      const result = await aBatch(store, sent);
      expect(result).toMatchObject({ source: "discord", received: 5, quarantined: 3 });
      const { chunks, cursor } = readBatch(store, result.batch);
      expect(cursor).toBe("5");
      expect(packedLines(store, chunks[0]?.raw ?? "")).toEqual(sent.map(({ raw }) => raw));
      const quarantine = store
        .text(chunks[0]?.quarantine ?? "")
        .trimEnd()
        .split("\n");
      expect(quarantine.map((line) => JSON.parse(line))).toEqual([
        { at: "a.jsonl#3", reason: "not JSON", text: "not JSON" },
        { at: "a.jsonl#4", reason: "no assistant message: there is no answer to learn", text: refused[1]?.raw },
        { at: "a.jsonl#5", reason: "no user message: there is no question", text: refused[2]?.raw },
      ]);
      const records = await recordsOf(store, chunks[0]?.parts ?? []);
      expect(records.map(({ sourceItem }) => sourceItem).toSorted()).toEqual(["a.jsonl#1", "a.jsonl#2"]);
    });

    it("writes an empty batch, whose cursor is kept, for a source that has nothing new", async () => {
      const store = new MemoryObjectStore();
      const result = await aBatch(store, [], { cursor: "7" });
      expect(readBatch(store, result.batch)).toMatchObject({ received: 0, cursor: "7", chunks: [] });
    });

    it("keeps a group in one split, whichever source, batch and answer", async () => {
      const store = new MemoryObjectStore();
      const splits = new Map<string, Set<string>>();
      for (const source of ["discord", "twitch"]) {
        const sent = Array.from({ length: 60 }, (_, index) => [
          aSourceItem(`${source}#${index}`, { ...aChat(`${source} ${index}`), group: `thread ${index % 20}` }),
          aSourceItem(`${source}#q${index}`, aChat(`question ${index % 20}`, `answer ${index} of ${source}`)),
        ]).flat();
        const { batch } = await aBatch(store, sent, {}, source);
        for (const part of readBatch(store, batch).chunks.flatMap(({ parts }) => parts)) {
          for (const { group } of await recordsOf(store, [part])) {
            splits.set(group, (splits.get(group) ?? new Set()).add(part.split));
          }
        }
      }
      expect(splits.size).toBe(40);
      expect([...splits.values()].filter(({ size }) => size !== 1)).toEqual([]);
      expect(new Set([...splits.values()].flatMap((split) => [...split]))).toEqual(new Set(["train", "valid", "test"]));
    });

    it.each([
      ["a keyed hash", "key", createHmac("sha256", "key").update("Ann").digest("hex")],
      ["nothing without a key", null, null],
    ])("stores %s of an author, wherever the author is named", async (_, authorKey, author) => {
      const store = new MemoryObjectStore();
      const sent = [
        aSourceItem("a#1", { ...aChat("Is Ann here?"), author: "Ann", user: { id: 7, name: "Ann" } }),
        aSourceItem("a#2", { messages: [{ role: "user", content: "no answer" }], author: "Ann" }),
        { ...aSourceItem("a#3", "no messages"), raw: JSON.stringify({ author: "Ann" }) },
      ];
      const activities = datasetActivities(store, fakeSource([sent]), authorKey);
      const { batch } = await inActivity(() => activities.ingest(anIngest()));
      const [chunk] = readBatch(store, batch).chunks;
      expect((await recordsOf(store, chunk?.parts ?? []))[0]?.author).toBe(author);
      const raw = packedLines(store, chunk?.raw ?? "").map((line) => JSON.parse(line));
      expect(raw).toMatchObject([{ author, user: { id: 7, name: author } }, { author }, { author }]);
      expect(store.text(chunk?.quarantine ?? "")).not.toContain("Ann");
    });

    it("goes on from its heartbeat after a crash, and counts nothing twice and loses nothing", async () => {
      const store = new MemoryObjectStore();
      const large = Array.from({ length: 24 }, (_, index) => [
        aSourceItem(`a.jsonl#${index + 1}`, aChat(`question ${index}`, "x".repeat(1_000_000))),
      ]);
      const first = activityEnvironment();
      let heartbeatDetails: unknown;
      const written = new Promise<void>((heard) => {
        first.on("heartbeat", (details: { received: number }) => {
          // A worker that is gone does not say how far it came in the end.
          if (details.received === 0 || heartbeatDetails !== undefined) return;
          heartbeatDetails = structuredClone(details);
          heard();
        });
      });
      const failing = fakeSource(large, async (index) => {
        if (index < 22) return;
        await written;
        throw new Error("connection lost");
      });
      const crash = first.run(() => datasetActivities(store, failing).ingest(anIngest()));
      await expect(crash).rejects.toThrow("connection lost");
      expect(heartbeatDetails).toMatchObject({ cursor: "17", received: 17 });

      const whole = fakeSource(large);
      const { batch } = await inActivity(() => datasetActivities(store, whole).ingest(anIngest()), {
        heartbeatDetails,
      });
      expect(whole.cursors).toEqual(["17"]);
      const { received, cursor, chunks } = readBatch(store, batch);
      expect([received, cursor, chunks.length]).toEqual([24, "24", 2]);
      const records = await recordsOf(
        store,
        chunks.flatMap(({ parts }) => parts),
      );
      expect(new Set(records.map(({ sourceItem }) => sourceItem)).size).toBe(24);
      expect(records).toHaveLength(24);
    });

    it("goes on behind what came before a failure, however little that was, or if all of it was left out", async () => {
      for (const before of [items(2), []]) {
        const store = new MemoryObjectStore();
        const environment = activityEnvironment();
        let heartbeatDetails: unknown;
        environment.on("heartbeat", (details: unknown) => (heartbeatDetails = structuredClone(details)));
        const limited: SourceReader = {
          read: () => ({ items: thenFails(before), cursor: async () => "behind" }),
        };
        const reading = environment.run(() => datasetActivities(store, limited).ingest(anIngest()));
        await expect(reading).rejects.toThrow("asks for patience");
        expect(heartbeatDetails).toMatchObject({ cursor: "behind", received: before.length });
      }
    });

    it.each(["ingest", "ingestSmall"] as const)(
      "%s moves the cursor on when everything that was read was left out",
      async (activity) => {
        const store = new MemoryObjectStore();
        const nothing: SourceReader = {
          read: () => ({ items: groups([], []), cursor: async () => "behind" }),
        };
        const result = await inActivity(() => datasetActivities(store, nothing)[activity](anIngest()));
        expect(readBatch(store, result?.batch ?? "")).toMatchObject({ received: 0, cursor: "behind", chunks: [] });
      },
    );

    it("saves what came of a slow source once a minute", async () => {
      const now = vi.spyOn(Date, "now");
      const store = new MemoryObjectStore();
      const slow = fakeSource([items(1), items(1, 1), items(1, 2)], (index) => {
        if (index === 1) now.mockReturnValue(new Date().getTime() + 61_000);
      });
      const { batch } = await inActivity(() => datasetActivities(store, slow).ingest(anIngest()));
      now.mockRestore();
      expect(readBatch(store, batch)).toMatchObject({ received: 3, cursor: "3", chunks: [{}, {}] });
    });

    it("keeps its heartbeats small however much it brings, and goes on from any of them with all that was kept", async () => {
      const now = vi.spyOn(Date, "now");
      const store = new MemoryObjectStore();
      const sent = Array.from({ length: 20 }, (_, minute) => items(1000, minute * 1000));
      const eachMinute = (): void => void now.mockReturnValue(Date.now() + 61_000);
      const beats = new Map<string | null, object>();
      const environment = activityEnvironment();
      environment.on("heartbeat", (details: { cursor: string | null }) => {
        expect(JSON.stringify(details).length).toBeLessThan(128 * 1024);
        beats.set(details.cursor, structuredClone(details));
      });
      const activities = datasetActivities(store, fakeSource(sent, eachMinute));
      const whole: IngestResult = await environment.run(() => activities.ingest(anIngest()));
      const batch = readBatch(store, whole.batch);
      expect([batch.received, batch.chunks.length]).toEqual([20_000, 19]);
      for (const cursor of ["4000", "19000"]) {
        const again = datasetActivities(store, fakeSource(sent, eachMinute));
        const { received, batch } = await inActivity(() => again.ingest(anIngest()), {
          heartbeatDetails: beats.get(cursor),
        });
        expect(received).toBe(20_000);
        expect(await commit(store, [batch], 0, { dataset: `from-${cursor}` })).toMatchObject({ added: 20_000 });
      }
      now.mockRestore();
    });

    it("refuses a cursor that does not fit into a heartbeat", async () => {
      const endless: SourceReader = {
        read: () => ({ items: groups(items(1)), cursor: async () => "x".repeat(70_000) }),
      };
      const ingest = () => datasetActivities(new MemoryObjectStore(), endless).ingest(anIngest());
      expect(await expectFailure(ingest, "InvalidData")).toBe(
        "source discord: its cursor has 70000 characters, 65536 are the most",
      );
    });

    it("writes the same batch under the same name when it is repeated from the start", async () => {
      const store = new MemoryObjectStore();
      const run = () => inActivity(() => datasetActivities(store, fakeSource([items(30)])).ingest(anIngest()));
      const first = await run();
      const before = new Map(store.objects);
      expect(await run()).toEqual(first);
      expect(store.objects).toEqual(before);
    });

    it.each(["ingest", "ingestSmall"] as const)(
      "changes nothing that another %s of the run wrote, which may have met other items",
      async (activity) => {
        const store = new MemoryObjectStore();
        const run = (count: number) =>
          inActivity(() => {
            const sent = [...items(count), aSourceItem(`a.jsonl#${count + 1}`, `bad ${count}`)];
            return datasetActivities(store, fakeSource([sent]))[activity](anIngest());
          });
        const first = await run(1100);
        const before = new Map(store.objects);
        const second = await run(1200);
        for (const [key, object] of before) expect(store.objects.get(key), key).toEqual(object);
        expect([first?.received, second?.received]).toEqual([1101, 1201]);
        expect(await commit(store, [second?.batch ?? ""])).toMatchObject({ added: 1200 });
      },
    );

    it("shows that it lives while a source is slow to deliver", async () => {
      const environment = activityEnvironment();
      const beat = new Promise<unknown>((heard) =>
        environment.once("heartbeat", (details) => heard(structuredClone(details))),
      );
      const slow = fakeSource([items(1), items(1, 1)], async () => {
        await beat;
      });
      const activities = datasetActivities(new MemoryObjectStore(), slow);
      expect(await environment.run(() => activities.ingest(anIngest()))).toMatchObject({ received: 2 });
      expect(await beat).toMatchObject({ cursor: null, received: 0 });
    });

    it.each([
      ["ingest", "in the middle", [items(1), items(1, 1)]],
      ["ingest", "when nothing new came", [[], []]],
      ["ingestSmall", "in the middle", [items(1), items(1, 1)]],
      ["ingestSmall", "when nothing new came", [[], []]],
    ] as const)("%s stops when it is cancelled %s, without a batch", async (activity, _, groups) => {
      const store = new MemoryObjectStore();
      const environment = activityEnvironment();
      const cancelling: SourceReader = {
        read: () => {
          const delivered = async function* (): AsyncGenerator<SourceItem[]> {
            yield* groups.map((group) => [...group]);
            environment.cancel();
          };
          return { items: delivered(), cursor: async () => "1" };
        },
      };
      const ingesting = environment.run(() => datasetActivities(store, cancelling)[activity](anIngest()));
      await expect(ingesting).rejects.toBeInstanceOf(CancelledFailure);
      expect([...store.objects.keys()].filter((key) => key.endsWith(".json"))).toEqual([]);
    });
  });

  describe("readDatasetHead", () => {
    it("answers version 0 before the first, and then the newest with the cursors asked for", async () => {
      const store = new MemoryObjectStore();
      const activities = datasetActivities(store, fakeSource([]));
      const request = { dataset: "games", sources: ["discord", "unknown"], split: anIngest().split };
      expect(await activities.readDatasetHead(request)).toEqual({
        version: 0,
        records: 0,
        cursors: {},
      });
      for (const from of [0, 5]) {
        const { batch } = await aBatch(store, items(5, from));
        await commit(store, [batch], from === 0 ? 0 : 1);
      }
      expect(await activities.readDatasetHead(request)).toEqual({ version: 2, records: 10, cursors: { discord: "5" } });
    });

    it("fails as InvalidInput, and says what to do, when the dataset is split by other shares", async () => {
      const store = new MemoryObjectStore();
      await commit(store, [(await aBatch(store, items(5))).batch]);
      const activities = datasetActivities(store, fakeSource([]));
      const request = { dataset: "games", sources: [], split: { valid: 0.05, test: 0.2 } };
      expect(await expectFailure(() => activities.readDatasetHead(request), "InvalidInput")).toBe(
        "dataset.split: is valid 0.05, test 0.2, but games is split by valid 0.05, test 0.1, and records would move " +
          "between training and test: put that back, or give the dataset another name",
      );
    });
  });
});
