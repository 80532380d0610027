/**
 * How fast and in how much memory two sources become a dataset version, beside DuckDB on the same data, in turns.
 *
 * Tuneloop: one worker and the local S3 server, both on this machine, with default settings. A run is the workflow
 * `updateDataset` from its start to its end: it reads `.jsonl.gz` objects from two S3 prefixes, checks every record's
 * format, keeps what came under `raw/`, splits the records, drops exact duplicates and commits parts (`.jsonl.gz`), ids
 * and manifest to S3, each step durable.
 *
 * DuckDB: one process, in memory, on two threads, otherwise with default settings. It reads the same objects from local
 * files, which spares it the S3 protocol that Tuneloop pays twice, infers the types, makes the rows distinct and writes one
 * `.jsonl.gz` to a local file. Nothing is kept of what came, and nothing is split.
 *
 * Two cores for both: where there are more, run it by `taskset -c 0,1`.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { S3ObjectStore } from "../../src/adapters/s3-object-store.ts";
import { taskQueues } from "../../workflows/names.ts";
import { distinctRecords, objectRecords, packedObject, records } from "./records.ts";
import { root, withWorker, type Surroundings } from "./surroundings.ts";

export interface ThroughputFigures {
  /** Of 1,000,000 received from two sources to a committed version; the best of the runs. */
  recordsPerSecond: number;
  /** That over DuckDB's records per second; the best of its runs as well. */
  duckdbRatio: number;
  /** Most memory that a worker has taken which did nothing but a run of 100,000 records. */
  rssMb100k: number;
  rssMb1M: number;
  /** To a version with 1,000 records more than one of 1,000,000. */
  addSeconds: number;
}

const sources = ["reviews", "comments"];
/** Objects of each source: 1,000,000 records of both together, and 100,000. */
const large = { name: "large", objects: 10 };
const small = { name: "small", objects: 1 };
const addedRecords = 1_000;
const rounds = 3;

export async function throughput(at: Surroundings): Promise<ThroughputFigures> {
  await at.store.put("bench/added/0.jsonl", records(distinctRecords(2 * large.objects), addedRecords));
  for (const size of [small, large]) await writeObjects(at, size);
  const few = await run(at, "few", small);
  const ours: Run[] = [];
  const theirs: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    ours.push(await run(at, `round-${round}`, large));
    theirs.push(await duckdb(at, large));
    at.report(`round ${round}: ${ours.at(-1)?.seconds.toFixed(1)} s, DuckDB ${theirs.at(-1)?.toFixed(1)} s`);
  }
  const [seconds, duckdbSeconds] = [Math.min(...ours.map((each) => each.seconds)), Math.min(...theirs)];
  return {
    recordsPerSecond: Math.round(received(large) / seconds),
    duckdbRatio: Number((duckdbSeconds / seconds).toFixed(2)),
    rssMb100k: few.rssMb,
    rssMb1M: Math.max(...ours.map(({ rssMb }) => rssMb)),
    addSeconds: Number(Math.min(...ours.map(({ addSeconds }) => addSeconds)).toFixed(2)),
  };
}

interface Run {
  seconds: number;
  rssMb: number;
  addSeconds: number;
}

/** Makes a dataset in a worker of its own, and adds to it. */
function run(at: Surroundings, dataset: string, size: typeof large): Promise<Run> {
  return withWorker(at, async (askRssMb) => {
    const uris = Object.fromEntries(sources.map((source) => [source, `${root}bench/${size.name}/${source}/`]));
    const expected = distinctRecords(2 * size.objects);
    const seconds = await update(at, { dataset, uris, expected });
    const rssMb = await askRssMb();
    const before = await listBytes(at.store);
    const all = { ...uris, added: `${root}bench/added/` };
    const addSeconds = await update(at, { dataset, uris: all, expected: expected + addedRecords });
    const written = (await listBytes(at.store)) - before;
    at.report(
      `${received(size)} records in ${seconds.toFixed(1)} s and ${rssMb} MB; ` +
        `${addedRecords} more in ${addSeconds.toFixed(2)} s and ${Math.round(written / 1024)} KB written`,
    );
    return { seconds, rssMb, addSeconds };
  });
}

/** Seconds of an update. Throws when it brings other records than it has to. */
async function update(
  { client }: Surroundings,
  { dataset, uris, expected }: { dataset: string; uris: Record<string, string>; expected: number },
): Promise<number> {
  const startedMs = performance.now();
  const made = await client.workflow.execute("updateDataset", {
    workflowId: `update/${dataset}/${Object.keys(uris).length}`,
    taskQueue: taskQueues.main,
    args: [{ dataset, sources: Object.entries(uris).map(([id, uri]) => ({ id, kind: "s3-jsonl", uri })) }],
  });
  const seconds = (performance.now() - startedMs) / 1000;
  if (made.records !== expected) throw new Error(`${expected} records expected: ${JSON.stringify(made)}`);
  return seconds;
}

/** Seconds that DuckDB takes for the same. Throws when it finds other records. */
async function duckdb({ directory }: Surroundings, size: typeof large): Promise<number> {
  const [from, to] = [join(directory, size.name, "*", "*.jsonl.gz"), join(directory, "distinct.jsonl.gz")];
  const query = `COPY (SELECT DISTINCT * FROM read_json('${from}')) TO '${to}' (FORMAT json, COMPRESSION gzip)`;
  const child = fork(fileURLToPath(new URL("duckdb.ts", import.meta.url)), [query, to]);
  const [{ seconds, records: found }] = await once(child, "message");
  await once(child, "exit");
  if (found !== distinctRecords(2 * size.objects)) throw new Error(`DuckDB found ${found} records`);
  return seconds;
}

/** The same objects for both: to S3 and to local files. */
async function writeObjects({ store, directory }: Surroundings, { name, objects }: typeof large): Promise<void> {
  for (const [number, source] of sources.entries()) {
    await mkdir(join(directory, name, source), { recursive: true });
    for (let object = 0; object < objects; object++) {
      const body = await packedObject(number * objects + object);
      await writeFile(join(directory, name, source, `${object}.jsonl.gz`), body);
      await store.put(`bench/${name}/${source}/${object}.jsonl.gz`, body);
    }
  }
}

function received({ objects }: typeof large): number {
  return sources.length * objects * objectRecords;
}

async function listBytes(store: S3ObjectStore): Promise<number> {
  let total = 0;
  for await (const { bytes } of store.list("")) total += bytes;
  return total;
}
