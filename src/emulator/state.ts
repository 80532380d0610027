import {
  accessSync,
  constants,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { identify, isRunning, processSchema } from "./processes.ts";
import { computeConfigSchema, imageSchema, jobSchema, queueSchema, tagsSchema } from "./records.ts";
import type { ComputeConfigRecord, ImageRecord, JobRecord, QueueRecord, TagsRecord } from "./records.ts";
import { type ServiceRecord, serviceSchema } from "./service-records.ts";

/**
 * Records of one kind: in memory, and as one JSON file each. A file is replaced by rename, so it is whole after a kill -9
 * at any time. There is no fsync: a power cut may lose the last writes, which a local emulator can afford.
 */
export class Store<T extends { id: string }> {
  readonly #directory: string;
  readonly #records = new Map<string, T>();

  /** Reads what is there. Throws with the file's name when one is not a record of this kind. */
  constructor(directory: string, schema: z.ZodType<T>) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true });
    for (const file of readdirSync(directory)) {
      if (!file.endsWith(".json")) continue;
      const parsed = schema.safeParse(readJson(join(directory, file)));
      if (!parsed.success) throw unreadable(join(directory, file), z.prettifyError(parsed.error));
      this.#records.set(parsed.data.id, parsed.data);
    }
  }

  /** All records, the oldest first where they carry a time. */
  all(): T[] {
    return [...this.#records.values()];
  }

  get(id: string): T | undefined {
    return this.#records.get(id);
  }

  /** Makes the record's present content durable; done when it returns. */
  save(record: T): void {
    this.#records.set(record.id, record);
    const path = join(this.#directory, `${record.id}.json`);
    writeFileSync(`${path}.tmp`, JSON.stringify(record), { mode: 0o600 });
    renameSync(`${path}.tmp`, path);
  }

  /** Forgets a record. */
  remove(id: string): void {
    this.#records.delete(id);
    rmSync(join(this.#directory, `${id}.json`), { force: true });
  }
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw unreadable(path, String(error));
  }
}

function unreadable(path: string, why: string): Error {
  return new Error(`${path} cannot be read; remove it, and the emulator forgets what it holds. ${why}`);
}

/** Everything the emulator remembers, below one directory. */
export interface State {
  jobs: Store<JobRecord>;
  services: Store<ServiceRecord>;
  queues: Store<QueueRecord>;
  computeConfigs: Store<ComputeConfigRecord>;
  images: Store<ImageRecord>;
  /** Of jobs, services and queues, by their id. */
  tags: Store<TagsRecord>;
}

/** Reads the state below a directory, which is created when missing. */
export function loadState(directory: string): State {
  return {
    jobs: new Store(join(directory, "jobs"), jobSchema),
    services: new Store(join(directory, "services"), serviceSchema),
    queues: new Store(join(directory, "queues"), queueSchema),
    computeConfigs: new Store(join(directory, "compute-configs"), computeConfigSchema),
    images: new Store(join(directory, "images"), imageSchema),
    tags: new Store(join(directory, "tags"), tagsSchema),
  };
}

/**
 * Makes this process the only emulator on a state directory; answers how to let go. Throws when another one runs there.
 */
export function lockState(directory: string): () => void {
  try {
    // Uploads and logs below it may hold secrets.
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    accessSync(directory, constants.W_OK);
  } catch (cause) {
    throw new Error(`${directory} cannot be the state directory: ${String(cause)}`, { cause });
  }
  const path = join(directory, "emulator.json");
  const holder = readLock(path);
  if (holder !== null && isRunning(holder)) {
    throw new Error(`${directory} is in use by the emulator with process id ${holder.pid}; stop it or name another`);
  }
  rmSync(path, { force: true });
  writeFileSync(path, JSON.stringify(identify(process.pid)), { flag: "wx" });
  return () => rmSync(path, { force: true });
}

function readLock(path: string) {
  try {
    return processSchema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return null;
  }
}
