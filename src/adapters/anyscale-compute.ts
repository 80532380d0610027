import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { AnyscaleClient } from "../anyscale/client.ts";
import { InvalidRequestError, NotFoundError, WaitTimeoutError } from "../anyscale/errors.ts";
import type { ProductionJob } from "../anyscale/jobs-wire.ts";
import type { Service, ServiceVersion } from "../anyscale/services-wire.ts";
import type { ComputeConfig } from "../anyscale/compute-config.ts";
import type { ComputeShape, NodeShape } from "../domain/compute-schema.ts";
import { TypedFailure } from "../domain/failures.ts";
import type { Compute, JobStatus, Placed, RunsIn, ServiceStatus, ServiceVersionStatus } from "../compute-port.ts";

/** How long a look at the build of an image may take, and how long until the next one. */
const BUILD_LOOK_MS = 5_000;
const BUILD_PAUSE_MS = 15_000;

/**
 * Jobs and services on Anyscale, hosted or emulated: the host of the client decides. Failures are the client's own
 * classes, told apart by `kind`; states that are not known are `unknown`.
 */
export function createAnyscaleCompute(anyscale: AnyscaleClient): Compute {
  const { jobs, services, usage } = anyscale;
  const optionsOf = async (request: RunsIn & Placed) => {
    const { workingDirectory, requirements, envVars, compute, cloud, tags } = request;
    const computeConfig = typeof compute === "object" && compute !== null ? computeConfigOf(compute) : compute;
    const image = await imageOf(anyscale, request);
    return { workingDirectory, requirements, envVars, computeConfig, cloud, tags, ...image };
  };
  return {
    findJobs: async (name) => (await jobs.find(name)).map(jobStatusOf),
    submitJob: async (request) => {
      const { name, entrypoint, maxRetries, timeoutSeconds } = request;
      return jobStatusOf(
        await jobs.submit({ ...(await optionsOf(request)), name, entrypoint, maxRetries, timeoutSeconds }),
      );
    },
    getJob: async (id) => jobStatusOf(await jobs.get(id)),
    jobCostUsd: async (id) => {
      const { created_at: createdAt } = await jobs.get(id);
      return await usage.costOfJob(id, { from: dayOf(new Date(createdAt)), to: dayOf(new Date()) });
    },
    terminateJob: async (id) => {
      await ignoring(NotFoundError, async () => await jobs.terminate(id));
    },
    applyService: async (request) => {
      const { name, version, importPath, args, completeRollout, canaryPercent } = request;
      const service = await services.deploy({
        ...(await optionsOf(request)),
        name,
        version,
        application: { importPath, args },
        canaryPercent,
        autoCompleteRollout: completeRollout,
      });
      return serviceStatusOf(service);
    },
    getService: async (name) => {
      const service = await services.find(name);
      return service === null ? null : serviceStatusOf(service);
    },
    rollBackService: async (name) => {
      const service = await services.find(name);
      if (!service?.canary_version) return;
      // The rollout may end between the look and the order: that is what was wanted.
      await ignoring(
        InvalidRequestError,
        async () => await services.rollback(service.id),
        async () => {
          return !(await services.find(name))?.canary_version;
        },
      );
    },
    terminateService: async (name) => {
      const service = await services.find(name);
      if (service === null || service.current_state === "TERMINATED") return;
      await ignoring(NotFoundError, async () => await services.terminate(service.id));
    },
  };
}

/** A day in UTC, as usage is counted by. */
function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10);
}

/**
 * What to run in. A Containerfile is built once for all jobs and services that have it, under a name which its text gives, and
 * nobody is kept waiting for that: throws StillWaiting until it is built.
 */
async function imageOf(
  { lookups }: AnyscaleClient,
  { image, cloud }: RunsIn & Placed,
): Promise<{ imageUri?: string; buildId?: string }> {
  if (image === null || "imageUri" in image) return image ?? {};
  const path = image.containerfile;
  const text = await readFile(path, "utf8");
  const name = `tuneloop-${createHash("sha256").update(text).digest("hex").slice(0, 16)}`;
  const choice = { from: "containerfile", path, text, rayVersion: null } as const;
  try {
    const build = { buildTimeoutMs: BUILD_LOOK_MS, buildPollMs: BUILD_LOOK_MS };
    return { buildId: await lookups.images.buildId(choice, name, await lookups.cloudId(cloud), build) };
  } catch (error) {
    if (!(error instanceof WaitTimeoutError)) throw error;
    const waiting = `waiting for image ${name} to be built from ${path}`;
    throw new TypedFailure("StillWaiting", waiting, { cause: error, retryAfterMs: BUILD_PAUSE_MS });
  }
}

function computeConfigOf({ head, workers }: ComputeShape): ComputeConfig {
  return {
    headNode: nodeOf(head),
    workerNodes: workers.map(({ name, node, minNodes, maxNodes, market }) => ({
      name,
      ...nodeOf(node),
      minNodes,
      maxNodes,
      marketType: market,
    })),
  };
}

function nodeOf(shape: NodeShape): NonNullable<ComputeConfig["headNode"]> {
  if ("instanceType" in shape) return shape;
  const { cpus, memoryGiB, gpus, accelerator } = shape.resources;
  const counted = { cpu: cpus, gpu: gpus, memoryBytes: Math.ceil(memoryGiB * 2 ** 30) };
  return { requiredResources: { ...counted, ...(accelerator === null ? {} : { accelerator }) } };
}

/** Runs an order and takes one class of refusal for done, if `isDone` agrees. */
async function ignoring(
  refusal: typeof NotFoundError | typeof InvalidRequestError,
  order: () => Promise<unknown>,
  isDone: () => Promise<boolean> = async () => true,
): Promise<void> {
  try {
    await order();
  } catch (error) {
    if (!(error instanceof refusal) || !(await isDone())) throw error;
  }
}

function jobStatusOf(job: ProductionJob): JobStatus {
  return {
    id: job.id,
    name: job.name,
    entrypoint: job.config.entrypoint ?? "",
    state: jobStateOf(job.state.current_state),
    providerState: job.state.current_state,
    createdAt: job.created_at,
    error: job.state.error ?? null,
    url: job.overview_url ?? null,
  };
}

function jobStateOf(state: string): JobStatus["state"] {
  switch (state) {
    case "PENDING":
    case "AWAITING_CLUSTER_START":
      return "queued";
    // An attempt failed, but retries may remain.
    case "ERRORED":
    case "UPDATING":
    case "RUNNING":
    case "RESTARTING":
    case "CLEANING_UP":
      return "running";
    case "SUCCESS":
      return "succeeded";
    case "OUT_OF_RETRIES":
    case "BROKEN":
      return "failed";
    case "TERMINATED":
      return "terminated";
    default:
      return "unknown";
  }
}

function serviceStatusOf(service: Service): ServiceStatus {
  const terminated = service.current_state === "TERMINATED";
  return {
    id: service.id,
    name: service.name,
    state: serviceStateOf(service.current_state),
    primary: service.primary_version && !terminated ? versionStatusOf(service.primary_version) : null,
    canary: service.canary_version && !terminated ? versionStatusOf(service.canary_version) : null,
    url: service.base_url ?? null,
    token: service.auth_token ?? null,
    error: service.error_message ?? null,
  };
}

function serviceStateOf(state: string): ServiceStatus["state"] {
  switch (state) {
    case "ROLLING_OUT":
      return "rolling-out";
    case "ROLLING_BACK":
      return "rolling-back";
    case "USER_ERROR_FAILURE":
      return "failed";
    default:
      return versionStateOf(state);
  }
}

function versionStatusOf(version: ServiceVersion): ServiceVersionStatus {
  return { version: version.version, state: versionStateOf(version.current_state), weightPercent: version.weight };
}

function versionStateOf(state: string): ServiceVersionStatus["state"] {
  switch (state) {
    case "STARTING":
      return "starting";
    case "RUNNING":
      return "running";
    case "UPDATING":
      return "updating";
    case "UNHEALTHY":
      return "unhealthy";
    case "SYSTEM_FAILURE":
      return "failed";
    case "TERMINATING":
      return "terminating";
    case "TERMINATED":
      return "terminated";
    default:
      return "unknown";
  }
}
