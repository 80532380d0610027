import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { contentHashOf } from "../../activities/commit-version.ts";
import { createS3Client, S3ObjectStore } from "../../src/adapters/s3-object-store.ts";
import { describeVerification } from "../../src/cli/dataset-verify.ts";
import { buildProgram } from "../../src/cli/program.ts";
import { UsageError } from "../../src/cli/usage-error.ts";
import { verifyVersion } from "../../src/dataset/verify.ts";
import { datasetVersionSchema, type DatasetVersion, type Part } from "../../src/domain/dataset-version-schema.ts";
import { objectKeys } from "../../src/domain/object-keys.ts";
import type { TrainingRecord } from "../../src/domain/record-schema.ts";
import type { ObjectStore, SourceItem } from "../../src/ports.ts";
import { startTestBucket, type TestBucket } from "../support/bucket.ts";
import { aBatch, commit } from "../support/datasets.ts";
import { aChat, aSourceItem, sha256 } from "../support/fake-ports.ts";

let bucket: TestBucket;
beforeAll(async () => {
  bucket = await startTestBucket();
});
afterAll(() => bucket.stop());

const items = (count: number, from: number): SourceItem[] =>
  Array.from({ length: count }, (_, index) =>
    aSourceItem(`a.jsonl#${from + index}`, aChat(`question ${from + index}`)),
  );
const manifestKey = (version: number): string => objectKeys.version("games", version);

/** Three versions: 40 records of discord; 40 of twitch, 10 of them known; 5 of discord. */
async function threeVersions(store: ObjectStore): Promise<void> {
  const sent: [SourceItem[], string][] = [
    [items(40, 0), "discord"],
    [items(40, 30), "twitch"],
    [items(5, 100), "discord"],
  ];
  for (const [parent, [batch, source]] of sent.entries()) {
    await commit(store, [(await aBatch(store, batch, {}, source)).batch], parent);
  }
}

async function read(store: ObjectStore, key: string): Promise<Buffer> {
  const object = await store.get(key);
  if (object === null) throw new Error(`there is no ${key}`);
  return object.body;
}

async function readManifest(store: ObjectStore, version: number): Promise<DatasetVersion> {
  return datasetVersionSchema.parse(JSON.parse((await read(store, manifestKey(version))).toString()));
}

async function changeManifest(
  store: ObjectStore,
  version: number,
  change: (manifest: DatasetVersion) => object,
): Promise<void> {
  await store.put(manifestKey(version), JSON.stringify(change(await readManifest(store, version))));
}

/**
 * Rewrites the first part of version 3's own, and of its manifest all that follows from it: only what is in the part can
 * tell. Answers the part's key.
 */
async function forge(
  store: ObjectStore,
  change: (records: TrainingRecord[], part: Part) => { records?: TrainingRecord[]; part?: Partial<Part> },
): Promise<string> {
  const [parent, manifest] = [await readManifest(store, 2), await readManifest(store, 3)];
  const at = parent.parts.length;
  const part = manifest.parts[at];
  if (part === undefined) throw new Error("version 3 added nothing");
  const lines = gunzipSync(await read(store, part.key))
    .toString()
    .trimEnd()
    .split("\n");
  const records = lines.map((line) => JSON.parse(line) as TrainingRecord);
  const changed = change(structuredClone(records), part);
  const body = gzipSync((changed.records ?? records).map((record) => `${JSON.stringify(record)}\n`).join(""));
  const [hash, count] = [sha256(body), (changed.records ?? records).length];
  const key = objectKeys.part("games", hash);
  await store.put(key, body);
  const forged: Part = { ...part, key, sha256: hash, bytes: body.length, records: count, ...changed.part };
  const counts = { ...manifest.records };
  counts[part.split] -= part.records;
  counts[forged.split] += count;
  const added = manifest.perSource["discord"]!;
  const content = {
    ...manifest,
    records: counts,
    parts: manifest.parts.with(at, forged),
    perSource: { discord: { ...added, received: 5 - part.records + count, accepted: 5 - part.records + count } },
  };
  await store.put(manifestKey(3), JSON.stringify({ ...content, contentHash: contentHashOf(content, parent) }));
  return key;
}

/** Problems of the newest version, at their places, hashes by their first digits. */
async function problemsOf(store: ObjectStore): Promise<string[]> {
  const { problems } = await verifyVersion(store, "games", 3);
  return problems.map(({ at, problem }) => `${at}: ${problem}`.replaceAll(/\b([0-9a-f]{6})[0-9a-f]{20,}\b/g, "$1…"));
}

const firstPart = async (store: ObjectStore): Promise<Part> => (await readManifest(store, 1)).parts[0]!;
const short = (key: string): string => key.replaceAll(/\b([0-9a-f]{6})[0-9a-f]{20,}\b/g, "$1…");

describe("verifyVersion", () => {
  it("finds nothing in a chain of versions as they were committed, and counts what it read", async () => {
    const { store } = bucket.prefix();
    await threeVersions(store);
    const progress: number[] = [];
    const found = await verifyVersion(store, "games", 3, ({ records }) => progress.push(records));
    const { parts } = await readManifest(store, 3);
    expect(found).toEqual({
      dataset: "games",
      version: 3,
      versions: 3,
      parts: parts.length,
      records: 75,
      problems: [],
      found: 0,
    });
    expect(progress.at(-1)).toBe(75);
    expect(await verifyVersion(store, "games", 2)).toMatchObject({ versions: 2, records: 70, found: 0 });
  });

  it.each<[string, (store: ObjectStore, part: Part) => Promise<unknown>, RegExp]>([
    [
      "has a byte changed",
      async (store, { key }) => {
        const body = Buffer.from(await read(store, key));
        body[body.length >> 1] = (body[body.length >> 1] ?? 0) ^ 1;
        return store.put(key, body);
      },
      /^sha256 is [0-9a-f]{12}, [0-9a-f]{12} was written$/,
    ],
    [
      "breaks off",
      async (store, { key }) => store.put(key, (await read(store, key)).subarray(0, -20)),
      /^sha256 is [0-9a-f]{12}, [0-9a-f]{12} was written$/,
    ],
    ["is another one", (store, { key }) => store.put(key, gzipSync("{}\n")), /^sha256 is/],
  ])("tells a part that %s", async (_, damage, problem) => {
    const { store } = bucket.prefix();
    await threeVersions(store);
    const part = await firstPart(store);
    await damage(store, part);
    const { problems } = await verifyVersion(store, "games", 3);
    expect(problems).toEqual([{ at: part.key, problem: expect.stringMatching(problem) }]);
  });

  it("tells a part and a list of ids that are gone", async () => {
    const { store, remove } = bucket.prefix();
    await threeVersions(store);
    const [part, manifest] = [await firstPart(store), await readManifest(store, 1)];
    await remove(part.key);
    await remove(manifest.ids[0]!.key);
    const { problems } = await verifyVersion(store, "games", 3);
    expect(problems).toContainEqual({ at: part.key, problem: expect.stringContaining("no such object") });
    expect(problems).toContainEqual({ at: manifest.ids[0]!.key, problem: "is missing" });
  });

  it("tells a list of ids that is another one", async () => {
    const { store } = bucket.prefix();
    await threeVersions(store);
    const { key } = (await readManifest(store, 3)).ids[0]!;
    const body = Buffer.from(await read(store, key));
    body[0] = (body[0] ?? 0) ^ 1;
    await store.put(key, body);
    expect(await problemsOf(store)).toEqual([expect.stringMatching(`^${short(key)}: is not what was written`)]);
  });

  it("tells a version that is gone from the middle of the chain, and checks the records of the others", async () => {
    const { store, remove } = bucket.prefix();
    await threeVersions(store);
    await remove(manifestKey(2));
    expect(await verifyVersion(store, "games", 3)).toMatchObject({
      records: 75,
      problems: [
        { at: manifestKey(2), problem: "is missing" },
        { at: manifestKey(3), problem: "its content hash cannot be checked without games@2" },
      ],
    });
  });

  it.each([
    ["is not JSON", "{", "is no manifest: not JSON"],
    ["lacks a field", '{"format":1}', "is no manifest: dataset: Invalid input: expected string, received undefined"],
  ])("tells a manifest that %s", async (_, body, problem) => {
    const { store } = bucket.prefix();
    await threeVersions(store);
    await store.put(manifestKey(1), body);
    expect(await problemsOf(store)).toEqual([
      `${manifestKey(1)}: ${problem}`,
      `${manifestKey(2)}: its content hash cannot be checked without games@1`,
    ]);
  });

  it.each<[string, (manifest: DatasetVersion) => object, RegExp[]]>([
    [
      "other cursors",
      (manifest) => ({ ...manifest, cursors: { discord: "0" } }),
      [/contentHash is "\w+…", "\w+…" is right/],
    ],
    [
      "other counts",
      (manifest) => ({ ...manifest, records: { ...manifest.records, train: 1 } }),
      [/records is \{"train":1,.*\}, \{"train":\d\d,.*\} is right/, /contentHash/],
    ],
    [
      "counts of a source that do not add up",
      (manifest) => ({
        ...manifest,
        perSource: { discord: { received: 40, accepted: 39, quarantined: 0, duplicates: 0 } },
      }),
      [/perSource.discord.received is 40, 39 is right/, /contentHash/, /perSource.discord.accepted is 39, 40 is right/],
    ],
    ["another name", (manifest) => ({ ...manifest, dataset: "shop" }), [/dataset is "shop", "games" is right/]],
    ["another number", (manifest) => ({ ...manifest, version: 7 }), [/version is 7, 1 is right/]],
  ])("tells a manifest with %s", async (_, change, problems) => {
    const { store } = bucket.prefix();
    await threeVersions(store);
    await changeManifest(store, 1, change);
    const found = await problemsOf(store);
    for (const problem of problems) expect(found).toContainEqual(expect.stringMatching(problem));
    expect(found.every((line) => line.startsWith("datasets/games/versions/"))).toBe(true);
  });

  it("tells a version that leaves out a part or a cursor of its parent, or is split by other shares", async () => {
    const { store } = bucket.prefix();
    await threeVersions(store);
    await changeManifest(store, 3, (manifest) => ({
      ...manifest,
      parts: manifest.parts.slice(1),
      cursors: {},
      split: { valid: 0.5, test: 0.1 },
    }));
    const found = await problemsOf(store);
    expect(found).toContain(`${manifestKey(3)}: parts.0 is not that of games@2`);
    expect(found).toContain(`${manifestKey(3)}: cursors of discord, twitch are missing, games@2 has them`);
    expect(found).toContain(`${manifestKey(3)}: split is not that of games@2`);
  });

  it("tells a record whose messages are not those it was named by", async () => {
    const { store } = bucket.prefix();
    await threeVersions(store);
    const key = await forge(store, ([first, ...rest]) => {
      first!.messages[1]!.content = "another answer";
      return { records: [first!, ...rest] };
    });
    expect(await problemsOf(store)).toEqual([
      expect.stringMatching(/#1: its id is [0-9a-f]{6}…, its messages have [0-9a-f]{6}…$/),
    ]);
    expect((await problemsOf(store))[0]).toContain(short(key));
  });

  it("tells a record in another split than its group's", async () => {
    const { store } = bucket.prefix();
    await threeVersions(store);
    const { length } = (await readManifest(store, 2)).parts;
    const { split = "train" } = (await readManifest(store, 3)).parts[length] ?? {};
    const other = split === "train" ? "test" : "train";
    const key = await forge(store, () => ({ part: { split: other } }));
    const found = await problemsOf(store);
    expect(found[0]).toBe(`${short(key)}#1: is in ${other}, its group belongs to ${split}`);
  });

  it("tells a record of another source than its part's", async () => {
    const { store } = bucket.prefix();
    await threeVersions(store);
    const key = await forge(store, (records) => ({
      records: records.map((record, index) => (index === 0 ? { ...record, source: "slack" } : record)),
    }));
    expect(await problemsOf(store)).toEqual([`${short(key)}#1: is of source slack in a part of discord`]);
  });

  it("tells a record that is in the chain before, and the list of ids that has another one in its place", async () => {
    const { store } = bucket.prefix();
    await threeVersions(store);
    const old = await firstPart(store);
    const [line = ""] = gunzipSync(await read(store, old.key))
      .toString()
      .split("\n");
    const record = JSON.parse(line) as TrainingRecord;
    const key = await forge(store, ([, ...rest], part) => ({
      records: [record, ...rest],
      part: { split: part.split },
    }));
    const found = await problemsOf(store);
    expect(found).toContain(`${short(key)}#1: record ${short(record.id)} is in the dataset already`);
    expect(found).toContainEqual(
      expect.stringMatching(
        new RegExp(`/ids/.* lists [0-9a-f]{6}… for record 71 of the dataset, whose id begins with`),
      ),
    );
  });

  it("tells a part with another number of records than the manifest has, and a line that is no record", async () => {
    const { store } = bucket.prefix();
    await threeVersions(store);
    const key = await forge(store, (records) => ({ records: records.slice(1), part: { records: records.length } }));
    expect(await problemsOf(store)).toContainEqual(
      expect.stringMatching(new RegExp(`^${short(key)}: holds \\d records, its manifest says \\d$`)),
    );
    const other = await forge(store, (records) => ({
      records: records.map((record) => ({ ...record, labels: undefined as unknown as TrainingRecord["labels"] })),
    }));
    expect(await problemsOf(store)).toContainEqual(
      expect.stringContaining(`${short(other)}: ${short(other)}#1: labels`),
    );
  });

  it("fails, and finds nothing, when the bucket cannot be read", async () => {
    const client = createS3Client({
      endpoint: "http://127.0.0.1:9",
      region: "us-east-1",
      credentials: { accessKeyId: "id", secretAccessKey: "key" },
    });
    const unreachable = new S3ObjectStore(client, "s3://tuneloop");
    await expect(verifyVersion(unreachable, "games", 3)).rejects.toMatchObject({ type: "Unavailable" });
    client.destroy();
  });
});

describe("tuneloop dataset verify", () => {
  it("says OK, with exit code 0, for one dataset and for all", async () => {
    const { store, tuneloop } = bucket.prefix();
    await threeVersions(store);
    const [one, all] = [await tuneloop("dataset", "verify", "games@2"), await tuneloop("dataset", "verify", "--all")];
    expect(one).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^games@2 is OK: 2 versions, \d+ parts, 70 records\n$/),
      stderr: "",
    });
    expect(all.stdout).toMatch(/^games@3 is OK: 3 versions, \d+ parts, 75 records\n$/);
  });

  it("says what differs, with exit code 1, also as JSON", async () => {
    const { store, tuneloop, remove } = bucket.prefix();
    await threeVersions(store);
    const { key } = await firstPart(store);
    await remove(key);
    const { code, stdout } = await tuneloop("dataset", "verify", "games");
    expect(code).toBe(1);
    expect(stdout).toMatch(/^games@3: 1 problem in 3 versions, .*\n  datasets\/games\/parts\/[0-9a-f]{12}….jsonl.gz\n/);
    const json = await tuneloop("dataset", "verify", "--all", "--json");
    expect(json.code).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({
      ok: false,
      datasets: [{ dataset: "games", problems: [{ at: key }] }],
    });
  });

  it.each([
    ["neither a dataset nor --all", []],
    ["both", ["games", "--all"]],
  ])("refuses %s as wrong usage", async (_, args) => {
    const program = await buildProgram(["dataset"]);
    const refused = program.parseAsync(["dataset", "verify", ...args], { from: "user" });
    await expect(refused).rejects.toEqual(new UsageError("name one dataset, or give --all"));
  });
});

describe("describeVerification", () => {
  it("fits into 60 columns, and counts the problems it leaves out", () => {
    const problem = `its id is ${"ab".repeat(32)}, its messages have ${"cd".repeat(32)}`;
    const at = `${objectKeys.part("games", "ef".repeat(32))}#12`;
    const problems = Array.from({ length: 30 }, () => ({ at, problem }));
    const text = describeVerification(
      { dataset: "games", version: 3, versions: 3, parts: 9, records: 75, problems, found: 1200 },
      60,
    );
    const lines = text.trimEnd().split("\n");
    expect(lines.slice(0, 3)).toEqual([
      "games@3: 1,200 problems in 3 versions, 9 parts, 75 records",
      "  datasets/games/parts/efefefefefef….jsonl.gz#12",
      "    its id is abababababab…, its messages have cdcdcdcdcdcd…",
    ]);
    expect(lines.at(-1)).toBe("  and 1,180 more: see --json");
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60);
  });
});
