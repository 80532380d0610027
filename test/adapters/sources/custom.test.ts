import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createCustomReader } from "../../../src/adapters/sources/custom.ts";
import { customSourceSchema } from "../../../src/domain/custom-source-schema.ts";
import type { TypedFailure } from "../../../src/domain/failures.ts";
import { failureOfPass, readContext, readPass } from "../../support/source-reading.ts";

let folder: string;
let files = 0;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tuneloop-custom-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A file of one's own; each of another name, since a process loads a file once. */
function aReader(text: string, ending = "mjs", within = folder): string {
  const name = `reader-${++files}`;
  writeFileSync(join(within, `${name}.${ending}`), text);
  return name;
}
const source = (reader: string, options: object = {}) =>
  customSourceSchema.parse({ id: "forum", kind: "custom", reader, options, since: "2026-01-01" });
const failureOf = (reader: string, folders = [folder], options: object = {}): Promise<TypedFailure> =>
  failureOfPass(createCustomReader(folders), source(reader, options), readContext({}));
const exporting = (read: string, check = "(options) => options"): string =>
  `export const source = { check: ${check}, async *read(source, cursor, context) { ${read} } };`;
const page = (item: string, cursor = '"1"'): string => `yield { items: [${item}], cursor: ${cursor} };`;

describe("createCustomReader", () => {
  it.each(["ts", "mts", "js", "mjs"])("runs a file that ends in .%s, with what it needs", async (ending) => {
    const echo = `{ id: source.id, at: "x#1", receivedAt: context.now().toISOString(), value: { source, cursor, secret: context.secret("KEY") } }`;
    const reader = aReader(exporting(page(echo, "String(Number(cursor) + 1)")), ending);
    const now = (): Date => new Date("2026-01-02T00:00:00Z");
    const context = readContext({ secrets: { KEY: "canary" }, now });
    const pass = await readPass(createCustomReader([folder]), source(reader, { size: 3 }), "7", context);
    const expected = {
      source: { id: "forum", since: "2026-01-01", options: { size: 3 } },
      cursor: "7",
      secret: "canary",
    };
    expect(pass.pages).toEqual([
      { cursor: "8", items: [{ id: "forum", at: "x#1", receivedAt: "2026-01-02T00:00:00.000Z", value: expected }] },
    ]);
  });

  it("takes the first folder that has the file", async () => {
    const other = mkdtempSync(join(tmpdir(), "tuneloop-custom-"));
    try {
      const reader = aReader(exporting("return;"), "mjs", other);
      expect(
        await readPass(createCustomReader(["/nowhere", folder, other]), source(reader), null, readContext({})),
      ).toMatchObject({ items: [], ended: true });
    } finally {
      rmSync(other, { recursive: true });
    }
  });

  it("names what is missing: the variable, or the folders without the file", async () => {
    expect(await failureOf("nowhere", [])).toMatchObject({
      type: "InvalidInput",
      message:
        "source forum: reader: there is no file nowhere.ts or nowhere.js: the worker's TUNELOOP_SOURCES names no folder",
    });
    expect((await failureOf("nowhere")).message).toContain(`not in ${folder}`);
  });

  it.each([
    ["that does not parse", "export const source = {", /reader: .*\.mjs cannot be loaded: /],
    ["that throws", 'throw new Error("no such thing");', /cannot be loaded: no such thing/],
    ["without the export", "export const sauce = {};", /does not export a source as it must be: source: /],
    ["without a function", "export const source = { check: 1, read() {} };", /source\.check: must be a function/],
  ])("refuses a file %s", async (_, text, message) => {
    expect(await failureOf(aReader(text))).toMatchObject({
      type: "InvalidInput",
      message: expect.stringMatching(message),
    });
  });

  it("refuses options as the file does, before it reads", async () => {
    const plain = `() => { throw new Error("url: is missing"); }`;
    const message = "source forum: options: url: is missing";
    expect(await failureOf(aReader(exporting("throw 1;", plain)))).toMatchObject({ type: "InvalidInput", message });
    const issues = `{ issues: [{ path: ["url"], message: "is missing" }] }`;
    const byZod = `() => { throw Object.assign(new Error("[{...}]"), ${issues}); }`;
    expect(await failureOf(aReader(exporting("throw 1;", byZod)))).toMatchObject({ type: "InvalidInput", message });
  });

  it.each([
    ["no page", "yield 1;", /does not yield pages as it must be/],
    ["a page without a cursor", "yield { items: [] };", /cursor: /],
    ["an item without an id", page('{ at: "x", receivedAt: "2026-01-01T00:00:00Z", value: 1 }'), /items\.0\.id: /],
    ["a time that is none", page('{ id: "1", at: "x", receivedAt: "today", value: 1 }'), /items\.0\.receivedAt: /],
    [
      "a value that is no JSON",
      page('{ id: "1", at: "x", receivedAt: "2026-01-01T00:00:00Z", value: new Date() }'),
      /items\.0\.value/,
    ],
  ])("refuses a file that yields %s", async (_, read, message) => {
    const error = await failureOf(aReader(exporting(read)));
    expect(error).toMatchObject({ type: "InvalidInput", message: expect.stringMatching(message) });
  });

  it("passes on what the file throws", async () => {
    const reader = aReader(exporting('throw new Error("the forum is closed");'));
    const pass = readPass(createCustomReader([folder]), source(reader), null, readContext({}));
    await expect(pass).rejects.toThrow("the forum is closed");
  });

  it.each(["../outside", "a/b", "A", ""])("takes %j for no name of a file", (reader) =>
    expect(() => source(reader)).toThrow(/reader/),
  );
});
