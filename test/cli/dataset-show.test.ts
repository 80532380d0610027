import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeDiff } from "../../src/cli/dataset-diff.ts";
import { describeDatasets } from "../../src/cli/dataset-list.ts";
import { describeVersion } from "../../src/cli/dataset-show.ts";
import { diffVersions } from "../../src/dataset/diff.ts";
import { summarise } from "../../src/dataset/summary.ts";
import { listDatasets, readVersion, type DatasetEntry } from "../../src/dataset/versions.ts";
import type { DatasetVersion } from "../../src/domain/dataset-version-schema.ts";
import { objectKeys } from "../../src/domain/object-keys.ts";
import type { ObjectStore, SourceItem } from "../../src/ports.ts";
import { startTestBucket, type TestBucket, type TestPrefix } from "../support/bucket.ts";
import { aBatch, commit } from "../support/datasets.ts";
import { aChat, aSourceItem } from "../support/fake-ports.ts";
import { MemoryObjectStore } from "../support/memory-store.ts";

let bucket: TestBucket;
let prefix: TestPrefix;
beforeAll(async () => {
  bucket = await startTestBucket();
  prefix = bucket.prefix();
  await twoVersions(prefix.store);
});
afterAll(() => bucket.stop());

const items = (count: number, from = 0): SourceItem[] =>
  Array.from({ length: count }, (_, index) =>
    aSourceItem(`a.jsonl#${from + index}`, aChat(`question ${from + index}`)),
  );
const refused = (at: string, reason: string): SourceItem => aSourceItem(at, reason);

/** 40 records of discord; then 30 new ones of twitch and 5 of discord, with refused items and a source that failed. */
async function twoVersions(store: ObjectStore): Promise<void> {
  await commit(store, [(await aBatch(store, items(40))).batch]);
  const bad = [
    refused("b.jsonl#1", "messages.0.content: is empty"),
    refused("b.jsonl#7", "messages.12.content: is empty"),
    refused("\u001b[31mb.jsonl#9", "not JSON"),
  ];
  const twitch = await aBatch(store, [...items(40, 30), ...bad], {}, "twitch");
  const discord = await aBatch(store, items(5, 100), {}, "discord");
  const failedSources = { zendesk: "Unavailable: \u001b[2Jno answer" };
  await commit(store, [twitch.batch, discord.batch], 1, { failedSources });
}

async function version(store: ObjectStore, number: number): Promise<DatasetVersion> {
  const found = await readVersion(store, "games", number);
  if (found === null) throw new Error(`there is no games@${number}`);
  return found;
}

const widest = (text: string): number => Math.max(...text.split("\n").map((line) => line.length));

describe("listDatasets", () => {
  it("finds each dataset that has a version, whatever else lies beside it, in few calls", async () => {
    const store = new MemoryObjectStore();
    for (const dataset of ["games", "games-2", "games0", "a"]) {
      const { batch } = await aBatch(store, items(30), { dataset });
      await commit(store, [batch], 0, { dataset });
      for (let part = 0; part < 50; part++) store.write(objectKeys.part(dataset, `${part}`), "x");
    }
    store.write(objectKeys.part("without-a-version", "0"), "x");
    store.write(objectKeys.version("broken", 3), "{");
    store.calls.length = 0;
    const found: DatasetEntry[] = [];
    for await (const entry of listDatasets(store)) found.push(entry);
    expect(found.map((entry) => [entry.name, entry.version, "newest" in entry])).toEqual([
      ["a", 1, true],
      ["broken", 3, false],
      ["games-2", 1, true],
      ["games", 1, true],
      ["games0", 1, true],
    ]);
    expect(store.calls.length).toBeLessThanOrEqual(6 * 3 + 1);
  });
});

describe("tuneloop dataset list", () => {
  it("lists newest versions, records by split and when, as lines and as JSON", async () => {
    const newest = await version(prefix.store, 2);
    const [lines, json] = [
      await prefix.tuneloop("dataset", "list"),
      await prefix.tuneloop("dataset", "list", "--json"),
    ];
    const { train, valid, test } = newest.records;
    const when = newest.createdAt.slice(0, 16).replace("T", " ");
    expect(lines.stdout.replaceAll(/ +/g, " ")).toBe(
      ` DATASET VERSION TRAIN VALID TEST WHEN (UTC)\n games 2 ${train} ${valid} ${test} ${when}\n`,
    );
    expect(JSON.parse(json.stdout)).toEqual({
      datasets: [{ name: "games", version: 2, createdAt: newest.createdAt, records: newest.records }],
    });
  });

  it("says that there is none", async () => {
    const empty = bucket.prefix();
    expect(await empty.tuneloop("dataset", "list")).toEqual({
      code: 0,
      stdout: `There is no dataset in ${empty.store.uri("")} yet.\n`,
      stderr: "",
    });
  });
});

describe("describeDatasets", () => {
  it("gives each field a line of its own where a row does not fit, and cuts what is still too long", async () => {
    const newest = { ...(await version(prefix.store, 2)), createdAt: "2026-01-02T03:04:05Z" };
    const name = "a".repeat(40);
    const entries: DatasetEntry[] = [
      { name, version: 2, newest: { ...newest, records: { train: 1_234_567, valid: 60, test: 120 } } },
      { name: "shop", version: 3, problem: `datasets/shop/versions/000003.json: not JSON ${"x".repeat(80)}` },
    ];
    const text = describeDatasets(entries, { width: 60, where: "s3://b/" });
    expect(text.split("\n").slice(0, 6)).toEqual([
      `  ${name}`,
      "    VERSION     2",
      "    TRAIN       1,234,567",
      "    VALID       60",
      "    TEST        120",
      "    WHEN (UTC)  2026-01-02 03:04",
    ]);
    expect(text).toContain("shop cannot be read: datasets/shop/versions/000003.json: no…");
    expect(widest(text)).toBeLessThanOrEqual(60);
  });
});

describe("summarise", () => {
  it("tells the chain, the sizes, and why items were refused, without what they say", async () => {
    const [first, second] = [await version(prefix.store, 1), await version(prefix.store, 2)];
    const { chain, size, quarantine } = await summarise(prefix.store, second);
    expect(chain.map(({ version, added }) => [version, added])).toEqual([
      [2, 35],
      [1, 40],
    ]);
    const bytes = (parts: DatasetVersion["parts"]): number => parts.reduce((sum, part) => sum + part.bytes, 0);
    expect(size).toEqual({
      bytes: bytes(second.parts),
      parts: second.parts.length,
      addedBytes: bytes(second.parts) - bytes(first.parts),
      addedParts: second.parts.length - first.parts.length,
    });
    expect(quarantine).toEqual({
      reasons: [
        { reason: "messages.*.content: is empty", items: 2, example: "b.jsonl#1" },
        { reason: "not JSON", items: 1, example: "\u001b[31mb.jsonl#9" },
      ],
      unknown: 0,
    });
  });

  it("counts refused items whose reasons have been deleted", async () => {
    const store = new MemoryObjectStore();
    await twoVersions(store);
    for (const key of store.objects.keys()) if (key.includes("/quarantine/")) store.objects.delete(key);
    const { quarantine } = await summarise(store, await version(store, 2));
    expect(quarantine).toEqual({ reasons: [], unknown: 3 });
  });
});

describe("tuneloop dataset show", () => {
  it("shows a version as lines, the newest when none is named, and as JSON", async () => {
    const [lines, json] = [
      await prefix.tuneloop("dataset", "show", "games"),
      await prefix.tuneloop("dataset", "show", "games@1", "--json"),
    ];
    expect(lines.stdout).toMatch(/^dataset  games@2\n/);
    const first = await version(prefix.store, 1);
    expect(JSON.parse(json.stdout)).toMatchObject({
      dataset: "games",
      version: 1,
      parent: null,
      contentHash: first.contentHash,
      sources: { discord: first.records },
      perSource: { discord: { received: 40, accepted: 40, quarantined: 0, duplicates: 0 } },
      chain: [{ version: 1, added: 40 }],
      quarantine: { reasons: [], unknown: 0 },
    });
  });

  it.each([
    ["a dataset that is not there", ["gmaes"], /^there is no dataset gmaes in s3:.*: did you mean games\?\n$/],
    ["one that is like none", ["weather"], /^there is no dataset weather in .*: tuneloop dataset list shows/],
    ["a version that is not there yet", ["games@7"], /^games has no version 7: the newest is games@2\n$/],
  ])("says what there is in place of %s", async (_, args, message) => {
    const { code, stderr } = await prefix.tuneloop("dataset", "show", ...args);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(message) });
  });
});

describe("describeVersion", () => {
  it("fits into 60 columns, and lets no text of a source act on the terminal", async () => {
    const second = await version(prefix.store, 2);
    const text = describeVersion(second, await summarise(prefix.store, second), 60);
    expect(text).toContain("records  75, 35 of them new\n");
    expect(text).toContain("  zendesk: Unavailable: \\u{1b}[2Jno answer\n");
    expect(text).toContain("  2  messages.*.content: is empty\n     such as b.jsonl#1\n");
    expect(text).toContain("  1  not JSON\n     such as \\u{1b}[31mb.jsonl#9\n");
    expect(text.replaceAll(/ +/g, " ")).toContain("\n twitch 43 30 3 10\n");
    expect(text).not.toContain("\u001b");
    expect(widest(text)).toBeLessThanOrEqual(60);
    const narrow = describeVersion(second, await summarise(prefix.store, second), 30);
    expect(narrow).toContain("  zendesk: Unavailable:\n    \\u{1b}[2Jno answer\n");
  });
});

describe("diffVersions", () => {
  it("reads no record to compare a version with one before it, but for examples", async () => {
    const store = new MemoryObjectStore();
    await twoVersions(store);
    const [first, second] = [await version(store, 1), await version(store, 2)];
    store.calls.length = 0;
    const forwards = await diffVersions(store, first, second, 0);
    expect(store.calls).toEqual([]);
    expect(forwards).toMatchObject({ added: { records: 35, examples: [] }, removed: { records: 0 }, same: 40 });
    const backwards = await diffVersions(store, second, first, 2);
    expect(backwards).toMatchObject({ added: { records: 0 }, removed: { records: 35 }, same: 40 });
    expect(backwards.removed.perSource).toEqual(forwards.added.perSource);
    expect(backwards.removed.examples).toHaveLength(2);
    expect(await diffVersions(store, second, second, 3)).toMatchObject({
      added: { records: 0 },
      removed: { records: 0 },
    });
  });

  it("compares records where two datasets share no parts", async () => {
    const store = new MemoryObjectStore();
    const all = items(60);
    await commit(store, [(await aBatch(store, all.slice(0, 40))).batch]);
    const { batch } = await aBatch(store, all.slice(10), { dataset: "shop" }, "twitch");
    await commit(store, [batch], 0, { dataset: "shop" });
    const [games, shop] = [await version(store, 1), await readVersion(store, "shop", 1)];
    const diff = await diffVersions(store, games, shop!, 100);
    expect(diff).toMatchObject({ added: { records: 20 }, removed: { records: 10 }, same: 30 });
    const questions = ({ examples }: typeof diff.added): string[] =>
      examples.map(({ record }) => record.messages[0]?.content ?? "").toSorted();
    const expected = (from: number, count: number): string[] =>
      Array.from({ length: count }, (_, index) => `question ${from + index}`).toSorted();
    expect(questions(diff.added)).toEqual(expected(40, 20));
    expect(questions(diff.removed)).toEqual(expected(0, 10));
    expect(Object.keys(diff.added.perSource)).toEqual(["twitch"]);
    expect(Object.keys(diff.removed.perSource)).toEqual(["discord"]);
  });
});

describe("tuneloop dataset diff", () => {
  it("says what was added, with examples, as lines and whole as JSON", async () => {
    const lines = await prefix.tuneloop("dataset", "diff", "games@1", "games@2", "--examples", "1");
    expect(lines.stdout).toMatch(/^games@1 -> games@2\n35 records added, 0 removed, 40 in both\n\nAdded\n/);
    expect(lines.stdout).toMatch(
      /such as\n {2}\w+, \w+: a.jsonl#\d+\n {4}> question \d+\n {4}< answer to question \d+\n$/,
    );
    const json = await prefix.tuneloop("dataset", "diff", "games@1", "games", "--json");
    expect(JSON.parse(json.stdout)).toMatchObject({
      from: "games@1",
      to: "games@2",
      added: { records: 35, examples: [{ record: { id: expect.any(String) } }, {}, {}] },
      removed: { records: 0, perSource: {}, examples: [] },
      same: 40,
    });
  });
});

describe("describeDiff", () => {
  it("cuts and escapes what records say", () => {
    const record = {
      id: "0f".repeat(32),
      messages: [
        { role: "user" as const, content: `\u001b]0;title\u0007${"long ".repeat(50)}` },
        {
          role: "assistant" as const,
          content: "two\nlines 漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字",
        },
      ],
      source: "discord",
      sourceItem: "1",
      receivedAt: "2026-01-01T00:00:00Z",
      author: null,
      group: "g",
      labels: {},
    };
    const added = { records: 1, perSource: {}, examples: [{ split: "train" as const, record }] };
    const diff = { added, removed: { records: 0, perSource: {}, examples: [] }, same: 0 };
    const lines = describeDiff(diff, { from: "games@1", to: "games@2", width: 60 }).split("\n");
    expect(lines.slice(-3, -1)).toEqual([
      "    > \\u{1b}]0;title\\u{7}long long long long long long long…",
      "    < two lines 漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢…",
    ]);
  });
});
