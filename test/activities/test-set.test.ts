import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { objectKeys } from "../../src/domain/object-keys.ts";
import type { SourceItem } from "../../src/ports.ts";
import { expectFailure, inActivity } from "../support/activity.ts";
import { aBatch, commit, datasetActivities, packedLines, readManifest } from "../support/datasets.ts";
import { aChat, aSourceItem, fakeSource, sha256 } from "../support/fake-ports.ts";
import { MemoryObjectStore } from "../support/memory-store.ts";

const items = (count: number, from = 0): SourceItem[] =>
  Array.from({ length: count }, (_, index) =>
    aSourceItem(`a.jsonl#${from + index + 1}`, aChat(`question ${from + index}`)),
  );

describe("freezeTestSet", () => {
  const frozenFrom = (store: MemoryObjectStore, sent: SourceItem[]) => {
    const activities = datasetActivities(store, fakeSource([sent]));
    return (uri: string | null = "s3://b/test.jsonl", version = 1, retention: string | null = null) =>
      activities.freezeTestSet({ pipeline: "games", version, uri, retention });
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
    const testSet = { ...first, uri: "s3://b/test.jsonl", retention: null };
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

  describe("with a retention set", () => {
    /** Files by URI, of which each read gives the items. */
    const frozenOf = (
      store: MemoryObjectStore,
      files: Record<string, SourceItem[]>,
      authorKey: string | null = null,
    ) => {
      const source = {
        ...fakeSource([]),
        read: (_: unknown, uri: string | null) =>
          fakeSource([files[uri ?? ""] ?? []]).read(_ as never, null, undefined as never),
      };
      const activities = datasetActivities(store, source, authorKey);
      return (retention: string | null) =>
        activities.freezeTestSet({ pipeline: "games", version: 1, uri: "s3://b/test.jsonl", retention });
    };
    const retention = "s3://b/old.jsonl";

    it("asks what is in both once, as part of the test set, and marks the rest", async () => {
      const store = new MemoryObjectStore();
      const freeze = frozenOf(store, { "s3://b/test.jsonl": items(20), [retention]: items(5, 18) });
      const frozen = await inActivity(() => freeze(retention));
      expect(frozen.records).toBe(23);
      const sets = store
        .text(frozen.key)
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line).set);
      expect(sets).toEqual([...Array(20).fill("test"), ...Array(3).fill("retention")]);
      expect(await inActivity(() => freeze(retention))).toEqual(frozen);
    });

    it("refuses another one later, naming the field", async () => {
      const store = new MemoryObjectStore();
      const freeze = frozenOf(store, { "s3://b/test.jsonl": items(20), [retention]: items(5, 20) });
      await inActivity(() => freeze(retention));
      expect(await expectFailure(() => freeze(null), "InvalidInput")).toBe(
        `evaluate.retentionSet: is null (no old skills), but the questions of this pipeline were frozen with ${retention}, and its models are compared on them: put that back, or give the pipeline another name, under which it freezes new questions and has no champion yet`,
      );
    });

    it("refuses one that is added later, and says what to do", async () => {
      const store = new MemoryObjectStore();
      const freeze = frozenOf(store, { "s3://b/test.jsonl": items(20), [retention]: items(5, 20) });
      const frozen = await inActivity(() => freeze(null));
      expect(await expectFailure(() => freeze(retention), "InvalidInput")).toBe(
        `evaluate.retentionSet: is ${retention}, but the questions of this pipeline were frozen with null (no old skills), and its models are compared on them: put that back, or give the pipeline another name, under which it freezes new questions and has no champion yet`,
      );
      expect(await inActivity(() => freeze(null))).toEqual(frozen);
    });

    it.each([
      ["is empty", items(0), "has no records"],
      ["has nothing of its own", items(5), "has no record that is not in the test set already"],
      ["has a bad line", [aSourceItem("old.jsonl#1", "not JSON")], "old.jsonl#1: not JSON"],
    ])("refuses a file that %s, and freezes nothing", async (_, sent, reason) => {
      const store = new MemoryObjectStore();
      const freeze = frozenOf(store, { "s3://b/test.jsonl": items(20), [retention]: sent });
      const message = await expectFailure(() => freeze(retention), "InvalidData");
      expect(message).toBe(`evaluate.retentionSet ${retention}: ${reason}`);
      expect(store.objects.size).toBe(0);
    });

    it("keeps labels and group, and the author as a keyed hash or not at all", async () => {
      const chat = { ...aChat("q"), author: "Ada", group: "g", labels: { platform: "ps5" } };
      const sent = [...items(19), aSourceItem("a.jsonl#20", chat)];
      const frozen = async (authorKey: string | null) => {
        const store = new MemoryObjectStore();
        const freeze = frozenOf(store, { "s3://b/test.jsonl": sent }, authorKey);
        const { key } = await inActivity(() => freeze(null));
        return JSON.parse(store.text(key).trimEnd().split("\n").at(-1) ?? "");
      };
      const named = { source: null, group: "g", labels: { platform: "ps5" } };
      expect(await frozen("key")).toMatchObject({ ...named, author: expect.stringMatching(/^[0-9a-f]{64}$/) });
      expect(await frozen(null)).toMatchObject({ ...named, author: null });
    });
  });
});
