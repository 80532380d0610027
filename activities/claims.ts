import { TypedFailure } from "../src/domain/failures.ts";
import { trainingClaimSchema, type TrainingClaim } from "../src/domain/model-version-schema.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import type { ObjectStore } from "../src/ports.ts";
import { readDocument, updateDocument } from "./documents.ts";
import type { TrainingRequest } from "./interfaces.ts";

/** Which job trains a model version and by which recipe; null when nobody has claimed it. */
export async function readClaim(
  store: ObjectStore,
  { pipeline, model }: { pipeline: string; model: string },
): Promise<TrainingClaim | null> {
  return (await readDocument(store, objectKeys.trainingClaim(pipeline, model), trainingClaimSchema))?.value ?? null;
}

/** Notes what the training of a claimed model version has cost. */
export async function noteCost(
  store: ObjectStore,
  { pipeline, model }: { pipeline: string; model: string },
  claim: TrainingClaim,
  costUsd: number,
): Promise<void> {
  const key = objectKeys.trainingClaim(pipeline, model);
  await updateDocument(store, key, trainingClaimSchema, (current) =>
    current?.costUsd === costUsd ? current : { ...(current ?? claim), costUsd },
  );
}

/**
 * Books the model version for this job name: evaluations and decisions are stored by the version's name, so it must not be
 * trained anew under another one. The first claim's entrypoint stands, whatever becomes of the recipe: it answers that
 * one, by which the job is found again. Throws InvalidInput when the version belongs to another job.
 */
export async function claimModel(
  store: ObjectStore,
  { pipeline, model, jobName, workflowId, recipe }: TrainingRequest,
  entrypoint: string,
): Promise<{ entrypoint: string }> {
  const key = objectKeys.trainingClaim(pipeline, model);
  const mine = { jobName, workflowId, entrypoint, recipe };
  const claim = await updateDocument(store, key, trainingClaimSchema, (current) => current ?? mine);
  if (claim.jobName === jobName) return { entrypoint: claim.entrypoint ?? entrypoint };
  throw new TypedFailure(
    "InvalidInput",
    `model: ${model} belongs to the training job ${claim.jobName}; raise repeat to train another version`,
  );
}
