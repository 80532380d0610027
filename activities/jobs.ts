import { cancellationSignal } from "@temporalio/activity";
import { TypedFailure } from "../src/domain/failures.ts";
import { isTerminal } from "../src/domain/job.ts";
import type { JobSpec } from "../src/domain/job-schema.ts";
import { modelManifestSchema, trainingClaimSchema } from "../src/domain/model-version-schema.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import type { JobStatus, ObjectStore, Ports } from "../src/ports.ts";
import { readDocument, updateDocument, writeDocument } from "./documents.ts";
import type { JobActivities, TrainingJob, TrainingRequest } from "./interfaces.ts";
import { stillWaiting } from "./waiting.ts";

type JobPorts = Pick<Ports, "store" | "compute" | "recipes">;

export function createJobActivities(ports: JobPorts): JobActivities {
  const { store, compute, recipes } = ports;

  /** Jobs of this intent, newest first: of this name, and training from this very spec. */
  const findOwnJobs = async (request: TrainingRequest): Promise<{ entrypoint: string; jobs: JobStatus[] }> => {
    const { entrypoint } = await recipes.renderJob(request.recipe.name, specUri(ports, request));
    const jobs = await compute.findJobs(request.jobName);
    return { entrypoint, jobs: jobs.filter((job) => job.entrypoint === entrypoint) };
  };

  return {
    async submitTraining(request) {
      await claimModel(store, request);
      const known = (await findOwnJobs(request)).jobs[0];
      if (known) return toTrainingJob(known);
      await writeDocument(store, objectKeys.jobSpec(request.pipeline, request.model), jobSpec(ports, request));
      const { workingDirectory, entrypoint, imageUri } = await recipes.renderJob(
        request.recipe.name,
        specUri(ports, request),
      );
      // Cancelled meanwhile, or taken for lost and tried again: whoever comes after looks for the job and pays for it.
      cancellationSignal().throwIfAborted();
      const job = await compute.submitJob({
        name: request.jobName,
        entrypoint,
        workingDirectory,
        imageUri,
        envVars: {},
        maxRetries: request.compute.maxRetries,
        timeoutSeconds: request.compute.timeoutSeconds,
        computeConfig: request.compute.config,
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
      const { jobs } = await findOwnJobs(request);
      const alive = jobs.filter(({ state }) => !isTerminal(state));
      for (const { id } of alive) await compute.terminateJob(id);
      return { terminated: alive.length };
    },

    async readModel({ pipeline, model }) {
      const key = objectKeys.modelManifest(pipeline, model);
      const manifest = (await readDocument(store, key, modelManifestSchema))?.value;
      if (!manifest) throw new TypedFailure("JobFailed", `the job ended well but left no ${store.uri(key)}`);
      if (manifest.version !== model) {
        throw new TypedFailure("InvalidData", `${key}: describes ${manifest.version}, not ${model}`);
      }
      const { trainedRecords, trainSeconds } = manifest;
      return { trainedRecords, trainSeconds };
    },
  };
}

/**
 * Books the model version for this job name: evaluations and decisions are stored by the version's name, so it must not be
 * trained anew under another one. Throws InvalidInput when it belongs to another job.
 */
async function claimModel(store: ObjectStore, { pipeline, model, jobName }: TrainingRequest): Promise<void> {
  const key = objectKeys.trainingClaim(pipeline, model);
  const claim = await updateDocument(store, key, trainingClaimSchema, (current) => current ?? { jobName });
  if (claim.jobName === jobName) return;
  throw new TypedFailure(
    "InvalidInput",
    `model: ${model} belongs to the training job ${claim.jobName}; raise repeat to train another version`,
  );
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
