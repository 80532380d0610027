/** The bucket that a command reads, without Temporal or Anyscale. */
import { S3ObjectStore } from "../adapters/s3-object-store.ts";
import { loadBucketConfig, type BucketConfig } from "../config.ts";
import { withStackEnvironment } from "../dev/stack-file.ts";
import { TypedFailure } from "../domain/failures.ts";
import { objectKeys } from "../domain/object-keys.ts";
import type { ObjectStore } from "../ports.ts";
import { s3ClientOf, surroundings } from "./surroundings.ts";

/**
 * Runs `use` on the bucket that `TUNELOOP_S3_URI` names, else on that of the local stack in `stateDirectory`. Throws an
 * error that says what to mend when there is none, or when it cannot be read at all.
 */
export async function withBucket<T>(stateDirectory: string, use: (store: ObjectStore) => Promise<T>): Promise<T> {
  const named = (process.env["TUNELOOP_S3_URI"] ?? "").trim() !== "";
  const environment = named ? withStackEnvironment(process.env, {}) : surroundings(process.env, stateDirectory);
  const config = configOf(environment, named ? null : stateDirectory);
  const client = s3ClientOf(environment, config);
  try {
    const store = new S3ObjectStore(client, config.s3Uri);
    await assertReadable(store, config);
    return await use(store);
  } finally {
    client.destroy();
  }
}

function configOf(environment: Record<string, string>, stateDirectory: string | null): BucketConfig {
  try {
    return loadBucketConfig(environment);
  } catch (error) {
    if (stateDirectory === null || !(error instanceof Error)) throw error;
    throw new Error(`${error.message}\nNo local stack runs on ${stateDirectory} either: tuneloop dev starts one`, {
      cause: error,
    });
  }
}

/** One request tells whether anything at all can be read: what fails later is about an object. */
async function assertReadable(store: ObjectStore, config: BucketConfig): Promise<void> {
  try {
    for await (const _ of store.list(objectKeys.datasets)) break;
  } catch (error) {
    throw error instanceof TypedFailure ? new Error(whyUnreadable(error, config), { cause: error }) : error;
  }
}

function whyUnreadable(failure: TypedFailure, { s3Uri, s3Endpoint }: BucketConfig): string {
  const where = s3Endpoint ?? "AWS";
  const why = reasonOf(failure);
  if (why === "CredentialsProviderError")
    return `there are no credentials for ${s3Uri} at ${where}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE`;
  if (failure.type === "NotFound")
    return `there is no bucket ${s3Uri} at ${where}: correct TUNELOOP_S3_URI, or make the bucket`;
  if (failure.type === "Refused")
    return `${s3Uri} at ${where} cannot be read (${why}): check the credentials in AWS_* and their rights`;
  return `${s3Uri} cannot be reached at ${where} (${why}): is the server up, and AWS_ENDPOINT_URL right?`;
}

/** What the network or the service said. */
function reasonOf({ cause, message }: TypedFailure): string {
  if (!(cause instanceof Error)) return message;
  return "code" in cause && typeof cause.code === "string" ? cause.code : cause.name;
}
