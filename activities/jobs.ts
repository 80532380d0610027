import { cancellationSignal } from "@temporalio/activity";
import { TypedFailure } from "../src/domain/failures.ts";
import { datasetVersionId } from "../src/domain/ids.ts";
import { isTerminal } from "../src/domain/job.ts";
import type { JobSpec } from "../src/domain/job-schema.ts";
import { modelManifestSchema } from "../src/domain/model-version-schema.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import type { Compute, JobStatus } from "../src/compute-port.ts";
import type { ObjectStore, Ports } from "../src/ports.ts";
import { claimModel, noteCost, readClaim } from "./claims.ts";
import { readDocument, writeDocument } from "./documents.ts";
import type { JobActivities, TrainingJob, TrainingRequest } from "./interfaces.ts";
import { stillWaiting } from "./waiting.ts";

type JobPorts = Pick<Ports, "store" | "compute" | "recipes">;

export function createJobActivities(ports: JobPorts): JobActivities {
  const { store, compute, recipes } = ports;

  return {
    async submitTraining(request) {
      await assertDatasetExists(store, request);
      const { compute: shape, ...rendered } = await recipes.renderJob(request.recipe, specUri(ports, request));
      const { entrypoint } = await claimModel(store, request, rendered.entrypoint);
      const [known] = await findOwnJobs(compute, request.jobName, entrypoint);
      if (known) return toTrainingJob(known);
      await writeDocument(store, objectKeys.jobSpec(request.pipeline, request.model), jobSpec(ports, request));
      // Cancelled meanwhile, or taken for lost and tried again: whoever comes after looks for the job and pays for it.
      cancellationSignal().throwIfAborted();
      const job = await compute.submitJob({
        ...rendered,
        name: request.jobName,
        entrypoint,
        maxRetries: request.compute.maxRetries,
        timeoutSeconds: request.compute.timeoutSeconds,
        compute: request.compute.config ?? shape,
        cloud: request.compute.cloud,
        tags: { tuneloop: request.pipeline, model: request.model },
      });
      return toTrainingJob(job);
    },

    async awaitJob({ jobId, known }) {
      const job = await compute.getJob(jobId);
      if (job.state === known || job.state === "unknown") throw stillWaiting(`job ${jobId}, ${job.providerState}`);
      return toTrainingJob(job);
    },

    async terminateTraining(request) {
      const claim = await readClaim(store, request);
      if (claim?.jobName !== request.jobName) return { terminated: 0 };
      const entrypoint =
        claim.entrypoint ?? (await recipes.renderJob(request.recipe, specUri(ports, request))).entrypoint;
      const alive = (await findOwnJobs(compute, request.jobName, entrypoint)).filter(({ state }) => !isTerminal(state));
      for (const { id } of alive) await compute.terminateJob(id);
      return { terminated: alive.length };
    },

    readCost: (request) => readCost(ports, request),

    async readModel({ pipeline, model }) {
      const key = objectKeys.modelManifest(pipeline, model);
      const manifest = (await readDocument(store, key, modelManifestSchema))?.value;
      if (!manifest) throw new TypedFailure("JobFailed", `the job ended well but left no ${store.uri(key)}`);
      if (manifest.version !== model) {
        throw new TypedFailure("InvalidData", `${key}: describes ${manifest.version}, not ${model}`);
      }
      const { trainedRecords, trainSeconds, checkpoints } = manifest;
      return { trainedRecords, trainSeconds, checkpoints: checkpoints.map(({ name }) => name) };
    },
  };
}

/** Jobs of one intent, newest first: of this name, and training from this very spec. */
async function findOwnJobs(compute: Compute, jobName: string, entrypoint: string): Promise<JobStatus[]> {
  return (await compute.findJobs(jobName)).filter((job) => job.entrypoint === entrypoint);
}

async function readCost(
  { store, compute }: JobPorts,
  request: { pipeline: string; model: string },
): Promise<{ costUsd: number | null }> {
  const claim = await readClaim(store, request);
  if (claim?.entrypoint === undefined) return { costUsd: null };
  const jobs = await findOwnJobs(compute, claim.jobName, claim.entrypoint);
  const costs: number[] = [];
  for (const { id } of jobs) {
    const costUsd = await compute.jobCostUsd(id);
    // Part of a cost would look like all of it.
    if (costUsd === null) return { costUsd };
    costs.push(costUsd);
  }
  if (costs.length === 0) return { costUsd: null };
  const costUsd = costs.reduce((sum, cost) => sum + cost, 0);
  await noteCost(store, request, claim, costUsd);
  return { costUsd };
}

/** Found out here and not by the job, which would be paid for. */
async function assertDatasetExists(store: ObjectStore, { pipeline, datasetVersion }: TrainingRequest): Promise<void> {
  const key = objectKeys.version(pipeline, datasetVersion);
  if ((await store.get(key)) !== null) return;
  const version = datasetVersionId(pipeline, datasetVersion);
  throw new TypedFailure("InvalidInput", `datasetVersion: ${version} does not exist: ${store.uri(key)}`);
}

function specUri({ store }: JobPorts, { pipeline, model }: TrainingRequest): string {
  return store.uri(objectKeys.jobSpec(pipeline, model));
}

function jobSpec({ store }: JobPorts, request: TrainingRequest): JobSpec {
  const { pipeline, model, datasetVersion, recipe } = request;
  return {
    format: 1,
    manifest: store.uri(objectKeys.version(pipeline, datasetVersion)),
    output: store.uri(objectKeys.model(pipeline, model)),
    baseModel: recipe.baseModel,
    hyperparameters: recipe.hyperparameters,
  };
}

function toTrainingJob({ id, state, url, error }: JobStatus): TrainingJob {
  return { jobId: id, state, url, error };
}
