/**
 * What the looks at a rollout have seen, in the bucket: the newest of them beside what the gates know of all, in one document
 * that each look rewrites, and before them parts of a hundred that never change. So a look reads and writes the same however
 * many came before it.
 */
import { PreconditionFailed, TypedFailure } from "../src/domain/failures.ts";
import { noGateEvidence, withLook, type GateRules } from "../src/domain/gates.ts";
import { looksSchema, type Looks } from "../src/domain/looks-schema.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import { observationSchema, type Observation } from "../src/domain/rollout-schema.ts";
import type { ObjectStore } from "../src/ports.ts";
import { parseLine, readDocument } from "./documents.ts";

/** Looks of a part. */
const looksOfPart = 100;
/** Parts that are kept in memory for gates that see more than the newest looks: some megabytes. */
const partsInMemory = 50;

/** A rollout as its looks are kept. */
export interface LookedAt {
  pipeline: string;
  model: string;
  runId: string;
}

/** The record as it was read; null as its ETag before the first look. */
export interface LookRecord {
  looks: Looks;
  etag: string | null;
}

/** Reads the record; an empty one before the first look. Throws InvalidData on one of another shape. */
export async function readLooks(store: ObjectStore, { pipeline, model, runId }: LookedAt): Promise<LookRecord> {
  const kept = await readDocument(store, objectKeys.looks(pipeline, model, runId), looksSchema);
  if (kept !== null) return { looks: kept.value, etag: kept.etag };
  return { looks: { format: 1, counts: [], parts: 0, evidence: noGateEvidence(), newest: [] }, etag: null };
}

/**
 * Adds a look to the record that was read, and returns it. Throws Conflict, having added nothing, where another look, such as one
 * that an order has cancelled too late, was added meanwhile.
 *
 * @param wait which of the rollout's waits it belongs to, from 0
 */
export async function addLook(
  store: ObjectStore,
  rollout: LookedAt,
  { looks, etag }: LookRecord,
  look: { observation: Observation; wait: number; rules: GateRules },
): Promise<Looks> {
  const { pipeline, model, runId } = rollout;
  const isFull = looks.newest.length >= looksOfPart;
  if (isFull) await writePart(store, objectKeys.looksPart(pipeline, model, runId, looks.parts + 1), looks.newest);
  const counts = Array.from({ length: Math.max(looks.counts.length, look.wait + 1) }, (_, wait) => {
    return (looks.counts[wait] ?? 0) + Number(wait === look.wait);
  });
  const next: Looks = {
    format: 1,
    counts,
    parts: looks.parts + Number(isFull),
    evidence: withLook(looks.evidence, look.observation, look.rules),
    newest: [...(isFull ? [] : looks.newest), look.observation],
  };
  await store.put(objectKeys.looks(pipeline, model, runId), JSON.stringify(next), {
    contentType: "application/json",
    condition: etag === null ? { ifNoneMatch: "*" } : { ifMatch: etag },
  });
  return next;
}

/** A part is there already where the worker was lost right after it: then it is the same. */
async function writePart(store: ObjectStore, key: string, observations: readonly Observation[]): Promise<void> {
  const lines = observations.map((observation) => `${JSON.stringify(observation)}\n`);
  try {
    await store.put(key, lines.join(""), { contentType: "application/jsonl", condition: { ifNoneMatch: "*" } });
  } catch (error) {
    if (!(error instanceof PreconditionFailed)) throw error;
  }
}

/** Reads looks beyond the newest; full parts only once as long as they fit in memory. */
export class LookReader {
  readonly #store: ObjectStore;
  readonly #parts = new Map<string, Observation[]>();

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  /** The newest looks of a record, at most so many, oldest first. Throws NotFound where a part is gone. */
  async newest({ pipeline, model, runId }: LookedAt, { parts, newest }: Looks, most: number): Promise<Observation[]> {
    let seen = newest;
    for (let part = parts; part > 0 && seen.length < most; part--) {
      seen = [...(await this.#part(objectKeys.looksPart(pipeline, model, runId, part))), ...seen];
    }
    return seen.slice(-most);
  }

  async #part(key: string): Promise<Observation[]> {
    const part = this.#parts.get(key) ?? (await readPart(this.#store, key));
    // Put back as the one that was used last.
    this.#parts.delete(key);
    this.#parts.set(key, part);
    for (const oldest of this.#parts.keys()) {
      if (this.#parts.size <= partsInMemory) break;
      this.#parts.delete(oldest);
    }
    return part;
  }
}

async function readPart(store: ObjectStore, key: string): Promise<Observation[]> {
  const object = await store.get(key);
  if (object === null) throw new TypedFailure("NotFound", `${store.uri(key)}: no such object`);
  const lines = object.body.toString("utf8").trimEnd().split("\n");
  return lines.map((line, index) => parseLine(observationSchema, line, { key, number: index + 1 }));
}
