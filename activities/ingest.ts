import { createHash } from "node:crypto";
import { activityInfo, cancellationSignal, heartbeat } from "@temporalio/activity";
import { z } from "zod";
import type { Batch } from "../src/domain/batch-schema.ts";
import { TypedFailure } from "../src/domain/failures.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import type { IngestSourceInput } from "../src/domain/workflow-input-schema.ts";
import type { Ports } from "../src/ports.ts";
import { ChunkWriter, contentName } from "./chunk-writer.ts";
import { writeDocument } from "./documents.ts";
import type { IngestResult } from "./interfaces.ts";
import { allChunks, keptChunksSchema, noChunks, withChunk } from "./kept-chunks.ts";

type IngestPorts = Pick<Ports, "store" | "sources" | "authorKey">;

/** What a source may bring, in bytes and milliseconds, to count as small. */
const smallBytes = 1024 * 1024;
const smallMs = 2000;
/** What a lost worker may cost of a source that brings little at a time, in milliseconds. */
const flushMs = 60_000;
/** The longest cursor, in characters: it goes through heartbeats, histories and manifests. */
const longestCursor = 65_536;

/** Where a crashed ingest goes on: everything up to `cursor` lies in `chunks`. */
const progressSchema = z.object({
  cursor: z.string().nullable(),
  received: z.int(),
  quarantined: z.int(),
  chunks: keptChunksSchema,
});
type Progress = z.infer<typeof progressSchema>;

/**
 * Reads a source to its end. Items are packed on other threads while they come, and while a chunk is written the next one
 * is read: this thread only parses. Heartbeats carry the progress, from which the next attempt goes on. The cursor moves
 * on behind what was read, also when the source's mapping left all of it out.
 */
export async function ingest(ports: IngestPorts, request: IngestSourceInput): Promise<IngestResult> {
  const resumed = progressSchema.safeParse(activityInfo().heartbeatDetails);
  const progress: Progress = resumed.success ? resumed.data : nothingRead(request);
  const signal = cancellationSignal();
  const reading = ports.sources[request.source.kind].read(request.source, progress.cursor, signal);
  let chunk = openChunk(ports, request);
  let writing = Promise.resolve();
  let unsaved = false;
  let savedMs = Date.now();

  const flush = async (): Promise<void> => {
    const [full, cursor] = [chunk, await reading.cursor()];
    chunk = openChunk(ports, request);
    unsaved = false;
    savedMs = Date.now();
    await writing;
    signal.throwIfAborted();
    writing = write(ports, request, progress, full, cursor).then(() => heartbeat(progress));
    // Awaited before the next one; this only keeps an early failure from being called unhandled.
    writing.catch(() => {});
  };

  // A source may be slow, or wait for its servers: a chunk can take longer than a lost worker may go unnoticed.
  const beat = setInterval(() => heartbeat(progress), 1000);
  try {
    for await (const items of reading.items) {
      for (const item of items) chunk.add(item);
      unsaved = true;
      await chunk.caughtUp();
      if (chunk.isFull || Date.now() - savedMs > flushMs) await flush();
    }
    if (unsaved) await flush();
    await writing;
  } catch (error) {
    // The next attempt goes on behind what has come so far.
    if (unsaved && !signal.aborted) await flush();
    await writing;
    throw error;
  } finally {
    clearInterval(beat);
  }
  return finish(ports, request, progress);
}

/** Reads a source that brings little; null, and nothing written, when it brings more or takes longer. */
export async function ingestSmall(ports: IngestPorts, request: IngestSourceInput): Promise<IngestResult | null> {
  const progress = nothingRead(request);
  const deadlineMs = Date.now() + smallMs;
  const reading = ports.sources[request.source.kind].read(request.source, progress.cursor, cancellationSignal());
  const chunk = openChunk(ports, request);
  let unsaved = false;
  for await (const items of reading.items) {
    for (const item of items) chunk.add(item);
    unsaved = true;
    if (chunk.bytes > smallBytes || Date.now() > deadlineMs) return null;
  }
  if (unsaved) await write(ports, request, progress, chunk, await reading.cursor());
  return finish(ports, request, progress);
}

function nothingRead({ cursor }: IngestSourceInput): Progress {
  return { cursor, received: 0, quarantined: 0, chunks: noChunks() };
}

function openChunk({ authorKey }: IngestPorts, { dataset, source, split }: IngestSourceInput): ChunkWriter {
  return new ChunkWriter({ dataset, source: source.id, split, authorKey });
}

async function write(
  { store }: IngestPorts,
  { source }: IngestSourceInput,
  progress: Progress,
  chunk: ChunkWriter,
  cursor: string,
): Promise<void> {
  if (cursor.length > longestCursor) {
    const message = `its cursor has ${cursor.length} characters, ${longestCursor} are the most`;
    throw new TypedFailure("InvalidData", `source ${source.id}: ${message}`);
  }
  if (chunk.received > 0) {
    const batch = batchName(source.id);
    const written = await chunk.write(store, `${batch}-${String(progress.chunks.count).padStart(4, "0")}`);
    progress.chunks = await withChunk(store, { source: source.id, batch }, progress.chunks, written);
    progress.received += chunk.received;
    progress.quarantined += chunk.quarantined;
  }
  progress.cursor = cursor;
}

async function finish(
  { store }: IngestPorts,
  { dataset, source, split }: IngestSourceInput,
  progress: Progress,
): Promise<IngestResult> {
  cancellationSignal().throwIfAborted();
  const chunks = await allChunks(store, progress.chunks);
  const batch: Batch = { format: 1, dataset, source: source.id, split, ...progress, chunks };
  const key = objectKeys.batch(source.id, `${batchName(source.id)}-${contentName(JSON.stringify(batch))}`);
  await writeDocument(store, key, batch);
  return { source: source.id, batch: key, received: batch.received, quarantined: batch.quarantined, isComplete: true };
}

/**
 * Unique to this run of the workflow and equal in all attempts, of which one that was given up may still be running:
 * what is named by it is also named by its content, so that none writes over what another has written.
 */
function batchName(source: string): string {
  const { workflowExecution } = activityInfo();
  const run = `${workflowExecution?.workflowId}\n${workflowExecution?.runId}\n${source}`;
  return createHash("sha256").update(run).digest("hex").slice(0, 16);
}
