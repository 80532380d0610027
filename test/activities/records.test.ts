import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { partLines, partRecords } from "../../activities/records.ts";
import { expectFailure } from "../support/activity.ts";
import { sha256 } from "../support/fake-ports.ts";
import { MemoryObjectStore } from "../support/memory-store.ts";

/** A megabyte that does not compress, so that damage in its middle is met long before its end. */
const lines = Array.from({ length: 2000 }, () => randomBytes(300).toString("base64"));
const packed = gzipSync(`${lines.join("\n")}\n`);
const part = { key: "datasets/games/parts/x.jsonl.gz", sha256: sha256(packed), records: lines.length };
/** The part whose bytes these are. */
const partOf = (body: Buffer, records: number) => ({ ...part, sha256: sha256(body), records });

const storeWith = (body: Buffer): MemoryObjectStore => {
  const store = new MemoryObjectStore();
  store.write(part.key, body);
  return store;
};
const read = async (store: MemoryObjectStore, of = part): Promise<string[]> => {
  const found: string[] = [];
  for await (const line of partLines(store, of)) found.push(line);
  return found;
};
const flipped = (at: number): Buffer => {
  const body = Buffer.from(packed);
  body[at] = (body[at] ?? 0) ^ 0xff;
  return body;
};

describe("partLines", () => {
  it("answers every line of a part, also when it has none or no newline at its end", async () => {
    expect(await read(storeWith(packed))).toEqual(lines);
    const [empty, open] = [gzipSync(""), gzipSync("a\nb")];
    expect(await read(storeWith(empty), partOf(empty, 0))).toEqual([]);
    expect(await read(storeWith(open), partOf(open, 2))).toEqual(["a", "b"]);
  });

  it("ends a line at a newline and at no other separator, which JSON keeps as it is", async () => {
    const texts = ["a\u2028b\u2029c\u0085d", "\u{1f600}".repeat(50_000), "e\r"];
    const body = gzipSync(`${texts.map((text) => JSON.stringify(text)).join("\n")}\n`);
    const found = await read(storeWith(body), partOf(body, texts.length));
    expect(found.map((line) => JSON.parse(line))).toEqual(texts);
  });

  it.each([1, 3])("fails as CorruptObject when its two lines are not the %i of the manifest", async (records) => {
    const body = gzipSync("a\nb\n");
    const message = await expectFailure(() => read(storeWith(body), partOf(body, records)), "CorruptObject");
    expect(message).toBe(`${part.key}: holds 2 records, its manifest says ${records}`);
  });

  it.each([
    ["damaged at its start", flipped(1)],
    ["damaged in its middle", flipped(packed.length >> 1)],
    ["damaged in its checksum", flipped(packed.length - 6)],
    ["cut off", packed.subarray(0, packed.length >> 1)],
    ["empty", Buffer.alloc(0)],
    ["another one", gzipSync("another")],
    ["no gzip", Buffer.from("{}\n")],
    ["not text", gzipSync(Buffer.from([0x7b, 0xff, 0x7d]))],
  ])("fails as CorruptObject and names the part when it is %s", async (_, body) => {
    expect(await expectFailure(() => read(storeWith(body)), "CorruptObject")).toContain(part.key);
  });

  it("fails as NotFound when the part is gone", async () => {
    await expectFailure(() => read(new MemoryObjectStore()), "NotFound");
  });

  it("fails as what broke when the connection breaks half-way", async () => {
    const store = new MemoryObjectStore();
    const pieces = async function* (): AsyncGenerator<Buffer> {
      yield packed.subarray(0, 100_000);
      throw new Error("socket hang up");
    };
    store.stream = async () => Readable.from(pieces());
    await expect(read(store)).rejects.toThrow("socket hang up");
  });

  it("lets go of the object when its reader stops early", async () => {
    const store = new MemoryObjectStore();
    const opened: Readable[] = [];
    const stream = store.stream.bind(store);
    store.stream = async (key, expected) => {
      const bytes = await stream(key, expected);
      opened.push(bytes);
      return bytes;
    };
    store.write(part.key, flipped(packed.length - 6));
    for await (const line of partLines(store, part)) {
      expect(line).toBe(lines[0]);
      break;
    }
    expect(opened.map(({ destroyed }) => destroyed)).toEqual([true]);
  });
});

describe("partRecords", () => {
  it("names part and line, and nothing of the record, when one is damaged", async () => {
    const body = gzipSync('{"messages":\n{"messages": [{"role": "user", "content": "secret');
    const found = async (): Promise<void> => {
      for await (const record of partRecords(storeWith(body), partOf(body, 2))) expect(record).toBeNull();
    };
    expect(await expectFailure(found, "InvalidData")).toBe(`${part.key}#1: not JSON`);
  });
});
