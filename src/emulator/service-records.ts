/** What the emulator remembers of services. The schemas hold for the files below the state directory. */
import { z } from "zod";
import { serviceApplySchema, serviceStates, serviceVersionStates } from "../anyscale/services-wire.ts";
import { processSchema } from "./processes.ts";

const replicaSchema = z.object({
  /** Unique; marks its processes. */
  id: z.string(),
  /** Name of the application, unique in its version. */
  application: z.string(),
  state: z.enum(["STARTING", "RUNNING", "UNHEALTHY"]),
  /** Why it is not healthy; null when it is. */
  message: z.string().nullable(),
  /** Null until the process exists. */
  process: processSchema.nullable(),
  /** Where the process listens on loopback; null until it does. */
  port: z.number().nullable(),
});
export type ReplicaRecord = z.infer<typeof replicaSchema>;

const versionSchema = z.object({
  /** `srvver_...`; an in-place update keeps it. */
  id: z.string(),
  /** Counts the in-place updates: with the id it tells one set of processes from the next. */
  generation: z.number(),
  productionJobId: z.string(),
  /** Its name. */
  version: z.string(),
  createdAt: z.string(),
  /** As sent when it was first applied. */
  request: serviceApplySchema,
  state: z.enum(serviceVersionStates),
  /** Why it is not healthy; null when it is. */
  message: z.string().nullable(),
  /** Share of the requests that it has, and the one that it is to have, in percent. */
  weight: z.number(),
  target: z.number(),
  /** One process per application, in the order of the request. */
  replicas: z.array(replicaSchema),
});
export type VersionRecord = z.infer<typeof versionSchema>;

const eventSchema = z.object({
  id: z.string(),
  at: z.string(),
  /** As the API names it, `ROLLOUT_INITIATED` for example. */
  type: z.string(),
  state: z.enum(serviceStates),
  level: z.enum(["INFO", "WARNING", "ERROR"]),
  message: z.string(),
  versionId: z.string().nullable(),
  version: z.string().nullable(),
});
export type ServiceEvent = z.infer<typeof eventSchema>;

export const serviceSchema = z.object({
  id: z.string(),
  name: z.string(),
  projectId: z.string(),
  createdAt: z.string(),
  /** When an apply last brought something new. */
  deployedAt: z.string(),
  endedAt: z.string().nullable(),
  archivedAt: z.string().nullable(),
  goal: z.enum(["RUNNING", "TERMINATED"]),
  description: z.string().nullable(),
  /** Last part of its URL; the same for ever. */
  slug: z.string(),
  token: z.string(),
  /** Valid beside the first one, for a rotation. */
  secondaryToken: z.string().nullable(),
  useBearerToken: z.boolean(),
  primary: versionSchema,
  /** The version that a rollout brings; null without one. */
  canary: versionSchema.nullable(),
  /** Versions beside the primary one when there are several for good; they have no canary. */
  others: z.array(versionSchema),
  isMultiVersion: z.boolean(),
  /** What an in-place update puts in the primary version's place once it runs. */
  update: versionSchema.nullable(),
  /** Versions that serve no more and whose processes are about to end. */
  ending: z.array(versionSchema),
  /** Versions that ended, the newest first. */
  past: z.array(versionSchema),
  rollout: z.object({
    /** Whether weights move by themselves to 100 %. */
    automatic: z.boolean(),
    /** Whether the rollout ends when the canary has all requests. */
    autoComplete: z.boolean(),
    goingBack: z.boolean(),
    /** Whether a fault holds the weights where they are. */
    stuck: z.boolean(),
    /** When an automatic rollout last moved weights; null before the first time. */
    movedAt: z.string().nullable(),
  }),
  /** Why the last automatic rollout was rolled back; null when it was not. */
  error: z.string().nullable(),
  /** The newest first. */
  events: z.array(eventSchema),
});
export type ServiceRecord = z.infer<typeof serviceSchema>;

/** Where a service stands, in the API's word. */
export type ServiceState = (typeof serviceStates)[number];

/** The versions that requests can reach, the primary one first. */
export function versionsOf(service: ServiceRecord): VersionRecord[] {
  return [service.primary, ...(service.canary === null ? [] : [service.canary]), ...service.others];
}

/** Versions with processes, or whose processes are to be started or ended. */
export function versionsWithProcesses(service: ServiceRecord): VersionRecord[] {
  return [...versionsOf(service), ...(service.update === null ? [] : [service.update]), ...service.ending];
}

/** Where a service stands: the rollout or update, if there is one, else its versions. */
export function serviceState(service: ServiceRecord): ServiceState {
  const { canary, goal, endedAt, isMultiVersion, primary, rollout, update } = service;
  if (goal === "TERMINATED") return endedAt === null ? "TERMINATING" : "TERMINATED";
  if (rollout.goingBack) return "ROLLING_BACK";
  if (update !== null) return update.state === "UNHEALTHY" ? "UNHEALTHY" : "UPDATING";
  const versions = isMultiVersion ? versionsOf(service) : [primary];
  if (versions.some(({ state }) => state === "UNHEALTHY")) return "UNHEALTHY";
  if (versions.every(({ state }) => state !== "RUNNING")) return "STARTING";
  if (versions.some(({ state, target, weight }) => isMultiVersion && (state !== "RUNNING" || target !== weight))) {
    return "UPDATING";
  }
  return canary === null ? "RUNNING" : "ROLLING_OUT";
}
