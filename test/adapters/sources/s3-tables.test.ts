import { gzipSync } from "node:zlib";
import { parquetWriteBuffer } from "hyparquet-writer";
import { beforeEach, describe, expect, it } from "vitest";
import type { ItemOutcome } from "../../../src/adapters/sources/chat-items.ts";
import { createS3JsonlReader } from "../../../src/adapters/sources/s3-jsonl.ts";
import { sourceSchema } from "../../../src/domain/source-schema.ts";
import { aChat } from "../../support/fake-ports.ts";
import { MemoryObjectStore } from "../../support/memory-store.ts";

const map = {
  where: { path: "rating", atLeast: 4 },
  messages: [
    { role: "user", text: "{question}" },
    { role: "assistant", text: "{answer}" },
  ],
  id: "{ticket|}",
  receivedAt: "{day|}",
};
const { signal } = new AbortController();
let store: MemoryObjectStore;
beforeEach(() => {
  store = new MemoryObjectStore();
});

const reader = () => createS3JsonlReader(new MemoryObjectStore(), () => store);
const aSource = (overrides: object = {}) =>
  sourceSchema.parse({ id: "surveys", kind: "s3-jsonl", uri: "s3://feedback/surveys/", map, ...overrides });
async function outcomes(overrides: object = {}): Promise<ItemOutcome[]> {
  const found: ItemOutcome[] = [];
  for await (const group of reader().examine(aSource(overrides), null, signal).outcomes) found.push(...group);
  return found;
}
const table =
  "ticket,question,answer,rating,day\nT-1,q1,a1,5,2026-01-01\nT-2,q2,a2,3,2026-01-02\nT-3,q3,,4,2026-01-03\n";
const parquet = (rows: number): Uint8Array =>
  new Uint8Array(
    parquetWriteBuffer({
      columnData: [
        { name: "question", data: Array.from({ length: rows }, (_, n) => `q${n}`), type: "STRING" },
        { name: "answer", data: Array.from({ length: rows }, (_, n) => `a${n}`), type: "STRING" },
        { name: "rating", data: Array.from({ length: rows }, () => 5), type: "INT32" },
      ],
    }),
  );

describe("createS3JsonlReader, for tables and mappings", () => {
  it.each([
    ["CSV", "a.csv", table],
    ["packed CSV", "a.csv.gz", gzipSync(table)],
  ])("makes chat records of rows of %s", async (_, key, body) => {
    store.write(key, body);
    expect(await outcomes()).toEqual([
      {
        sourceItem: "T-1",
        at: `${key}#1`,
        receivedAt: "2026-01-01T00:00:00.000Z",
        raw: '{"ticket":"T-1","question":"q1","answer":"a1","rating":"5","day":"2026-01-01"}',
        chat: {
          id: "T-1",
          receivedAt: "2026-01-01T00:00:00.000Z",
          messages: [
            { role: "user", content: "q1" },
            { role: "assistant", content: "a1" },
          ],
        },
      },
      { at: `${key}#2`, leftOut: "where: not so: rating atLeast 4" },
      expect.objectContaining({
        at: `${key}#3`,
        reason: expect.stringContaining("messages.1.text: {answer}: is empty"),
      }),
    ]);
  });

  it("makes chat records of rows of Parquet and of lines, beside each other", async () => {
    store.write("a.parquet", parquet(2));
    store.write("b.jsonl", '{"question":"q","answer":"a","rating":4}\nno json\n');
    const found = await outcomes();
    expect(found.map((outcome) => [outcome.at, "chat" in outcome])).toEqual([
      ["a.parquet#1", true],
      ["a.parquet#2", true],
      ["b.jsonl#1", true],
      ["b.jsonl#2", false],
    ]);
    expect(found.at(-1)).toMatchObject({ raw: "no json", reason: "not JSON" });
  });

  it("delivers what is not left out, and knows where a pass ended that delivered nothing", async () => {
    store.write("a.csv", table);
    const reading = reader().read(aSource(), null, signal);
    const ats: string[] = [];
    for await (const items of reading.items) ats.push(...items.map(({ at }) => at));
    expect(ats).toEqual(["a.csv#1", "a.csv#3"]);
    const strict = reader().read(aSource({ map: { ...map, where: { path: "rating", atLeast: 6 } } }), null, signal);
    for await (const items of strict.items) expect(items).toEqual([]);
    const again = reader().examine(aSource(), await strict.cursor(), signal);
    for await (const group of again.outcomes) expect(group).toEqual([]);
  });

  it.each([
    ["a.csv", `question,answer,rating\n${Array.from({ length: 2500 }, (_, n) => `q${n},a${n},5\n`).join("")}`],
    ["a.parquet", parquet(2500)],
  ])("goes on in the middle of %s, without a row lost or read twice", async (key, body) => {
    store.write(key, body);
    const ats: string[] = [];
    let cursor: string | null = null;
    for (let stopped = false; !stopped;) {
      const reading = reader().read(aSource(), cursor, signal);
      stopped = true;
      for await (const items of reading.items) {
        ats.push(...items.map(({ at }) => at));
        cursor = await reading.cursor();
        stopped = false;
        break;
      }
    }
    expect(ats).toEqual(Array.from({ length: 2500 }, (_, n) => `${key}#${n + 1}`));
  });

  it("leaves out what was received before the backfill window", async () => {
    store.write("a.csv", table);
    const found = await outcomes({ since: "2026-01-02", map: { ...map, where: undefined } });
    expect(found.slice(0, 2)).toEqual([
      { at: "a.csv#1", leftOut: "since: received 2026-01-01T00:00:00.000Z, before 2026-01-02" },
      expect.objectContaining({ at: "a.csv#2", chat: expect.anything() }),
    ]);
  });

  it("applies the backfill window without a mapping, to what the record says and else to the object's time", async () => {
    store.write(
      "a.jsonl",
      `${JSON.stringify({ ...aChat("old"), receivedAt: "2025-12-31T23:59:59Z" })}\n${JSON.stringify(aChat("q"))}\n`,
    );
    const found = await outcomes({ since: "2026-01-01T00:00:00Z", map: undefined });
    expect(found.map((outcome) => "chat" in outcome)).toEqual([false, true]);
    expect(await outcomes({ since: "2026-01-02", map: undefined })).toEqual([
      { at: "a.jsonl#1", leftOut: expect.stringContaining("since: ") },
      { at: "a.jsonl#2", leftOut: expect.stringContaining("since: ") },
    ]);
  });

  it("asks for a mapping of a table that has no messages, and reads nothing of it until then", async () => {
    store.write("a.csv", table);
    await expect(outcomes({ map: undefined })).rejects.toMatchObject({ type: "InvalidInput" });
  });

  it("refuses an item that is longer than a line may be", async () => {
    store.write(
      "a.csv",
      `messages\n"${JSON.stringify([{ role: "user", content: '"'.repeat(600_000) }]).replaceAll('"', '""')}"\n`,
    );
    const found = await outcomes({ map: undefined });
    expect(found).toEqual([expect.objectContaining({ reason: expect.stringMatching(/cannot be read|longer than/) })]);
  });
});
