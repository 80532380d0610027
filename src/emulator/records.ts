/** What the emulator remembers of jobs and of what they name. The schemas hold for the files below the state directory. */
import { z } from "zod";
import { jobCreateSchema, jobStates } from "../anyscale/jobs-wire.ts";
import { processSchema } from "./processes.ts";

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

export const jobSchema = z.object({
  id: z.string(),
  clusterId: z.string(),
  createdAt: z.string(),
  /** Tells jobs that were created in the same millisecond apart: later ones have more. */
  sequence: z.number().default(0),
  updatedAt: z.string(),
  /** As sent, and echoed; what the request left out and has a default is filled in. */
  request: jobCreateSchema,
  state: z.enum(jobStates),
  goal: z.enum(["RUNNING", "TERMINATED"]),
  error: z.string().nullable(),
  attempts: z.array(attemptSchema),
  archivedAt: z.string().nullable().default(null),
  /** The queue it goes through; null for none. */
  queueId: z.string().nullable().default(null),
  /** Place in a PRIORITY queue: 0 goes first, null last. */
  queuePriority: z.number().nullable().default(null),
});
export type JobRecord = z.infer<typeof jobSchema>;

/** Orders in which a queue lets its jobs start. */
export const queueModes = ["FIFO", "LIFO", "PRIORITY"] as const;

export const queueSchema = z.object({
  id: z.string(),
  /** Null: it was made for one job and can be named by its id only. */
  name: z.string().nullable(),
  projectId: z.string(),
  clusterId: z.string(),
  createdAt: z.string(),
  mode: z.enum(queueModes),
  /** How many of its jobs run at once. */
  maxConcurrency: z.number(),
  idleTimeoutSeconds: z.number(),
  computeConfigId: z.string(),
  buildId: z.string(),
  /** When it was archived: jobs that it has still run, new ones are refused. */
  sealedAt: z.string().nullable(),
});
export type QueueRecord = z.infer<typeof queueSchema>;

export const computeConfigSchema = z.object({
  id: z.string(),
  /** Null for an anonymous one, which came with a single job or service. */
  name: z.string().nullable(),
  version: z.number(),
  createdAt: z.string(),
  archivedAt: z.string().nullable(),
  config: z.record(z.string(), z.unknown()),
});
export type ComputeConfigRecord = z.infer<typeof computeConfigSchema>;

const buildSchema = z.object({
  id: z.string(),
  revision: z.number(),
  createdAt: z.string(),
  /** Null for one made from a containerfile. */
  imageUri: z.string().nullable(),
  containerfile: z.string().nullable(),
  rayVersion: z.string(),
});
export type BuildRecord = z.infer<typeof buildSchema>;

export const imageSchema = z.object({
  id: z.string(),
  name: z.string(),
  anonymous: z.boolean(),
  createdAt: z.string(),
  /** The oldest first; the revision is the place, from 1 on. */
  builds: z.array(buildSchema),
});
export type ImageRecord = z.infer<typeof imageSchema>;

/** What can be tagged. */
export const taggedTypes = ["job", "service", "job_queue"] as const;

export const tagsSchema = z.object({
  /** Of the job, service or queue. */
  id: z.string(),
  type: z.enum(taggedTypes),
  tags: z.array(
    z.object({ id: z.string(), key: z.string(), value: z.string(), createdAt: z.string(), updatedAt: z.string() }),
  ),
});
export type TagsRecord = z.infer<typeof tagsSchema>;
