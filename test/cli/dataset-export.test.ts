import { once } from "node:events";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { buildProgram } from "../../src/cli/program.ts";
import { UsageError } from "../../src/cli/usage-error.ts";
import { exportTo, writeAtomically, type ExportFormat } from "../../src/dataset/export.ts";
import { datasetVersionSchema, type Part } from "../../src/domain/dataset-version-schema.ts";
import { objectKeys } from "../../src/domain/object-keys.ts";
import { recordSchema } from "../../src/domain/record-schema.ts";
import type { ObjectStore, SourceItem } from "../../src/ports.ts";
import { startTestBucket, type TestBucket, type TestPrefix } from "../support/bucket.ts";
import { TUNELOOP } from "../support/command.ts";
import { aBatch, commit } from "../support/datasets.ts";
import { aChat, aSourceItem } from "../support/fake-ports.ts";

let bucket: TestBucket;
let prefix: TestPrefix;
let directory: string;
beforeAll(async () => {
  bucket = await startTestBucket();
  prefix = bucket.prefix();
  for (const version of [1, 2]) await add(prefix.store, version);
});
afterAll(() => bucket.stop());
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "tuneloop-export-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** 60 records, one of them in many scripts, with labels of several types. */
async function add(store: ObjectStore, version: number): Promise<void> {
  const items: SourceItem[] = Array.from({ length: 60 }, (_, index) => {
    const chat = aChat(`question ${version}/${index}`, `answer\n"${index}" – Ωß 漢字 🎲 \u2028`);
    return aSourceItem(`a.jsonl#${index + 1}`, { ...chat, labels: { rating: 5, shown: true, language: "en" } });
  });
  await commit(store, [(await aBatch(store, items)).batch], version - 1);
}

async function partsOf(store: ObjectStore, version: number, split: string): Promise<Part[]> {
  const object = await store.get(objectKeys.version("games", version));
  const { parts } = datasetVersionSchema.parse(JSON.parse(object?.body.toString() ?? ""));
  return parts.filter((part) => part.split === split);
}
const recordsIn = (parts: readonly Part[]): number => parts.reduce((sum, { records }) => sum + records, 0);
const linesOf = (text: string): unknown[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
/** Exports in this process. */
const run = async (...args: string[]): Promise<unknown> =>
  (await buildProgram(["dataset"])).parseAsync(["dataset", "export", "games", ...args], { from: "user" });

describe("exportTo", () => {
  it.each<[ExportFormat, (path: string) => Promise<unknown[]>]>([
    ["jsonl", async (path) => linesOf(readFileSync(path, "utf8"))],
    ["jsonl.gz", async (path) => linesOf(gunzipSync(readFileSync(path)).toString())],
    [
      "parquet",
      async (path) => {
        const duckdb = await (await DuckDBInstance.create(":memory:")).connect();
        const rows = await duckdb.runAndReadAll(`SELECT messages FROM '${path}'`);
        duckdb.closeSync();
        return rows.getRowObjectsJson();
      },
    ],
  ])("writes the chats of a split as %s that is read elsewhere, in the order of the parts", async (format, read) => {
    const parts = await partsOf(prefix.store, 2, "train");
    const path = join(directory, `train.${format}`);
    const exported = await writeAtomically(path, (output) =>
      exportTo(output, { store: prefix.store, parts, format, shape: "chat" }),
    );
    expect(exported).toEqual({ records: recordsIn(parts), bytes: readFileSync(path).length });
    const chats = await read(path);
    expect(chats).toHaveLength(recordsIn(parts));
    expect(chats[0]).toEqual({
      messages: [
        { role: "user", content: expect.stringMatching(/^question 1\/\d+$/) },
        { role: "assistant", content: expect.stringMatching(/^answer\n"\d+" – Ωß 漢字 🎲 \u2028$/) },
      ],
    });
    expect(readdirSync(directory)).toEqual([`train.${format}`]);
  });

  it("writes whole records when asked for, the same as JSONL and as Parquet", async () => {
    const parts = await partsOf(prefix.store, 2, "train");
    const request = { store: prefix.store, parts, shape: "whole" } as const;
    const [lines, table] = [join(directory, "a.jsonl"), join(directory, "a.parquet")];
    await writeAtomically(lines, (output) => exportTo(output, { ...request, format: "jsonl" }));
    await writeAtomically(table, (output) => exportTo(output, { ...request, format: "parquet" }));
    const records = linesOf(readFileSync(lines, "utf8")).map((line) => recordSchema.parse(line));
    expect(records[0]).toMatchObject({ source: "discord", author: null, labels: { rating: 5, shown: true } });
    const duckdb = await (await DuckDBInstance.create(":memory:")).connect();
    const rows = (await duckdb.runAndReadAll(`SELECT * FROM '${table}'`)).getRowObjectsJson();
    duckdb.closeSync();
    const asWritten = records.map((record) => ({ ...record, labels: JSON.stringify(record.labels) }));
    expect(rows).toEqual(asWritten);
  });

  it("stops when it is interrupted, and leaves nothing behind", async () => {
    const path = join(directory, "train.parquet");
    const parts = await partsOf(prefix.store, 2, "train");
    const signal = AbortSignal.abort(new Error("interrupted"));
    const request = { store: prefix.store, parts, format: "parquet", shape: "chat", signal } as const;
    await expect(writeAtomically(path, (output) => exportTo(output, request))).rejects.toThrow();
    expect(readdirSync(directory)).toEqual([]);
  });

  it.each<ExportFormat>(["jsonl", "jsonl.gz", "parquet"])(
    "writes an empty %s of a split without records",
    async (format) => {
      const path = join(directory, `x.${format}`);
      const request = { store: prefix.store, parts: [], format, shape: "chat" } as const;
      expect(await writeAtomically(path, (output) => exportTo(output, request))).toMatchObject({ records: 0 });
      if (format === "jsonl") expect(readFileSync(path, "utf8")).toBe("");
      if (format === "jsonl.gz") expect(gunzipSync(readFileSync(path))).toHaveLength(0);
      if (format !== "parquet") return;
      const duckdb = await (await DuckDBInstance.create(":memory:")).connect();
      expect((await duckdb.runAndReadAll(`SELECT messages FROM '${path}'`)).getRowObjectsJson()).toEqual([]);
      duckdb.closeSync();
    },
  );
});

describe("tuneloop dataset export", () => {
  it("writes a file, says what is in it, and takes the place of the file before", async () => {
    const out = join(directory, "valid.jsonl");
    writeFileSync(out, "old");
    const args = ["dataset", "export", "games@1", "--split", "valid", "--out", out, "--json"];
    const { code, stdout } = await prefix.tuneloop(...args);
    const records = recordsIn(await partsOf(prefix.store, 1, "valid"));
    expect({ code, ...(JSON.parse(stdout) as object) }).toEqual({
      code: 0,
      dataset: "games@1",
      split: "valid",
      out,
      format: "jsonl",
      records,
      bytes: readFileSync(out).length,
    });
    expect(linesOf(readFileSync(out, "utf8"))).toHaveLength(records);
  });

  it("writes JSONL to standard output, and what it did to standard error", async () => {
    const { code, stdout, stderr } = await prefix.tuneloop(
      "dataset",
      "export",
      "games",
      "--split",
      "test",
      "--out",
      "-",
    );
    const records = recordsIn(await partsOf(prefix.store, 2, "test"));
    expect(linesOf(stdout)).toHaveLength(records);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(`^games@2 test: ${records} records, `) });
  });

  it("ends without a word when the reader of its output has seen enough", async () => {
    const large = bucket.prefix();
    const chats = Array.from({ length: 100 }, (_, index) =>
      aSourceItem(`a.jsonl#${index}`, aChat(`question ${index}`, "much ".repeat(2000))),
    );
    await commit(large.store, [(await aBatch(large.store, chats)).batch]);
    const command = `"${process.execPath}" "${TUNELOOP}" dataset export games --split train --out - | head -n 1`;
    const child = spawn("/bin/bash", ["-o", "pipefail", "-c", command], {
      env: { ...bucket.stack.fullEnvironment, TUNELOOP_S3_URI: large.store.uri("") },
      stdio: ["ignore", "ignore", "pipe"],
    });
    const errors: Buffer[] = [];
    child.stderr.on("data", (bytes: Buffer) => errors.push(bytes));
    const [code] = (await once(child, "close")) as [number];
    expect(code).toBe(0);
    expect(Buffer.concat(errors).toString()).toBe("");
  });

  it("leaves nothing behind, and the file before as it was, when a part is damaged", async () => {
    const damaged = bucket.prefix();
    await add(damaged.store, 1);
    const [part] = await partsOf(damaged.store, 1, "train");
    await damaged.store.put(part?.key ?? "", Buffer.from("not what was written"));
    const out = join(directory, "train.jsonl.gz");
    writeFileSync(out, "old");
    const { code, stderr } = await damaged.tuneloop("dataset", "export", "games", "--split", "train", "--out", out);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^CorruptObject: datasets\/games\/parts\/.*: sha256 is/);
    expect(readdirSync(directory)).toEqual(["train.jsonl.gz"]);
    expect(readFileSync(out, "utf8")).toBe("old");
  });

  it.each([
    [
      "a name that says no format",
      ["--split", "train", "--out", "train.csv"],
      /must end in .jsonl, .jsonl.gz or .parquet/,
    ],
    ["JSON about records on the same output", ["--split", "train", "--out", "-", "--json"], /name a file in --out/],
    [
      "a directory that is not there",
      ["--split", "train", "--out", "no/such/a.jsonl"],
      /there is no directory no\/such/,
    ],
  ])("refuses %s as wrong usage", async (_, args, message) => {
    const refused = run(...args);
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toBeInstanceOf(UsageError);
  });

  it("refuses a directory in place of a file", async () => {
    mkdirSync(join(directory, "a.jsonl"));
    await expect(run("--split", "train", "--out", join(directory, "a.jsonl"))).rejects.toThrow(/is a directory/);
  });
});
