import { describe, expect, it } from "vitest";
import { createSafeHttp } from "../../../src/adapters/safe-http.ts";
import { mapped, type ReaderServices } from "../../../src/adapters/sources/mapped.ts";
import type { ItemPage, RawItem } from "../../../src/adapters/sources/item-reader.ts";
import { sourceSchema } from "../../../src/domain/source-schema.ts";
import type { SourceItem } from "../../../src/ports.ts";
import { aChat } from "../../support/fake-ports.ts";

const paces: (number | null)[] = [];
const services: ReaderServices = {
  http: (requestsPerMinute) => {
    paces.push(requestsPerMinute);
    return createSafeHttp({ allowHosts: [] })(requestsPerMinute);
  },
  secret: (name) => name,
  now: () => new Date(0),
};
const source = sourceSchema.parse({ id: "reviews", kind: "http", url: "https://reviews.example/a.jsonl" });
const anItem = (id: string, overrides: Partial<RawItem> = {}): RawItem => ({
  id,
  at: `https://reviews.example/${id}`,
  receivedAt: "2026-01-01T00:00:00Z",
  value: aChat(id),
  ...overrides,
});
const { signal } = new AbortController();
/** A reader of these pages, which starts behind the page that a cursor is of. */
const readerOf = (pages: ItemPage[]) =>
  mapped(
    "http",
    async function* (_, cursor) {
      yield* pages.slice(pages.findIndex((page) => page.cursor === cursor) + 1);
    },
    services,
  );
async function itemsOf(items: RawItem[], overrides: object = {}): Promise<SourceItem[]> {
  const found: SourceItem[] = [];
  const reading = readerOf([{ items, cursor: "1" }]).read({ ...source, ...overrides }, null, signal);
  for await (const group of reading.items) found.push(...group);
  return found;
}

describe("mapped", () => {
  it("knows behind each page where a later pass goes on", async () => {
    const pages = ["a", "b", "c"].map((id) => ({ items: [anItem(id)], cursor: id }));
    const reading = readerOf(pages).read(source, null, signal);
    const met: string[] = [];
    for await (const group of reading.items) {
      met.push(...group.map(({ sourceItem }) => sourceItem));
      if (met.length === 2) break;
    }
    const rest = readerOf(pages).read(source, await reading.cursor(), signal);
    for await (const group of rest.items) met.push(...group.map(({ sourceItem }) => sourceItem));
    expect(met).toEqual(["a", "b", "c"]);
    await expect(rest.cursor()).resolves.toBe("c");
  });

  it("keeps the item as it was received beside what becomes of it", async () => {
    const value = { ...aChat("q"), id: "own", receivedAt: "2026-02-02T00:00:00Z", model: "x" };
    expect(await itemsOf([anItem("a", { value })])).toEqual([
      {
        sourceItem: "own",
        at: "https://reviews.example/a",
        receivedAt: "2026-02-02T00:00:00Z",
        raw: JSON.stringify(value),
        chat: expect.objectContaining(aChat("q")),
      },
    ]);
  });

  it.each([
    ["is no chat record", { value: { text: "x" } }, /^messages: /],
    ["is null", { value: null }, /^item: /],
    ["cannot be read", { value: "{", problem: "not JSON" }, /^not JSON$/],
    ["is too long", { value: { text: "x".repeat(1024 * 1024) } }, /^item of 1048587 characters: longer than 1048576$/],
  ])("refuses an item that %s", async (_, overrides, reason) => {
    const [item] = await itemsOf([anItem("a", overrides)]);
    expect(item).toMatchObject({ sourceItem: "a", reason: expect.stringMatching(reason) });
    expect(item?.raw.length).toBeLessThanOrEqual(1000);
  });

  it("passes on a group of which nothing is left, since time may be counted by groups", async () => {
    const reading = readerOf([{ items: [anItem("a")], cursor: "1" }]).read(
      { ...source, since: "2026-02-01" },
      null,
      signal,
    );
    const groups: SourceItem[][] = [];
    for await (const group of reading.items) groups.push(group);
    expect(groups).toEqual([[]]);
    await expect(reading.cursor()).resolves.toBe("1");
  });

  it("gives each source its own pace", async () => {
    paces.length = 0;
    await itemsOf([]);
    await itemsOf([], { requestsPerMinute: 30 });
    expect(paces).toEqual([null, 30]);
  });

  it("stops when it is cancelled", async () => {
    const controller = new AbortController();
    const pages = ["a", "b"].map((id) => ({ items: [anItem(id)], cursor: id }));
    const reading = readerOf(pages).read(source, null, controller.signal);
    const reads = async (): Promise<void> => {
      for await (const _ of reading.items) controller.abort(new Error("cancelled"));
    };
    await expect(reads()).rejects.toThrow("cancelled");
    await expect(reading.cursor()).resolves.toBe("a");
  });
});
