/** Jobs and services on rented machines, as what we need of them. Nothing here knows a vendor; every method makes one attempt. */
import type { ComputeShape, ImageSource } from "./domain/compute-schema.ts";
import type { JobState } from "./domain/job-schema.ts";

/** What code runs in, and on what. */
export interface RunsIn {
  /** Local directory, uploaded content-addressed; or a URI, passed on. Null for none. */
  workingDirectory: string | null;
  /** Null for the default of the compute. */
  image: ImageSource | null;
  /** Python requirements to install before, a line of `requirements.txt` each. */
  requirements: string[];
  envVars: Record<string, string>;
}

/** Where a job or a service is put. */
export interface Placed {
  /** Name of a compute config, or the machines themselves; null for the account's default. */
  compute: string | ComputeShape | null;
  /** Name of a cloud, null for the account's default. */
  cloud: string | null;
  tags: Record<string, string>;
}

/** A job to run once, whatever happens to the caller. */
export interface JobRequest extends RunsIn, Placed {
  /** Deterministic: a job of this name and this entrypoint is the same intent. */
  name: string;
  entrypoint: string;
  /** Attempts = maxRetries + 1. */
  maxRetries: number;
  /** Of each attempt. */
  timeoutSeconds: number;
}

/** A job as its service reports it. */
export interface JobStatus {
  id: string;
  name: string;
  entrypoint: string;
  state: JobState;
  /** The service's own word for the state. */
  providerState: string;
  createdAt: string;
  /** What the service says went wrong; null when nothing did. */
  error: string | null;
  /** Page of the job for people; null when there is none. */
  url: string | null;
}

/** A version of a service to bring up, or to move the weight of. */
export interface ServiceRequest extends RunsIn, Placed {
  /** The service; its URL and token stay the same over versions. */
  name: string;
  /** Version name; applying an equal one again only moves its weight. */
  version: string;
  importPath: string;
  /** JSON. */
  args: Record<string, unknown>;
  /**
   * Share of requests the new version gets beside the primary one, 0..100; null lets the provider move all of them by steps of
   * its own. Ignored by a service without a version.
   */
  canaryPercent: number | null;
  /** Whether reaching 100 ends the rollout and takes the old version down. */
  completeRollout: boolean;
}

/** One version of a service as observed, not as asked for. */
export interface ServiceVersionStatus {
  version: string;
  state: "starting" | "running" | "updating" | "unhealthy" | "failed" | "terminating" | "terminated" | "unknown";
  /** Observed share of requests, 0..100. */
  weightPercent: number;
}

/** A service as observed. */
export interface ServiceStatus {
  id: string;
  name: string;
  state:
    | "starting"
    | "running"
    | "updating"
    | "rolling-out"
    | "rolling-back"
    | "unhealthy"
    | "failed"
    | "terminating"
    | "terminated"
    | "unknown";
  /** Serves all traffic outside of a rollout. Null for a terminated service. */
  primary: ServiceVersionStatus | null;
  canary: ServiceVersionStatus | null;
  /** Base URL of queries; null until known. */
  url: string | null;
  /** Bearer token of queries; null when none is needed. Never leaves activities. */
  token: string | null;
  error: string | null;
}

/** Jobs and services on rented machines. */
export interface Compute {
  /** Jobs of exactly this name, the newest first; empty when there are none. */
  findJobs(name: string): Promise<JobStatus[]>;
  submitJob(request: JobRequest): Promise<JobStatus>;
  /** Throws `NotFound` when the service does not know the job. */
  getJob(id: string): Promise<JobStatus>;
  /** What the job has cost so far, in US dollars; null as long as that is not counted. Throws `NotFound`. */
  jobCostUsd(id: string): Promise<number | null>;
  /** Asks for the end of the job; a job that has ended or is unknown counts as done. */
  terminateJob(id: string): Promise<void>;
  /** Creates the service or changes it; answers what is observed right after. */
  applyService(request: ServiceRequest): Promise<ServiceStatus>;
  /** Null when there is no service of this name. */
  getService(name: string): Promise<ServiceStatus | null>;
  /** Takes the canary's weight to 0 and ends it; nothing to do when there is no rollout. */
  rollBackService(name: string): Promise<void>;
  /** Ends the service; nothing to do when it is gone. */
  terminateService(name: string): Promise<void>;
}
