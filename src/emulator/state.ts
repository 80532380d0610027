import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { jobCreateSchema, jobStates } from "../anyscale/jobs-wire.ts";
import { serviceApplySchema, serviceVersionStates } from "../anyscale/services-wire.ts";
import { identify, isRunning, processSchema } from "./processes.ts";

const attemptSchema = z.object({
  /** `job_...`, the run's id; its directory has this name. */
  id: z.string(),
  /** `raysubmit_...`, the run's name. */
  runName: z.string(),
  status: z.enum(["PENDING", "RUNNING", "SUCCEEDED", "FAILED", "STOPPED"]),
  createdAt: z.string(),
  finishedAt: z.string().nullable(),
  /** How it ended, `exit code 1` for example; null while it runs, and when it was stopped. */
  outcome: z.string().nullable().default(null),
  /** Null until the process exists. */
  process: processSchema.nullable(),
});
export type AttemptRecord = z.infer<typeof attemptSchema>;

const jobSchema = z.object({
  id: z.string(),
  clusterId: z.string(),
  createdAt: z.string(),
  updatedAt: z.string(),
  /** As sent; echoed. */
  request: jobCreateSchema,
  state: z.enum(jobStates),
  goal: z.enum(["RUNNING", "TERMINATED"]),
  error: z.string().nullable(),
  attempts: z.array(attemptSchema),
});
export type JobRecord = z.infer<typeof jobSchema>;

const versionSchema = z.object({
  id: z.string(),
  productionJobId: z.string(),
  /** Its name. */
  version: z.string(),
  createdAt: z.string(),
  /** As sent when it was first applied. */
  request: serviceApplySchema,
  state: z.enum(serviceVersionStates),
  /** Why it is not healthy; null when it is. */
  message: z.string().nullable(),
  /** Observed share of requests, in percent. */
  weight: z.number(),
  process: processSchema.nullable(),
  /** Where the process listens on loopback; null until it does. */
  port: z.number().nullable(),
});
export type VersionRecord = z.infer<typeof versionSchema>;

const serviceSchema = z.object({
  id: z.string(),
  name: z.string(),
  projectId: z.string(),
  createdAt: z.string(),
  endedAt: z.string().nullable(),
  goal: z.enum(["RUNNING", "TERMINATED"]),
  /** Last part of its URL; the same for ever, as is the token. */
  slug: z.string(),
  token: z.string(),
  useBearerToken: z.boolean(),
  primary: versionSchema,
  canary: versionSchema.nullable(),
  /** Versions that serve no more and whose processes are about to end. */
  ending: z.array(versionSchema),
  /** Where the canary's weight is to go; null percent: all the way, at the emulator's pace. */
  rollout: z.object({ percent: z.number().nullable(), autoComplete: z.boolean(), goingBack: z.boolean() }),
});
export type ServiceRecord = z.infer<typeof serviceSchema>;

const lookupSchema = z.object({ id: z.string(), name: z.string(), config: z.record(z.string(), z.unknown()) });
export type LookupRecord = z.infer<typeof lookupSchema>;

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
      const parsed = schema.safeParse(JSON.parse(readFileSync(join(directory, file), "utf8")));
      if (!parsed.success) throw new Error(`${join(directory, file)}: ${z.prettifyError(parsed.error)}`);
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
}

/** Everything the emulator remembers, below one directory. */
export interface State {
  jobs: Store<JobRecord>;
  services: Store<ServiceRecord>;
  /** Compute configs and images that were named or created. */
  lookups: Store<LookupRecord>;
}

/** Reads the state below a directory, which is created when missing. */
export function loadState(directory: string): State {
  return {
    jobs: new Store(join(directory, "jobs"), jobSchema),
    services: new Store(join(directory, "services"), serviceSchema),
    lookups: new Store(join(directory, "lookups"), lookupSchema),
  };
}

/**
 * Makes this process the only emulator on a state directory; answers how to let go. Throws when another one runs there.
 */
export function lockState(directory: string): () => void {
  mkdirSync(directory, { recursive: true });
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
