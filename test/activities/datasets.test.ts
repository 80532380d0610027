import { createHmac } from "node:crypto";
import { gzipSync } from "node:zlib";
import { CancelledFailure } from "@temporalio/common";
import { describe, expect, it } from "vitest";
import { objectKeys } from "../../src/domain/object-keys.ts";
import type { SourceItem, SourceReader } from "../../src/ports.ts";
import { activityEnvironment, expectFailure, inActivity } from "../support/activity.ts";
import {
  aBatch,
  anIngest,
  commit,
  datasetActivities,
  packedLines,
  readBatch,
  readManifest,
  recordsOf,
} from "../support/datasets.ts";
import { aChat, aSourceItem, fakeSource, sha256 } from "../support/fake-ports.ts";
import { MemoryObjectStore } from "../support/memory-store.ts";

const items = (count: number, from = 0): SourceItem[] =>
  Array.from({ length: count }, (_, index) =>
    aSourceItem(`a.jsonl#${from + index + 1}`, aChat(`question ${from + index}`)),
  );

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

    it("stores an author as a keyed hash, and not at all without a key", async () => {
      const author = (authorKey: string | null) =>
        inActivity(async () => {
          const store = new MemoryObjectStore();
          const source = fakeSource([[aSourceItem("a#1", { ...aChat("q"), author: "Ann" })]]);
          const { batch } = await datasetActivities(store, source, authorKey).ingest(anIngest());
          const parts = readBatch(store, batch).chunks.flatMap((chunk) => chunk.parts);
          return (await recordsOf(store, parts))[0]?.author;
        });
      expect(await author(null)).toBeNull();
      expect(await author("key")).toBe(createHmac("sha256", "key").update("Ann").digest("hex"));
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
          heartbeatDetails = structuredClone(details);
          if (details.received > 0) heard();
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
      const sources = ["discord", "unknown"];
      expect(await activities.readDatasetHead({ dataset: "games", sources })).toEqual({
        version: 0,
        records: 0,
        cursors: {},
      });
      for (const from of [0, 5]) {
        const { batch } = await aBatch(store, items(5, from));
        await commit(store, [batch], from === 0 ? 0 : 1);
      }
      expect(await activities.readDatasetHead({ dataset: "games", sources })).toEqual({
        version: 2,
        records: 10,
        cursors: { discord: "5" },
      });
    });
  });

  describe("freezeTestSet", () => {
    const frozenFrom = (store: MemoryObjectStore, sent: SourceItem[]) => {
      const activities = datasetActivities(store, fakeSource([sent]));
      return (uri: string | null = "s3://b/test.jsonl", version = 1) =>
        activities.freezeTestSet({ pipeline: "games", version, uri });
    };

    it("copies the test split of the version, and stays what it is when later versions bring more", async () => {
      const store = new MemoryObjectStore();
      await commit(store, [(await aBatch(store, items(200))).batch]);
      const freeze = frozenFrom(store, []);
      const frozen = await inActivity(() => freeze(null));
      expect(frozen.records).toBe(readManifest(store, 1).records.test);
      expect(frozen.key).toBe(objectKeys.testSet("games", frozen.sha256));
      const body = store.text(frozen.key);
      expect(sha256(body)).toBe(frozen.sha256);
      expect(JSON.parse(body.split("\n")[0] ?? "")).toMatchObject({
        question: [{ role: "user" }],
        expected: expect.any(String),
      });

      await commit(store, [(await aBatch(store, items(200, 200))).batch], 1);
      expect(await inActivity(() => freeze(null, 2))).toEqual(frozen);
      expect(store.text(frozen.key)).toBe(body);
    });

    it("agrees on one when two cycles freeze at the same time", async () => {
      const store = new MemoryObjectStore();
      const [one, other] = [frozenFrom(store, items(20)), frozenFrom(store, items(21))];
      const [first, second] = await Promise.all([inActivity(() => one()), inActivity(() => other())]);
      expect(first).toEqual(second);
      const testSet = { ...first, uri: "s3://b/test.jsonl" };
      expect(JSON.parse(store.text(objectKeys.registry("games")))).toMatchObject({ testSet });
    });

    it.each([
      ["s3://b/test.jsonl", "s3://b/other.jsonl"],
      ["s3://b/test.jsonl", null],
      [null, "s3://b/other.jsonl"],
    ])("refuses a definition that names another test set than %s, which is frozen", async (first, later) => {
      const store = new MemoryObjectStore();
      await commit(store, [(await aBatch(store, items(40), { split: { valid: 0, test: 0.9 } })).batch]);
      const freeze = frozenFrom(store, items(20));
      const frozen = await inActivity(() => freeze(first));
      const before = new Map(store.objects);
      const message = await expectFailure(() => freeze(later), "InvalidInput");
      expect(message).toContain("dataset.testSet: ");
      for (const named of [first, later]) expect(message).toContain(named ?? "the test split");
      expect(store.objects).toEqual(before);
      expect(await inActivity(() => freeze(first))).toEqual(frozen);
    });

    it("refuses a definition that names another test set than was frozen while it read its own", async () => {
      const store = new MemoryObjectStore();
      const freeze = frozenFrom(store, items(20));
      store.hook = async ({ method, when }) => {
        if (method !== "put" || when !== "before") return;
        store.hook = () => {};
        await inActivity(() => freeze("s3://b/rival.jsonl"));
      };
      expect(await expectFailure(() => freeze(), "InvalidInput")).toContain("s3://b/rival.jsonl");
    });

    it("freezes nothing while the records are too few to compare models, and then what a larger version has", async () => {
      const store = new MemoryObjectStore();
      const split = { valid: 0, test: 0.2 };
      await commit(store, [(await aBatch(store, items(40), { split })).batch]);
      const [few, before] = [readManifest(store, 1).records.test, new Map(store.objects)];
      const freeze = frozenFrom(store, []);
      expect(await expectFailure(() => freeze(null), "InvalidData")).toBe(
        `games@1 has ${few} test records, and 20 are needed to compare models: name a file in dataset.testSet or raise dataset.split.test`,
      );
      expect(store.objects).toEqual(before);
      await commit(store, [(await aBatch(store, items(160, 40), { split })).batch], 1);
      expect((await inActivity(() => freeze(null, 2))).records).toBe(readManifest(store, 2).records.test);
    });

    it("names the line of the test split that is damaged, and nothing that it says", async () => {
      const store = new MemoryObjectStore();
      const split = { valid: 0, test: 0.9 };
      await commit(store, [(await aBatch(store, items(40), { split })).batch]);
      const manifest = readManifest(store, 1);
      const part = manifest.parts.find((candidate) => candidate.split === "test");
      const lines = packedLines(store, part?.key ?? "").with(2, '{"id": "secret');
      const body = gzipSync(lines.join("\n"));
      store.write(part?.key ?? "", body);
      const parts = manifest.parts.map((other) => (other === part ? { ...part, sha256: sha256(body) } : other));
      store.write(objectKeys.version("games", 1), JSON.stringify({ ...manifest, parts }));
      const message = await expectFailure(() => frozenFrom(store, [])(null), "InvalidData");
      expect(message).toBe(`${part?.key}#3: not JSON`);
    });

    it.each<[string, Parameters<typeof aSourceItem>[1], string]>([
      ["a line that is not JSON", "not JSON", "not JSON"],
      ["a question without an answer", { messages: [{ role: "user", content: "q" }] }, "no assistant message"],
    ])("refuses a file with %s whole, naming the line", async (_, content, reason) => {
      const store = new MemoryObjectStore();
      const freeze = frozenFrom(store, [...items(2), aSourceItem("test.jsonl#3", content)]);
      const message = await expectFailure(() => freeze(), "InvalidData");
      expect(message).toContain(`dataset.testSet s3://b/test.jsonl: test.jsonl#3: ${reason}`);
      expect([...store.objects.keys()]).toEqual([]);
    });

    it("asks a question that a file repeats once, since a repeat would count as more evidence", async () => {
      const store = new MemoryObjectStore();
      const freeze = frozenFrom(store, [...items(20), ...items(20), ...items(1)]);
      const frozen = await inActivity(() => freeze());
      expect(frozen.records).toBe(20);
      expect(store.text(frozen.key).trimEnd().split("\n")).toHaveLength(20);
    });

    it.each([
      ["nothing", items(0), 0],
      ["19 records, one of them twice", [...items(19), ...items(1)], 19],
    ])("refuses a file of %s, naming the field", async (_, sent, records) => {
      const store = new MemoryObjectStore();
      const message = await expectFailure(() => frozenFrom(store, sent)(), "InvalidData");
      expect(message).toContain(`dataset.testSet s3://b/test.jsonl: has ${records} records, and 20 are needed`);
      expect([...store.objects.keys()]).toEqual([]);
    });
  });
});
