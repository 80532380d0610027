import { describe, expect, it } from "vitest";
import { noChunks } from "../../activities/kept-chunks.ts";
import type { SourceItem, SourceReader } from "../../src/ports.ts";
import { expectFailure, inActivity } from "../support/activity.ts";
import { anIngest, commit, datasetActivities, readBatch, readManifest, recordsOf } from "../support/datasets.ts";
import { aChat, aSourceItem } from "../support/fake-ports.ts";
import { MemoryObjectStore } from "../support/memory-store.ts";

const item = (index: number): SourceItem => aSourceItem(`a#${index}`, aChat(`question ${index}`));
const quick = { silentSeconds: 0.2, readSeconds: 60 };

/** A source of ten items that falls silent after four in each pass, until it is told to stop. */
const halting: SourceReader = {
  read(_source, cursor, signal) {
    let next = Number(cursor ?? 0);
    async function* items(): AsyncGenerator<SourceItem[]> {
      for (let passed = 0; next < 10; passed++) {
        if (passed === 4) await new Promise((_, reject) => signal.addEventListener("abort", reject));
        yield [item(next++)];
      }
    }
    return { items: items(), cursor: async () => String(next) };
  },
};

describe("ingestInTime", () => {
  it("delivers what it has when the time is over, and goes on there until the source's end, nothing lost or twice", async () => {
    const store = new MemoryObjectStore();
    const activities = datasetActivities(store, halting);
    let cursor: string | null = null;
    for (const [pass, isComplete] of [false, false, true].entries()) {
      const workflowExecution = { workflowId: `update-${pass}/discord`, runId: "run" };
      const request = anIngest("discord", { cursor, deadlines: quick });
      const read = await inActivity(() => activities.ingest(request), { workflowExecution });
      expect(read).toMatchObject({ received: isComplete ? 2 : 4, isComplete });
      expect(await commit(store, [read.batch], pass)).toMatchObject({ version: pass + 1, added: read.received });
      cursor = readBatch(store, read.batch).cursor;
    }
    const records = await recordsOf(store, readManifest(store, 3).parts);
    expect(records.map(({ sourceItem }) => sourceItem).toSorted()).toEqual(
      Array.from({ length: 10 }, (_, index) => `a#${index}`),
    );
  });

  it("fails as TooLate and writes nothing when nothing comes", async () => {
    const store = new MemoryObjectStore();
    const silent: SourceReader = {
      read: (_source, _cursor, signal) => ({ items: untilAborted(signal), cursor: async () => "0" }),
    };
    const ingest = () => datasetActivities(store, silent).ingest(anIngest("discord", { deadlines: quick }));
    expect(await expectFailure(ingest, "TooLate")).toBe("no item came in 0 s");
    expect(store.objects.size).toBe(0);
  });

  it("delivers what earlier attempts have kept when the source does not come back in time", async () => {
    const store = new MemoryObjectStore();
    const gone: SourceReader = {
      read: (_source, cursor) => ({ items: failing(), cursor: async () => cursor ?? "0" }),
    };
    const heartbeatDetails = { cursor: "7", received: 7, quarantined: 1, chunks: noChunks() };
    const ingest = () => datasetActivities(store, gone).ingest(anIngest());
    const read = await inActivity(ingest, { heartbeatDetails, scheduledTimestampMs: Date.now() - 3_590_000 });
    expect(read).toMatchObject({ received: 7, quarantined: 1, isComplete: false });
    expect(readBatch(store, read.batch).cursor).toBe("7");
  });

  it("goes on behind what an earlier attempt has been through, of which all was left out", async () => {
    const store = new MemoryObjectStore();
    const gone: SourceReader = {
      read: (_source, cursor) => ({ items: failing(), cursor: async () => cursor ?? "0" }),
    };
    const heartbeatDetails = { cursor: "7", received: 0, quarantined: 0, chunks: noChunks() };
    const ingest = () => datasetActivities(store, gone).ingest(anIngest());
    const read = await inActivity(ingest, { heartbeatDetails, scheduledTimestampMs: Date.now() - 3_590_000 });
    expect(read).toMatchObject({ received: 0, isComplete: false });
    expect(readBatch(store, read.batch).cursor).toBe("7");
  });
});

async function* untilAborted(signal: AbortSignal): AsyncGenerator<SourceItem[]> {
  await new Promise((_, reject) => signal.addEventListener("abort", reject));
  yield [];
}

async function* failing(): AsyncGenerator<SourceItem[]> {
  yield await Promise.reject(new Error("connection refused"));
}
