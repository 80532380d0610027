/** What becomes of records, good and bad, over two cycles; and that they stay out of histories and logs. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DatasetVersion } from "../../src/domain/dataset-version-schema.ts";
import { recordSchema } from "../../src/domain/record-schema.ts";
import type { CycleReport } from "../../src/domain/report-schema.ts";
import { generateSample } from "../../src/dev/sample-data.ts";
import { serviceName } from "../../src/domain/ids.ts";
import {
  aPipeline,
  feed,
  giveTestSet,
  readManifest,
  startCycle,
  startLoop,
  startUpdate,
  TEST_SAMPLE,
  type Loop,
} from "../support/loop.ts";
import { allHistories, textOf, type NamedHistory } from "../support/recorded.ts";

const FIRST = generateSample({ seed: 1, count: 60, split: "train" });
const SECOND = generateSample({ seed: 2, count: 240, split: "train" });

const chat = (...messages: [role: string, content: string][]): string =>
  JSON.stringify({ messages: messages.map(([role, content]) => ({ role, content })) });
const user: [string, string] = ["user", "How about a bad record?"];

/** What arrives in the second delivery beside good records, and why it is refused. */
const BAD: [line: string | Buffer, reason: RegExp][] = [
  ["this is not JSON", /^not JSON$/],
  [chat(user), /^no assistant message: there is no answer to learn$/],
  [chat(user, ["moderator", "inform(name[x])"]), /^messages\.1\.role: /],
  [chat(user, ["assistant", "  "]), /^messages\.1\.content: is empty$/],
  [Buffer.from([...Buffer.from('{"messages":[{"role":"user","content":"'), 0xff, 0xfe]), /^not valid UTF-8$/],
  [chat(user, ["assistant", "x".repeat(10_000_000)]), /^line of 10000\d{3} bytes: longer than 1048576$/],
];

let loop: Loop;
let reports: CycleReport[];
let manifest: DatasetVersion;
let histories: NamedHistory[];

beforeAll(async () => {
  loop = await startLoop();
  await giveTestSet(loop);
  const pipeline = aPipeline(loop, { name: "fed" });
  const first = await (
    await feed(
      loop,
      pipeline,
      1,
      FIRST.map((item) => JSON.stringify(item)),
    )
  ).cycle.result();
  await loop.store.put("given/fed/2.jsonl", mixed());
  const update = await startUpdate(loop, pipeline, 2);
  expect(await update.result()).toMatchObject({ version: 2 });
  const cycle = await startCycle(loop, pipeline, 2);
  reports = [first, await cycle.result()];
  manifest = await readManifest(loop, "fed", 2);
  histories = await allHistories(loop.client, [update.workflowId, cycle.workflowId]);
});

afterAll(() => loop.stop());

/** Good records, a bad one after each of the first, and one good record twice. */
function mixed(): Buffer {
  const newline = Buffer.from("\n");
  return Buffer.concat(
    [...SECOND, ...SECOND.slice(0, 1)].flatMap((item, index) => {
      const bad = BAD[index]?.[0];
      return [Buffer.from(JSON.stringify(item)), newline, ...(bad === undefined ? [] : [Buffer.from(bad), newline])];
    }),
  );
}

describe("bad records among good ones", () => {
  it("are counted, and the cycle goes on with the rest", () => {
    const [received, accepted, quarantined] = [SECOND.length + BAD.length + 1, SECOND.length, BAD.length];
    expect(manifest.perSource).toEqual({ fed: { received, accepted, quarantined, duplicates: 1 } });
    expect(manifest.records).toEqual({ train: FIRST.length + SECOND.length, valid: 0, test: 0 });
    expect(reports.map(({ outcome }) => outcome)).toEqual(["promoted", "promoted"]);
    expect(reports[1]?.job?.trainedRecords).toBe(FIRST.length + SECOND.length);
  });

  it("are quarantined with line number and reason", async () => {
    const refused: { at: string; reason: string; text: string }[] = [];
    for await (const { key } of loop.store.list("datasets/fed/quarantine/")) {
      const lines = (await loop.store.get(key))?.body.toString().trimEnd().split("\n") ?? [];
      refused.push(...lines.map((line): (typeof refused)[number] => JSON.parse(line)));
    }
    expect(refused.map(({ at, reason }) => ({ at, reason }))).toEqual(
      BAD.map(([, reason], index) => ({ at: `2.jsonl#${index * 2 + 2}`, reason: expect.stringMatching(reason) })),
    );
    expect(Math.max(...refused.map(({ text }) => text.length))).toBeLessThanOrEqual(1000);
  });
});

describe("good records", () => {
  it("are each in the newest version once, as they were sent", async () => {
    const stored: string[] = [];
    for (const { key } of manifest.parts) {
      const body = (await loop.store.get(key))?.body ?? Buffer.alloc(0);
      const lines = gunzipSync(body).toString().trimEnd().split("\n");
      stored.push(...lines.map((line) => JSON.stringify(recordSchema.parse(JSON.parse(line)).messages)));
    }
    const sent = [...FIRST, ...SECOND].map(({ messages }) => JSON.stringify(messages));
    expect(stored.toSorted()).toEqual(sent.toSorted());
  });
});

describe("the histories of a dataset update and its cycle", () => {
  it("hold no record, no prompt, no answer and no secret", async () => {
    const text = histories.map(({ history }) => textOf(history)).join("\n");
    expect(text).toContain("fed-2");
    expect(leaksIn(text)).toEqual([]);
    for (const secret of await secrets()) expect(text).not.toContain(secret);
  });

  it("stay under 500 events, of less than 256 KB each, and without a failed workflow task", () => {
    const events = histories.flatMap(({ history }) => history.events ?? []);
    expect(histories.map(({ workflowId }) => workflowId)).toContain("retrain/fed/2/roll-out");
    expect(events.length).toBeLessThan(500);
    expect(Math.max(...events.map((event) => textOf(event).length))).toBeLessThan(256 * 1024);
    expect(events.filter(({ workflowTaskFailedEventAttributes: failed }) => failed)).toEqual([]);
  });
});

describe("the logs of worker and emulator", () => {
  it("hold no record, no answer and no secret", async () => {
    for (const server of ["worker", "emulator"]) {
      const log = readFileSync(join(loop.stack.stateDirectory, "logs", `${server}.log`), "utf8");
      expect(leaksIn(log)).toEqual([]);
      for (const secret of await secrets()) expect(log).not.toContain(secret);
    }
  });
});

/** Contents of records, good, bad and of the test set, that a text holds. */
function leaksIn(text: string): string[] {
  const contents = [...FIRST, ...SECOND, ...generateSample(TEST_SAMPLE)].flatMap(({ messages }) =>
    messages.map(({ content }) => content),
  );
  const known = new Set([...contents, user[1], "this is not JSON"]);
  return [...known].filter((content) => text.includes(content) || text.includes(JSON.stringify(content).slice(1, -1)));
}

/** Values that only processes may know. */
async function secrets(): Promise<string[]> {
  const { AWS_SECRET_ACCESS_KEY, ANYSCALE_CLI_TOKEN } = loop.stack.environment;
  const service = await loop.emulator.client.services.find(serviceName("fed"));
  const values = [AWS_SECRET_ACCESS_KEY, ANYSCALE_CLI_TOKEN, service?.auth_token ?? undefined];
  return values.map((value) => {
    if (!value) throw new Error("a secret is not set");
    return value;
  });
}
