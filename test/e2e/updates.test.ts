/** Updates of datasets from sources that are dead, slow, late, wrong or read again; and while there is no worker. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import type { WorkflowHandle } from "@temporalio/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitFor } from "../../src/dev/wait.ts";
import type { UpdateDatasetRequest } from "../../src/domain/workflow-input-schema.ts";
import type { PipelineView } from "../../src/domain/pipeline.ts";
import { taskQueues, workflowIds } from "../../workflows/names.ts";
import { datasetUpdatedSignal, stateQuery } from "../../workflows/pipeline-messages.ts";
import type { updateDataset } from "../../workflows/update-dataset.ts";
import { until } from "../support/emulator.ts";
import { aPipeline, alertsOf, deliver, readManifest, sampleLines, startLoop, type Loop } from "../support/loop.ts";
import { currentDetails } from "../support/temporal.ts";

let services: Server;
let loop: Loop;
let at: string;

/** What has been asked for, and what was answered. */
const asked: { path: string; status: number }[] = [];
/** What services answer, by path. */
const answers: Record<string, (response: ServerResponse, request: IncomingMessage) => void> = {
  // Never.
  "/hangs": () => {},
  "/breaks": (response) => void response.writeHead(503).end("try later"),
  "/refuses": (response) => void response.writeHead(401).end("no"),
  // A file with a state, of which a filter leaves nothing.
  "/open.jsonl": (response, { headers }) => {
    const isKnown = headers["if-none-match"] === '"state-1"';
    response.writeHead(isKnown ? 304 : 200, { "content-type": "application/jsonl", etag: '"state-1"' });
    response.end(isKnown ? undefined : `${JSON.stringify({ status: "open", question: "Why?" })}\n`);
  },
  "/drips.jsonl": (response) => drip(response, 180),
  "/drips-few.jsonl": (response) => drip(response, 60),
};

/** Answers with so many lines, 20 a second. */
function drip(response: ServerResponse, count: number): void {
  const lines = sampleLines({ seed: 8, count });
  response.writeHead(200, { "content-type": "application/jsonl" });
  const timer = setInterval(() => {
    const line = lines.shift();
    if (line !== undefined) return void response.write(`${line}\n`);
    clearInterval(timer);
    response.end();
  }, 50);
  response.on("close", () => clearInterval(timer));
}

beforeAll(async () => {
  services = createServer((request, response) => {
    const path = request.url ?? "";
    response.on("finish", () => asked.push({ path, status: response.statusCode }));
    answers[path]?.(response, request);
  });
  services.listen(0, "127.0.0.1");
  await once(services, "listening");
  const host = `127.0.0.1:${(services.address() as AddressInfo).port}`;
  at = `http://${host}`;
  loop = await startLoop({ TUNELOOP_ALLOW_HOSTS: host });
});
afterAll(async () => {
  await loop.stop();
  services.close().closeAllConnections();
});

const fromS3 = (dataset: string, id: string) => ({
  id,
  kind: "s3-jsonl" as const,
  uri: loop.store.uri(`given/${dataset}/${id}/`),
});
const fromHttp = (id: string, path: string) => ({ id, kind: "http" as const, url: `${at}${path}` });
let started = 0;

function start(input: UpdateDatasetRequest): Promise<WorkflowHandle<typeof updateDataset>> {
  return loop.client.workflow.start<typeof updateDataset>("updateDataset", {
    workflowId: `update/${input.dataset}/${++started}`,
    taskQueue: taskQueues.main,
    args: [input],
  });
}

const chat = (question: string, answer: string, more: object = {}): string =>
  JSON.stringify({
    messages: [
      { role: "user", content: question },
      { role: "assistant", content: answer },
    ],
    ...more,
  });

describe("sources that are dead", () => {
  it("hold up nobody: the others make a version, and it is said which failed and why", async () => {
    await deliver(loop, "dead/well/1.jsonl", sampleLines({ seed: 1, count: 30 }));
    const beganMs = Date.now();
    const update = await start({
      dataset: "dead",
      sources: [
        fromHttp("hanging", "/hangs"),
        fromHttp("broken", "/breaks"),
        fromHttp("refusing", "/refuses"),
        { id: "elsewhere", kind: "s3-jsonl", uri: "s3://another-bucket/feedback/" },
        { id: "private", kind: "http", url: "https://169.254.169.254/latest/meta-data/" },
        fromS3("dead", "well"),
      ],
      deadlines: { silentSeconds: 2, readSeconds: 20 },
    });
    const result = await update.result();
    expect(Date.now() - beganMs).toBeLessThan(20_000);
    expect(result).toMatchObject({ version: 1, added: 30, failed: 5 });
    expect(result.failedSources).toEqual({
      hanging: expect.stringMatching(/^TooLate: no item came in \d+ s/),
      broken: expect.stringMatching(/^TooLate: no item came in \d+ s: .*503/),
      refusing: expect.stringMatching(/^Refused: .*401/),
      elsewhere: expect.stringMatching(/^(NotFound|Refused): .*another-bucket/),
      private: expect.stringMatching(/^Refused: .*169\.254\.169\.254/),
    });
    expect((await readManifest(loop, "dead", 1)).failedSources).toEqual(result.failedSources);
  });
});

describe("a source that takes long", () => {
  it("shows how far it is within seconds: in the details of its reading and its update, in the state and in the CLI", async () => {
    const definition = aPipeline(loop, {
      name: "slow",
      sources: [fromHttp("drips", "/drips.jsonl"), fromS3("slow", "quick")],
      dataset: { minNewRecords: 10_000 },
    });
    await deliver(loop, "slow/quick/1.jsonl", sampleLines({ seed: 9, count: 10 }));
    const pipeline = await loop.client.workflow.start("pipeline", {
      workflowId: workflowIds.pipeline("slow"),
      taskQueue: taskQueues.main,
      args: [definition],
    });
    await pipeline.signal(datasetUpdatedSignal, { updateId: "a", dataset: "slow" });
    const update = loop.client.workflow.getHandle<typeof updateDataset>("pipeline/slow/update-1");
    const reading = loop.client.workflow.getHandle("pipeline/slow/update-1/drips");
    const told = { timeoutMs: 9000 };
    await waitFor(
      async () => expect(await currentDetails(reading)).toMatch(/\*\*drips\*\*: [\d,]+ items, \d+\/s/),
      told,
    );
    await waitFor(
      async () => expect(await currentDetails(update)).toMatch(/^1 of 2 sources read; [\d,]+ items\.\n\ndrips: /),
      told,
    );
    const state = await waitFor(async () => {
      const view = await pipeline.query<PipelineView>("state");
      expect(view.reading?.perSource["drips"]?.received).toBeGreaterThan(20);
      return view;
    }, told);
    expect(state.reading).toMatchObject({ sources: 2, read: 1, received: 10 });
    const { stdout } = await loop.tuneloop("state", "slow");
    expect(stdout).toMatch(/^sources +█+░+ 1 of 2 sources read; \d+ items$/m);
    expect(stdout).toMatch(/^ +drips \d+ items, \d+(\.\d)?\/s$/m);
    expect(await update.result()).toMatchObject({ version: 1, added: 190, unfinished: [] });
    expect((await update.fetchHistory()).events?.length).toBeLessThan(80);
    await pipeline.terminate();
  });

  it("delivers what it has at the deadline, and the rest with the next update", async () => {
    const sources = [fromHttp("drips", "/drips-few.jsonl")];
    const deadlines = { silentSeconds: 2, readSeconds: 1 };
    const first = await (await start({ dataset: "cut", sources, deadlines })).result();
    expect(first).toMatchObject({ version: 1, failed: 0, unfinished: ["drips"] });
    expect(first.added).toBeGreaterThan(2);
    expect(first.added).toBeLessThan(60);
    const rest = await (await start({ dataset: "cut", sources })).result();
    expect(rest).toMatchObject({ version: 2, records: 60, added: 60 - first.added, unfinished: [] });
  });
});

describe("sources read by the temporal CLI", () => {
  it("can be read alone, and again from the start, and nothing counts twice", async () => {
    await deliver(loop, "again/a/1.jsonl", sampleLines({ seed: 2, count: 40 }));
    await deliver(loop, "again/b/1.jsonl", sampleLines({ seed: 3, count: 20 }));
    const sources = [fromS3("again", "a"), fromS3("again", "b")];
    const execute = async (more: object): Promise<object> => {
      const command = `workflow execute -o json --task-queue tuneloop --type updateDataset --workflow-id again-${++started}`;
      const input = JSON.stringify({ dataset: "again", sources, ...more });
      const { stdout, stderr } = await loop.temporal(...command.split(" "), "--input", input);
      const { result } = JSON.parse(stdout || JSON.stringify({ result: stderr })) as { result: object };
      return result;
    };
    expect(await execute({ only: ["b"] })).toMatchObject({ version: 1, added: 20 });
    expect(await execute({})).toMatchObject({ version: 2, added: 40 });
    expect(await execute({ only: ["a"], cursors: { a: null } })).toMatchObject({
      version: null,
      added: 0,
      records: 60,
      perSource: { a: { received: 40, accepted: 0, duplicates: 40 } },
    });
    expect(await execute({})).toMatchObject({ version: null, added: 0 });
  });
});

describe("a source of which all is left out", () => {
  it("makes a version without records once, so that it is not read again and again", async () => {
    const map = {
      where: { path: "status", equals: "solved" },
      messages: [
        { role: "user" as const, text: "{question}" },
        { role: "assistant" as const, text: "{answer}" },
      ],
    };
    const sources = [{ ...fromHttp("open", "/open.jsonl"), map }];
    expect(await (await start({ dataset: "filtered", sources })).result()).toMatchObject({ version: 1, records: 0 });
    expect(await (await start({ dataset: "filtered", sources })).result()).toMatchObject({ version: null, added: 0 });
    expect(asked.filter(({ path }) => path === "/open.jsonl").map(({ status }) => status)).toEqual([200, 304]);
  });
});

describe("feedback that comes late or out of order", () => {
  it("is in the next version, and versions that are told out of order count once, by the newest", async () => {
    const sources = [fromS3("late", "a")];
    const definition = aPipeline(loop, { name: "late", sources, dataset: { minNewRecords: 10_000 } });
    await deliver(loop, "late/a/2026-02.jsonl", sampleLines({ seed: 4, count: 25 }));
    await (await start({ dataset: "late", sources })).result();
    await deliver(loop, "late/a/2026-01.jsonl", sampleLines({ seed: 5, count: 15 }));
    expect(await (await start({ dataset: "late", sources })).result()).toMatchObject({ version: 2, added: 15 });
    const pipeline = await loop.client.workflow.start("pipeline", {
      workflowId: workflowIds.pipeline("late"),
      taskQueue: taskQueues.main,
      args: [definition],
    });
    for (const version of [2, 1, 2, 7, 1]) {
      await pipeline.signal(datasetUpdatedSignal, { updateId: `late@${version}`, dataset: "late", version });
    }
    await waitFor(
      async () =>
        expect(await pipeline.query<PipelineView>("state")).toMatchObject({
          dataset: { version: 2, records: 40 },
          newRecords: 40,
        }),
      { timeoutMs: 30_000 },
    );
    await pipeline.terminate();
  });
});

describe("feedback that is not as it should be", () => {
  const objects: Record<string, Buffer> = {
    "empty.jsonl": Buffer.alloc(0),
    "empty.jsonl.gz": gzipSync(""),
    "utf16.jsonl": Buffer.from(`\ufeff${chat("wide?", "yes")}\n`, "utf16le"),
    "nested.jsonl.gz": gzipSync(gzipSync(chat("twice packed?", "yes"))),
    "cut.jsonl.gz": gzipSync(chat("whole?", "no")).subarray(0, -12),
    "odd.jsonl": Buffer.from(
      [chat("lone \ud800 surrogate", "kept"), chat("right \u202eto left", "kept"), chat("no\u0000thing", "kept")].join(
        "\r\n",
      ),
    ),
    "renamed.jsonl": Buffer.from(JSON.stringify({ mesages: [], conversation: [] })),
  };

  it("is kept where it can be and quarantined where it cannot, with place and reason, and the sums are right", async () => {
    for (const [name, body] of Object.entries(objects)) await loop.store.put(`given/odd/a/${name}`, body);
    // The other source contradicts this one, repeats it with another label, and repeats itself.
    await deliver(loop, "odd/a/z.jsonl", [chat("good?", "yes", { labels: { rating: "up" } })]);
    await deliver(loop, "odd/b/1.jsonl", [
      chat("good?", "no"),
      chat("good?", "yes", { labels: { rating: "down" } }),
      chat("good?", "no"),
    ]);
    const sources = [fromS3("odd", "a"), fromS3("odd", "b")];
    const result = await (await start({ dataset: "odd", sources })).result();
    expect(result.perSource).toEqual({
      a: { received: expect.any(Number), accepted: 4, quarantined: expect.any(Number), duplicates: 0 },
      b: { received: 3, accepted: 1, quarantined: 0, duplicates: 2 },
    });
    for (const { received, accepted, quarantined, duplicates } of Object.values(result.perSource)) {
      expect(received).toBe(accepted + quarantined + duplicates);
    }
    const reasons = new Map<string, string>();
    for await (const { key } of loop.store.list("datasets/odd/quarantine/")) {
      const lines = (await loop.store.get(key))?.body.toString().trimEnd().split("\n") ?? [];
      for (const line of lines) {
        const { at, reason } = JSON.parse(line) as { at: string; reason: string };
        reasons.set(at.split("/").at(-1)?.split("#")[0] ?? "", reason);
      }
    }
    expect(Object.fromEntries(reasons)).toEqual({
      "utf16.jsonl": expect.stringMatching(/UTF-8|not JSON/),
      "nested.jsonl.gz": expect.stringMatching(/UTF-8|not JSON/),
      "cut.jsonl.gz": expect.stringMatching(/^the gzip breaks off/),
      "renamed.jsonl": expect.stringMatching(/^messages: /),
    });
    // Both answers to one question are there, and in one split, whichever is right.
    const { parts } = await readManifest(loop, "odd", 1);
    expect(parts.reduce((sum, { records }) => sum + records, 0)).toBe(5);
  });
});

describe("news while every worker is dead", () => {
  it("counts once each, and is read by the worker that comes back", async () => {
    const sources = [fromS3("orphan", "a")];
    await deliver(loop, "orphan/a/1.jsonl", sampleLines({ seed: 6, count: 20 }));
    const definition = aPipeline(loop, { name: "orphan", sources, dataset: { minNewRecords: 10_000 } });
    const pipeline = await loop.client.workflow.start("pipeline", {
      workflowId: workflowIds.pipeline("orphan"),
      taskQueue: taskQueues.main,
      args: [definition],
    });
    await pipeline.query(stateQuery);
    const { stack } = loop;
    const returns = (): number => stack.reports.filter((line) => line === "worker is back").length;
    const before = returns();
    process.kill(stack.pids().worker ?? 0, "SIGKILL");
    await sendAll(500, (index) =>
      pipeline.signal(datasetUpdatedSignal, { updateId: `news-${index % 400}`, dataset: "orphan" }),
    );
    await until("the return of the worker", () => returns() > before, 60_000);
    const backMs = Date.now();
    await waitFor(
      async () => {
        const { signals, dataset, update } = await pipeline.query<PipelineView>("state");
        // One more is of the version that came of them; it may be announced again, which counts as known.
        expect(signals).toMatchObject({ applied: 401, rejected: 0 });
        expect([100, 101]).toContain(signals.duplicates);
        expect([dataset.version, dataset.records, update]).toEqual([1, 20, null]);
      },
      { timeoutMs: 30_000 },
    );
    expect(Date.now() - backMs).toBeLessThan(15_000);
    expect(alertsOf(loop, "pipeline/orphan/update-1")).toEqual([]);
    await pipeline.terminate();
  });
});

/** Does something so many times, eight at once. */
async function sendAll(count: number, send: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) await send(index);
  };
  await Promise.all(Array.from({ length: 8 }, lane));
}
