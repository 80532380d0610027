/** What becomes of updates while their storage fails, lies or is written by others: a real S3 behind a proxy with faults. */
import { gunzipSync } from "node:zlib";
import type { WorkflowHandle } from "@temporalio/client";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { DatasetVersion } from "../../src/domain/dataset-version-schema.ts";
import { objectKeys } from "../../src/domain/object-keys.ts";
import { recordSchema } from "../../src/domain/record-schema.ts";
import { taskQueues } from "../../workflows/names.ts";
import type { updateDataset } from "../../workflows/update-dataset.ts";
import { until } from "../support/emulator.ts";
import {
  aPipeline,
  createdJobs,
  deliver,
  giveTestSet,
  readManifest,
  sampleLines,
  startCycle,
  startLoop,
  type Loop,
} from "../support/loop.ts";
import { startS3Proxy, type S3Proxy } from "../support/s3-proxy.ts";
import { startTestStack, type TestStack } from "../support/stack.ts";
import { failureOf } from "../support/temporal.ts";

const SEED = 20_261_121;

let storage: TestStack;
let proxy: S3Proxy;
let loop: Loop;

beforeAll(async () => {
  storage = await startTestStack({ services: ["s3"] });
  proxy = await startS3Proxy(storage.environment["AWS_ENDPOINT_URL"] ?? "");
  loop = await startLoop({ ...storage.environment, AWS_ENDPOINT_URL: proxy.url });
});
afterEach(() => {
  proxy.fault = () => null;
  proxy.suffered.length = 0;
});
afterAll(async () => {
  await loop.stop();
  await proxy.stop();
  await storage.stop();
});

const source = (dataset: string, id: string) => ({
  id,
  kind: "s3-jsonl" as const,
  uri: loop.store.uri(`given/${dataset}/${id}/`),
});
const versionsOf = async (dataset: string): Promise<string[]> => {
  const keys: string[] = [];
  for await (const { key } of loop.store.list(objectKeys.versions(dataset))) keys.push(key);
  return keys;
};

/** Starts an update of a dataset from these of its sources. */
function start(dataset: string, number: number, ...ids: string[]): Promise<WorkflowHandle<typeof updateDataset>> {
  return loop.client.workflow.start<typeof updateDataset>("updateDataset", {
    workflowId: `update/${dataset}/${number}`,
    taskQueue: taskQueues.main,
    args: [{ dataset, sources: ids.map((id) => source(dataset, id)) }],
  });
}

/** Every record of a version, by what it says. */
async function recordsOf({ parts }: DatasetVersion): Promise<string[]> {
  const records: string[] = [];
  for (const { key, sha256 } of parts) {
    const body = (await loop.store.get(key, { sha256 }))?.body ?? Buffer.alloc(0);
    for (const line of gunzipSync(body).toString().trimEnd().split("\n")) {
      records.push(JSON.stringify(recordSchema.parse(JSON.parse(line)).messages));
    }
  }
  return records.toSorted();
}

const messagesOf = (lines: readonly string[]): string[] =>
  lines.map((line) => JSON.stringify((JSON.parse(line) as { messages: unknown }).messages)).toSorted();

describe("an S3 that is busy, slow and breaks connections", () => {
  it("costs time and nothing else: every record is there once, in one version that was whole from the first", async () => {
    const lines = { a: sampleLines({ seed: 1, count: 300 }), b: sampleLines({ seed: 2, count: 200 }) };
    // Too long to be read at once: it goes through the activity that keeps what it has.
    const prompt = "Answer with one function call. ".repeat(1000);
    const long = lines.a.map((line) =>
      line.replace('"messages":[', `"messages":[{"role":"system","content":"${prompt}"},`),
    );
    await deliver(loop, "stormy/a/1.jsonl", long);
    await deliver(loop, "stormy/b/1.jsonl", lines.b);

    const random = generator(SEED);
    proxy.fault = ({ method }) => {
      switch (random() % 12) {
        case 0:
          return { kind: "busy" };
        case 1:
          return { kind: "reset" };
        case 2:
          return { kind: "slow", milliseconds: 300 };
        case 3:
          return method === "PUT" ? { kind: "answer-lost" } : null;
        default:
          return null;
      }
    };
    const result = await (await start("stormy", 1, "a", "b")).result();
    proxy.fault = () => null;

    expect(new Set(proxy.suffered.map(({ kind }) => kind)).size, `seed ${SEED}`).toBeGreaterThan(2);
    expect(result).toMatchObject({ version: 1, records: 500, added: 500, failed: 0 });
    expect(await versionsOf("stormy")).toEqual([objectKeys.version("stormy", 1)]);
    const manifest = await readManifest(loop, "stormy", 1);
    expect(manifest.perSource).toEqual({
      a: { received: 300, accepted: 300, quarantined: 0, duplicates: 0 },
      b: { received: 200, accepted: 200, quarantined: 0, duplicates: 0 },
    });
    expect(await recordsOf(manifest)).toEqual([...messagesOf(long), ...messagesOf(lines.b)].toSorted());
  });
});

describe("a manifest whose write was answered into the void", () => {
  it("is found to be our own, and no second one is made", async () => {
    await deliver(loop, "void/a/1.jsonl", sampleLines({ seed: 3, count: 50 }));
    let lost = 0;
    proxy.fault = ({ method, path }) =>
      method === "PUT" && path.includes("/versions/") && lost++ === 0 ? { kind: "answer-lost" } : null;
    expect(await (await start("void", 1, "a")).result()).toMatchObject({ version: 1, added: 50 });
    expect(lost).toBeGreaterThan(1);
    expect(await versionsOf("void")).toEqual([objectKeys.version("void", 1)]);
  });
});

describe("two updates of one dataset at once", () => {
  it("make two versions in a chain: no fork, no batch lost, no record twice", async () => {
    const shared = sampleLines({ seed: 4, count: 60 });
    const [first, second] = [sampleLines({ seed: 5, count: 40 }), sampleLines({ seed: 6, count: 30 })];
    await deliver(loop, "raced/shared/1.jsonl", shared);
    await deliver(loop, "raced/first/1.jsonl", first);
    await deliver(loop, "raced/second/1.jsonl", second);

    const held = Promise.withResolvers<void>();
    let manifests = 0;
    proxy.fault = ({ method, path }) =>
      method === "PUT" && path.includes(objectKeys.version("raced", 1)) && manifests++ === 0
        ? { kind: "hold", until: held.promise }
        : null;
    const slower = await start("raced", 1, "shared", "first");
    await until("the first manifest", () => manifests === 1, 60_000);
    const quicker = await start("raced", 2, "shared", "second");
    expect(await quicker.result()).toMatchObject({ version: 1, added: 90 });
    held.resolve();
    expect(await slower.result()).toMatchObject({ version: 2, records: 130, added: 40 });

    const [one, two] = [await readManifest(loop, "raced", 1), await readManifest(loop, "raced", 2)];
    expect([one.parent, two.parent]).toEqual([null, 1]);
    expect(await versionsOf("raced")).toHaveLength(2);
    expect(two.parts.slice(0, one.parts.length)).toEqual(one.parts);
    expect(two.perSource).toEqual({
      shared: { received: 60, accepted: 0, quarantined: 0, duplicates: 60 },
      first: { received: 40, accepted: 40, quarantined: 0, duplicates: 0 },
    });
    expect(Object.keys(two.cursors).toSorted()).toEqual(["first", "second", "shared"]);
    expect(await recordsOf(two)).toEqual(messagesOf([...shared, ...first, ...second]));
    expect(await (await start("raced", 3, "shared", "first", "second")).result()).toMatchObject({
      version: null,
      added: 0,
    });
  });
});

describe("an object that was damaged after it was written", () => {
  it("ends the cycle with its name before a job is bought", async () => {
    await giveTestSet(loop);
    const pipeline = aPipeline(loop, { name: "damaged" });
    await deliver(loop, "damaged/1.jsonl", sampleLines({ seed: 7, count: 60 }));
    await (
      await loop.client.workflow.start<typeof updateDataset>("updateDataset", {
        workflowId: "update/damaged/1",
        taskQueue: taskQueues.main,
        args: [{ dataset: "damaged", sources: pipeline.sources, split: pipeline.dataset.split }],
      })
    ).result();
    const [part] = (await readManifest(loop, "damaged", 1)).parts;
    const body = Buffer.from((await loop.store.get(part?.key ?? ""))?.body ?? "");
    body[body.length >> 1] = (body[body.length >> 1] ?? 0) ^ 0x01;
    await loop.store.put(part?.key ?? "", body);
    const cycle = await startCycle(loop, pipeline, 1);
    expect(await failureOf(cycle)).toMatch(/^CorruptObject: .*datasets\/damaged\/parts\//);
    expect(await createdJobs(loop, "damaged", 1)).toEqual([]);
  });
});

/** Numbers from 0 to 2^31 that follow from a seed (mulberry32). */
function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 1;
  };
}
