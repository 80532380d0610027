import { gzipSync } from "node:zlib";
import { array, assert, asyncProperty, integer, nat } from "fast-check";
import type { Context } from "hono";
import { afterEach, describe, expect, it } from "vitest";
import { readHttp } from "../../../src/adapters/sources/http.ts";
import { httpSourceSchema, type HttpSource } from "../../../src/domain/http-source-schema.ts";
import { serveFake, type ServiceFake } from "../../support/service-fake.ts";
import { failureOfPass, readContext, readPass } from "../../support/source-reading.ts";

let fake: ServiceFake;
afterEach(() => fake.stop());

/** What is served, by path; changed by tests as the service would. */
let files: Record<string, string | Buffer | ((context: Context) => Response)> = {};
async function serve(served: typeof files): Promise<void> {
  files = served;
  fake = await serveFake((app) =>
    app.get("*", (context) => {
      const { pathname } = new URL(context.req.url);
      const file = files[pathname];
      if (file === undefined) return context.json({ message: "no such file" }, 404);
      return typeof file === "function" ? file(context) : new Response(new Uint8Array(Buffer.from(file)));
    }),
  );
}
/** A file with an ETag, which answers 304 as long as it is the same. */
const tagged =
  (text: string, etag: string, headers: Record<string, string> = {}) =>
  (context: Context): Response =>
    context.req.header("if-none-match") === etag
      ? new Response(null, { status: 304, headers: { etag } })
      : new Response(text, { headers: { etag, ...headers } });

function aSource(overrides: { path?: string; [field: string]: unknown } = {}): HttpSource {
  const { path = "/feedback.jsonl", ...rest } = overrides;
  return httpSourceSchema.parse({ id: "reviews", kind: "http", url: fake.url + path, ...rest });
}
const context = (secrets: Record<string, string> = {}) =>
  readContext({ hosts: [fake.host], secrets, now: () => new Date("2026-01-01T00:00:00Z") });
const lines = (...values: unknown[]): string => values.map((value) => `${JSON.stringify(value)}\n`).join("");
async function valuesOf(
  overrides: { path?: string; [field: string]: unknown },
  cursor: string | null = null,
): Promise<unknown[]> {
  const { items } = await readPass(readHttp, aSource(overrides), cursor, context());
  return items.map(({ value }) => value);
}

describe("readHttp, of one file", () => {
  it("reads JSON lines, each with its place, and says of a bad one why", async () => {
    await serve({ "/feedback.jsonl": `{"n":1}\n\nnot json\n{"n":4}` });
    const { items, ended } = await readPass(readHttp, aSource({ path: "/feedback.jsonl?key=secret" }), null, context());
    const at = (line: number): string => `${fake.url}/feedback.jsonl#${line}`;
    const receivedAt = "2026-01-01T00:00:00.000Z";
    expect(items).toEqual([
      { id: at(1), at: at(1), receivedAt, value: { n: 1 } },
      { id: at(3), at: at(3), receivedAt, value: "not json", problem: "not JSON" },
      { id: at(4), at: at(4), receivedAt, value: { n: 4 } },
    ]);
    expect(ended).toBe(true);
    expect(fake.requests.map(({ path }) => path)).toEqual(["/feedback.jsonl?key=secret"]);
  });

  it("reads CSV: quotes, line breaks in cells, and texts only", async () => {
    await serve({ "/a.csv": '\uFEFFquestion,"the answer",score\r\n"a ""quoted""\r\nq",b,5\r\n' });
    const map = { messages: [{ role: "assistant", text: "{the answer}" }] };
    expect(await valuesOf({ path: "/a.csv", map })).toEqual([
      { question: 'a "quoted"\r\nq', "the answer": "b", score: "5" },
    ]);
  });

  it("reads a list of JSON, also one deeper inside, and takes ids from it", async () => {
    await serve({ "/a.json": JSON.stringify({ data: { items: [{ id: 7 }, { id: "x" }, "text", { id: "" }] } }) });
    const source = aSource({ path: "/a.json", items: "data.items" });
    const { items } = await readPass(readHttp, source, null, context());
    const place = `${fake.url}/a.json`;
    expect(items.map(({ id, at }) => [id, at])).toEqual([
      ["7", `${place}#7`],
      ["x", `${place}#x`],
      [`${place}#3`, `${place}#3`],
      [`${place}#4`, `${place}#4`],
    ]);
    expect(items.map(({ value }) => value)).toEqual([{ id: 7 }, { id: "x" }, "text", { id: "" }]);
  });

  it("unpacks a file that is packed, whether the server unpacks it on the way or not", async () => {
    const packed = gzipSync(lines({ n: 1 }));
    await serve({
      "/a.jsonl.gz": packed,
      "/b.jsonl.gz": () => new Response(new Uint8Array(packed), { headers: { "content-encoding": "gzip" } }),
      "/c.jsonl": packed,
    });
    for (const path of Object.keys(files)) expect(await valuesOf({ path })).toEqual([{ n: 1 }]);
  });

  it("says where a packed file breaks off, and keeps what is before it", async () => {
    const packed = gzipSync(lines({ n: 1 }, { text: "x".repeat(1000) }));
    await serve({ "/a.jsonl.gz": packed.subarray(0, packed.length - 8) });
    const { items } = await readPass(readHttp, aSource({ path: "/a.jsonl.gz" }), null, context());
    expect(items.at(-1)).toMatchObject({ problem: expect.stringContaining("the gzip breaks off") });
  });

  it.each([
    ["text/csv; charset=utf-8", "a\n1\n", { a: "1" }],
    ["application/json", '[{"a":1}]', { a: 1 }],
    ["application/x-ndjson", '{"a":1}', { a: 1 }],
    ["application/jsonl", '{"a":1}', { a: 1 }],
  ])("knows the format by the content type %s", async (type, text, value) => {
    await serve({ "/export": () => new Response(text, { headers: { "content-type": type } }) });
    const map = { messages: [{ role: "assistant", text: "{a}" }] };
    expect(await valuesOf({ path: "/export", map })).toEqual([value]);
  });

  it("sends the token that is named, and keeps it out of cursors and places", async () => {
    await serve({ "/feedback.jsonl": lines({ n: 1 }) });
    const source = aSource({ tokenSecret: "REVIEWS_TOKEN" });
    const pass = await readPass(readHttp, source, null, context({ REVIEWS_TOKEN: "canary-token" }));
    expect(fake.requests[0]?.headers["authorization"]).toBe("Bearer canary-token");
    expect(JSON.stringify(pass)).not.toContain("canary");
    expect(await failureOfPass(readHttp, source, context())).toMatchObject({
      type: "InvalidInput",
      message: expect.stringContaining("REVIEWS_TOKEN"),
    });
  });

  it.each([
    ["a list that is none", { items: "data" }, '{"data":{}}', "InvalidData", "items: data is not a list"],
    ["a whole that is no list", { format: "json" }, "{}", "InvalidData", "items: the answer is not a list"],
    ["JSON that is none", { format: "json" }, "<html>", "InvalidData", "is not JSON"],
    ["a format that does not show", {}, "?", "InvalidInput", "format: "],
    ["rows without messages and without a map", { format: "csv" }, "a,b\n1,2\n", "InvalidInput", "no column messages"],
  ])("refuses %s", async (_, overrides, text, type, message) => {
    await serve({ "/export": text });
    const error = await failureOfPass(readHttp, aSource({ path: "/export", ...overrides }), context());
    expect(error).toMatchObject({ type, message: expect.stringContaining(message) });
  });

  it("takes rows with a column messages for chat records", async () => {
    const messages = [{ role: "user", content: "q" }];
    const cell = (value: unknown): string => `"${JSON.stringify(value).replaceAll('"', '""')}"`;
    await serve({
      "/a.csv": `id,messages,labels,author\n1,${cell(messages)},${cell({ good: true })},\n2,not json,,\n`,
    });
    expect(await valuesOf({ path: "/a.csv" })).toEqual([
      { id: "1", messages, labels: { good: true } },
      { id: "2", messages: "not json" },
    ]);
  });
});

describe("readHttp, pass after pass", () => {
  it("asks for an unchanged file once, and gets no body", async () => {
    await serve({ "/feedback.jsonl": tagged(lines({ n: 1 }), '"1"') });
    const first = await readPass(readHttp, aSource(), null, context());
    const second = await readPass(readHttp, aSource(), first.cursor, context());
    expect(second.pages).toEqual([]);
    expect(fake.requests.map(({ headers }) => headers["if-none-match"])).toEqual([undefined, '"1"']);
    files["/feedback.jsonl"] = tagged(lines({ n: 1 }, { n: 2 }), '"2"');
    const third = await readPass(readHttp, aSource(), first.cursor, context());
    expect(third.items.map(({ value }) => value)).toEqual([{ n: 1 }, { n: 2 }]);
  });

  it("does the same by the time of the last change, which is when its items were received", async () => {
    const modified = "Thu, 01 Jan 2026 10:00:00 GMT";
    await serve({
      "/feedback.jsonl": (context) =>
        context.req.header("if-modified-since") === modified
          ? new Response(null, { status: 304 })
          : new Response(lines({ n: 1 }), { headers: { "last-modified": modified } }),
    });
    const first = await readPass(readHttp, aSource(), null, context());
    expect(first.items[0]?.receivedAt).toBe("2026-01-01T10:00:00.000Z");
    expect((await readPass(readHttp, aSource(), first.cursor, context())).pages).toEqual([]);
  });

  it("goes on in the middle of a file as long as it is the same, else from its start", async () => {
    const values = Array.from({ length: 3000 }, (_, n) => ({ n, text: "x".repeat(100) }));
    await serve({ "/feedback.jsonl": tagged(lines(...values), '"1"') });
    const begun = await readPass(readHttp, aSource(), null, context(), 2);
    expect(begun.ended).toBe(false);
    const rest = await readPass(readHttp, aSource(), begun.cursor, context());
    expect([...begun.items, ...rest.items].map(({ value }) => value)).toEqual(values);
    files["/feedback.jsonl"] = tagged(lines(...values), '"2"');
    expect((await readPass(readHttp, aSource(), begun.cursor, context())).items).toHaveLength(3000);
  });

  it("refuses a cursor of another kind", async () => {
    await serve({});
    const error = await failureOfPass(readHttp, aSource(), context(), '{"marks":7,"lines":"x"}');
    expect(error).toMatchObject({
      type: "InvalidData",
      message: expect.stringContaining("source reviews: its cursor"),
    });
  });

  it("fails as the server does, with the address", async () => {
    await serve({});
    const error = await failureOfPass(readHttp, aSource(), context());
    expect(error).toMatchObject({ type: "NotFound", message: expect.stringContaining("/feedback.jsonl answers 404") });
  });
});

/** A list by pages of two, the next one in the Link header and in a field. */
const paged =
  (values: unknown[]) =>
  (context: Context): Response => {
    const page = Number(context.req.query("page") ?? 0);
    const more = (page + 1) * 2 < values.length;
    const next = `/items.json?page=${page + 1}`;
    const link = `<https://x.example/?a,b>; rel="first", <${next}>; title="a, \\"b\\""; rel="last next"`;
    const body = { data: values.slice(page * 2, page * 2 + 2), next: more ? next : null, cursor: more ? page + 1 : "" };
    return context.json(body, { headers: more ? { link } : {} });
  };
const pagings = [{ by: "link" }, { by: "field", field: "next" }, { by: "field", field: "cursor", parameter: "page" }];

describe("readHttp, by pages", () => {
  it.each(pagings)("follows %j to the end, each pass from the start", async (paging) => {
    const values = [1, 2, 3, 4, 5].map((n) => ({ n }));
    await serve({ "/items.json": paged(values) });
    const source = aSource({ path: "/items.json", items: "data", paging });
    for (const start of [null, (await readPass(readHttp, source, null, context())).cursor]) {
      const { items, ended } = await readPass(readHttp, source, start, context());
      expect(items.map(({ value }) => value)).toEqual(values);
      expect(ended).toBe(true);
    }
  });

  it("reads JSON lines by pages, too", async () => {
    await serve({
      "/a.jsonl": () => new Response(lines({ n: 1 }), { headers: { link: '<b.jsonl>; rel="next"' } }),
      "/b.jsonl": lines({ n: 2 }),
    });
    expect(await valuesOf({ path: "/a.jsonl", paging: { by: "link" } })).toEqual([{ n: 1 }, { n: 2 }]);
  });

  it.each([
    ["leads back", "/items.json?page=0", "InvalidData", "lead back"],
    ["is at another host", "https://elsewhere.example/", "Refused", "said to be at https://elsewhere.example"],
    ["is of another scheme", "ftp://elsewhere.example/", "Refused", "said to be at"],
    ["is no address", "http://:0:0", "InvalidData", "address is none"],
  ])("refuses a next page that %s", async (_, next, type, message) => {
    await serve({ "/items.json": (context) => context.json({ data: [], next }) });
    const source = aSource({ path: "/items.json?page=0", items: "data", paging: { by: "field", field: "next" } });
    const error = await failureOfPass(readHttp, source, context());
    expect(error).toMatchObject({ type, message: expect.stringContaining(message) });
  });

  it("never skips, wherever a pass breaks off and whatever comes in between", async () => {
    await serve({});
    await assert(
      asyncProperty(
        nat(9),
        array(nat(6), { maxLength: 4 }),
        integer({ min: 0, max: 2 }),
        async (begin, stops, kind) => {
          const values = Array.from({ length: begin }, (_, n) => n);
          const source = aSource({ path: "/items.json", items: "data", paging: pagings[kind] });
          const met = new Set<unknown>();
          let cursor: string | null = null;
          for (const stop of [...stops, Infinity]) {
            files["/items.json"] = paged(values);
            const pass: Awaited<ReturnType<typeof readPass>> = await readPass(
              readHttp,
              source,
              cursor,
              context(),
              stop + 1,
            );
            for (const { value } of pass.items) met.add(value);
            cursor = pass.cursor;
            values.push(values.length);
          }
          files["/items.json"] = paged(values);
          for (const { value } of (await readPass(readHttp, source, cursor, context())).items) met.add(value);
          expect([...met].toSorted((a, b) => Number(a) - Number(b))).toEqual(values);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("httpSourceSchema", () => {
  const problemOf = (overrides: object): string => {
    const source = { id: "reviews", kind: "http", url: "https://reviews.example/a.json", ...overrides };
    const issue = httpSourceSchema.safeParse(source).error?.issues[0];
    return issue ? `${issue.path.join(".")}: ${issue.message}` : "";
  };

  it.each([
    [{ url: "file:///etc/passwd" }, /^url: must be an address such as https/],
    [{ url: "gopher://reviews.example" }, /^url: must be an address/],
    [{ url: "reviews.example" }, /^url: must be an address/],
    [{ url: "https://user:key@reviews.example" }, /^url: must not have a name or password/],
    [{ tokenSecret: "xoxb-123" }, /^tokenSecret: must be the name of an environment variable/],
    [{ tokenSecret: "AWS_SECRET_ACCESS_KEY" }, /^tokenSecret: is a variable of Tuneloop itself/],
    [{ tokenSecret: "ANYSCALE_CLI_TOKEN" }, /^tokenSecret: is a variable of Tuneloop itself/],
    [{ items: "a..b" }, /^items: is not a path/],
    [{ format: "csv", items: "data" }, /^items: belongs to format: json/],
    [{ format: "csv", paging: { by: "field", field: "next" } }, /^paging\.by: a field for the next page/],
    [{ paging: { by: "guess" } }, /^paging\.by: Invalid/],
    [{ since: "yesterday" }, /^since: must be a date/],
    [{ requestsPerMinute: 0 }, /^requestsPerMinute: /],
    [{ map: { messages: [] } }, /^map\.messages: no message can be the assistant's/],
    [{ uri: "s3://bucket" }, /Unrecognized key: "uri"/],
  ])("names what is wrong in %j", (overrides, problem) => expect(problemOf(overrides)).toMatch(problem));
});
