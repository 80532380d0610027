import { gzipSync } from "node:zlib";
import { CreateBucketCommand, type S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createS3Client, S3ObjectStore } from "../../../src/adapters/s3-object-store.ts";
import { createS3JsonlReader, readChatFile } from "../../../src/adapters/sources/s3-jsonl.ts";
import type { SourceItem, SourceReading } from "../../../src/ports.ts";
import { aChat } from "../../support/fake-ports.ts";
import { startTestStack, type TestStack } from "../../support/stack.ts";

let stack: TestStack;
let client: S3Client;
let own: S3ObjectStore;
let bucket: S3ObjectStore;
let source: { id: string; kind: "s3-jsonl"; uri: string };
let tests = 0;
beforeAll(async () => {
  stack = await startTestStack({ services: ["s3"] });
  const {
    AWS_ENDPOINT_URL: endpoint = "",
    AWS_ACCESS_KEY_ID: accessKeyId = "",
    AWS_SECRET_ACCESS_KEY: secretAccessKey = "",
  } = stack.environment;
  client = createS3Client({ endpoint, region: "us-east-1", credentials: { accessKeyId, secretAccessKey } });
  for (const Bucket of ["own", "feedback"]) await client.send(new CreateBucketCommand({ Bucket }));
  own = new S3ObjectStore(client, "s3://own/tuneloop");
});
beforeEach(() => {
  source = { id: "discord", kind: "s3-jsonl", uri: `s3://feedback/${++tests}/` };
  bucket = new S3ObjectStore(client, source.uri);
});
afterAll(async () => {
  client.destroy();
  await stack.stop();
});

const line = (question: number | string): string => JSON.stringify(aChat(`question ${question}`));
const lines = (...questions: (number | string)[]): string =>
  questions.map((question) => `${line(question)}\n`).join("");
const open = (cursor: string | null, signal = new AbortController().signal): SourceReading =>
  createS3JsonlReader(own, (uri) => new S3ObjectStore(client, uri)).read(source, cursor, signal);
/** A whole pass. */
async function pass(cursor: string | null = null): Promise<{ items: SourceItem[]; cursor: string }> {
  const reading = open(cursor);
  const items: SourceItem[] = [];
  for await (const group of reading.items) items.push(...group);
  return { items, cursor: await reading.cursor() };
}
const places = (items: SourceItem[]): string[] => items.map(({ at }) => at);
const reasons = (items: SourceItem[]): (string | null)[] =>
  items.map((item) => ("reason" in item ? item.reason : null));

describe("createS3JsonlReader", () => {
  it("reads every object under the prefix in key order, plain and packed, and nothing beside it", async () => {
    await bucket.put("b.jsonl", lines(2, 3));
    await bucket.put("a.jsonl.gz", gzipSync(lines(1)));
    await bucket.put("deep/er/c.jsonl", lines(4));
    await new S3ObjectStore(client, "s3://feedback").put(`beside-${tests}/other.jsonl`, lines(5));
    const { items } = await pass();
    expect(places(items)).toEqual(["a.jsonl.gz#1", "b.jsonl#1", "b.jsonl#2", "deep/er/c.jsonl#1"]);
    expect(items[0]).toMatchObject({
      sourceItem: "a.jsonl.gz#1",
      receivedAt: expect.stringMatching(/Z$/),
      raw: line(1),
      chat: aChat("question 1"),
    });
  });

  it("takes id and time from the item when it has them, and ignores fields that it does not know", async () => {
    const item = {
      ...aChat("q"),
      id: "msg-7",
      receivedAt: "2025-05-05T05:05:05+02:00",
      model: "gpt",
      labels: { good: true },
    };
    await bucket.put("a.jsonl", JSON.stringify(item));
    const { items } = await pass();
    expect(items[0]).toMatchObject({ sourceItem: "msg-7", at: "a.jsonl#1", receivedAt: "2025-05-05T05:05:05+02:00" });
  });

  it("reads only what is new in a later pass, also when its name is smaller, and a changed object again", async () => {
    await bucket.put("m.jsonl", lines(1));
    await bucket.put("n.jsonl", lines(2));
    const first = await pass();
    const idle = await pass(first.cursor);
    expect(idle.items).toEqual([]);
    expect(idle.cursor).toBe(first.cursor);
    await bucket.put("a.jsonl", lines(3));
    await bucket.put("m.jsonl", lines(1, 4));
    const second = await pass(first.cursor);
    expect(places(second.items)).toEqual(["a.jsonl#1", "m.jsonl#1", "m.jsonl#2"]);
    expect((await pass(second.cursor)).items).toEqual([]);
  });

  it("tells how much there is and how much of it was read, once somebody asks, without what earlier passes read", async () => {
    await bucket.put("a.jsonl", lines(1));
    const { cursor } = await pass();
    await bucket.put("b.jsonl", lines(2, 3));
    await bucket.put("c.jsonl.gz", gzipSync(lines(4)));
    const totalBytes = lines(2, 3).length + gzipSync(lines(4)).length;
    const reading = open(cursor);
    const items = reading.items[Symbol.asyncIterator]();
    await items.next();
    expect(reading.extent?.()).toBeNull();
    await expect.poll(() => reading.extent?.()).toEqual({ readBytes: lines(2, 3).length, totalBytes });
    while ((await items.next()).done !== true);
    expect(reading.extent?.()).toEqual({ readBytes: totalBytes, totalBytes });
  });

  it("keeps the list of many objects in its own store, and the cursor small", async () => {
    const names = Array.from({ length: 40 }, (_, index) => `${String(index).padStart(2, "0")}.jsonl`);
    await Promise.all(names.map((name, index) => bucket.put(name, lines(index))));
    const first = await pass();
    expect(first.items).toHaveLength(40);
    expect(first.cursor.length).toBeLessThan(200);
    expect(JSON.parse(first.cursor)).toEqual({ file: expect.stringMatching(/^cursors\/discord\/[0-9a-f]{64}\.bin$/) });
    expect((await own.get(JSON.parse(first.cursor).file))?.body).toHaveLength(40 * 8);
    await bucket.put("00a.jsonl", lines("new"));
    expect(places((await pass(first.cursor)).items)).toEqual(["00a.jsonl#1"]);
  });

  it("fails as NotFound, saying what to do, when the list of objects read is gone", async () => {
    const cursor = JSON.stringify({ file: `cursors/discord/${"0".repeat(64)}.bin` });
    await expect(pass(cursor)).rejects.toMatchObject({
      type: "NotFound",
      message: expect.stringContaining("without its cursor"),
    });
  });

  it.each(["not JSON", "[]", '{"marks":7}', '{"file":"registry/games.json"}', '{"file":"../other/x.bin"}'])(
    "fails as InvalidData with the cursor %s, which is not its own",
    async (cursor) => {
      await expect(pass(cursor)).rejects.toMatchObject({
        type: "InvalidData",
        message: expect.stringContaining("discord"),
      });
    },
  );

  it("goes on in the middle of an object, without a line lost or read twice, wherever it stopped", async () => {
    const wide = Array.from({ length: 400 }, (_, index) => line(`${index} ${"x".repeat(2000)}`)).join("\n");
    await bucket.put("a.jsonl", lines("a"));
    await bucket.put("b.jsonl.gz", gzipSync(wide));
    await bucket.put("c.jsonl", wide);
    const all = places((await pass()).items);
    expect(all).toHaveLength(801);
    let stops = 0;
    for (let stopAfter = 1; ; stopAfter += 3) {
      const reading = open(null);
      const seen: SourceItem[] = [];
      let groups = 0;
      let cursor: string | null = null;
      for await (const group of reading.items) {
        seen.push(...group);
        if (++groups < stopAfter) continue;
        cursor = await reading.cursor();
        break;
      }
      if (cursor === null) break;
      stops++;
      expect(places([...seen, ...(await pass(cursor)).items])).toEqual(all);
    }
    expect(stops).toBeGreaterThan(3);
  });

  it("reads an object from its start that changed since it was left in the middle", async () => {
    await bucket.put(
      "a.jsonl",
      Array.from({ length: 200 }, (_, index) => line(`${index} ${"x".repeat(2000)}`)).join("\n"),
    );
    const reading = open(null);
    for await (const group of reading.items) {
      expect(group.length).toBeLessThan(200);
      break;
    }
    const cursor = await reading.cursor();
    await bucket.put("a.jsonl", lines("new"));
    expect(places((await pass(cursor)).items)).toEqual(["a.jsonl#1"]);
  });

  it.each<[string, string, string | null]>([
    ["not JSON", "{", "not JSON"],
    ["a NUL", `${line(1)}\u0000`, "not JSON"],
    ["an array", "[]", "item: Invalid input: expected object, received array"],
    ["no messages", "{}", "messages: Invalid input: expected array, received undefined"],
    ["an empty list of messages", '{"messages":[]}', "messages: "],
    ["an unknown role", '{"messages":[{"role":"bot","content":"x"}]}', "messages.0.role: "],
    ["blank content", '{"messages":[{"role":"user","content":" \\n"}]}', "messages.0.content: is empty"],
    ["content that is no text", '{"messages":[{"role":"user","content":[]}]}', "messages.0.content: "],
    ["a time that is none", `{"messages":[{"role":"user","content":"x"}],"receivedAt":"today"}`, "receivedAt: "],
    ["a line of 10 MB", line("x".repeat(10 * 1024 * 1024)), "longer than 1048576"],
  ])("says why it cannot use %s, and goes on with the next line", async (_, bad, reason) => {
    await bucket.put("a.jsonl", `${line(1)}\n${bad}\n${line(2)}`);
    const { items } = await pass();
    expect(places(items)).toEqual(["a.jsonl#1", "a.jsonl#2", "a.jsonl#3"]);
    expect(reasons(items)).toEqual([null, expect.stringContaining(reason ?? ""), null]);
    expect(items[1]?.raw.length).toBeLessThanOrEqual(1000);
  });

  it("reads what exports of other systems are like: byte order mark, Windows line ends, blank lines, no final newline", async () => {
    await bucket.put("a.jsonl", `\uFEFF${line(1)}\r\n\r\n${line(2)}\r\n\n${line(3)}`);
    const { items } = await pass();
    expect(places(items)).toEqual(["a.jsonl#1", "a.jsonl#3", "a.jsonl#5"]);
    expect(reasons(items)).toEqual([null, null, null]);
  });

  it("does not repair broken UTF-8 but names the line", async () => {
    await bucket.put(
      "a.jsonl",
      Buffer.concat([Buffer.from(line(1)), Buffer.from([0x0a, 0xff, 0x0a]), Buffer.from(line(2))]),
    );
    expect(reasons((await pass()).items)).toEqual([null, "not valid UTF-8", null]);
  });

  it.each<[string, (packed: Buffer) => Buffer, number]>([
    ["is cut off", (packed) => packed.subarray(0, packed.length - 2000), 2000],
    ["has a wrong checksum", (packed) => Buffer.concat([packed.subarray(0, -8), Buffer.alloc(8)]), 2000],
    ["is no gzip", () => Buffer.from(lines(1, 2)), 0],
    ["is empty", () => Buffer.alloc(0), 0],
  ])("keeps what it can of a gzip that %s, says so once, and reads the other objects", async (_, damage, least) => {
    const questions = Array.from({ length: 3000 }, (_unused, index) => `${index} ${Math.random()}`);
    await bucket.put("a.jsonl.gz", damage(gzipSync(lines(...questions))));
    await bucket.put("b.jsonl", lines("b"));
    const { items, cursor } = await pass();
    expect(items.at(-1)?.at).toBe("b.jsonl#1");
    const good = items.filter((item) => "chat" in item).length - 1;
    expect(good).toBeGreaterThanOrEqual(least);
    const said = `the gzip breaks off or is damaged after line ${good}`;
    expect(reasons(items).filter((reason) => reason !== null)).toEqual([said]);
    expect((await pass(cursor)).items).toEqual([]);
  });

  it("does not read placeholders of folders", async () => {
    await bucket.put("folder/", Buffer.alloc(0));
    await bucket.put("folder/a.jsonl", lines(1));
    expect(places((await pass()).items)).toEqual(["folder/a.jsonl#1"]);
  });

  it("stops when it is cancelled", async () => {
    await bucket.put("a.jsonl", lines(1));
    await bucket.put("b.jsonl", lines(2));
    const controller = new AbortController();
    const reading = open(null, controller.signal);
    const read = async (): Promise<void> => {
      for await (const _ of reading.items) controller.abort(new Error("cancelled"));
    };
    await expect(read()).rejects.toThrow("cancelled");
  });
});

describe("readChatFile", () => {
  it("reads one object and fails as NotFound when it is not there", async () => {
    await bucket.put("test.jsonl", lines(1, 2));
    const read = async (key: string): Promise<string[]> => {
      const items: SourceItem[] = [];
      for await (const group of readChatFile(bucket, key, new AbortController().signal)) items.push(...group);
      return places(items);
    };
    expect(await read("test.jsonl")).toEqual(["test.jsonl#1", "test.jsonl#2"]);
    await expect(read("nothing.jsonl")).rejects.toMatchObject({ type: "NotFound" });
  });
});
