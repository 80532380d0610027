/** The bucket that a command reads, without Temporal or Anyscale. */
import { createS3Client, S3ObjectStore } from "../adapters/s3-object-store.ts";
import { loadBucketConfig, type BucketConfig } from "../config.ts";
import { TypedFailure } from "../domain/failures.ts";
import { objectKeys } from "../domain/object-keys.ts";
import type { ObjectStore } from "../ports.ts";
import { surroundings } from "./surroundings.ts";

/**
 * Runs `use` on the bucket that `TUNELOOP_S3_URI` names, else on that of the local stack in `stateDirectory`. Throws an
 * error that says what to mend when there is none, or when it cannot be read at all.
 */
export async function withBucket<T>(stateDirectory: string, use: (store: ObjectStore) => Promise<T>): Promise<T> {
  const config = configOf(stateDirectory);
  const client = createS3Client({ endpoint: config.s3Endpoint, region: config.s3Region });
  try {
    const store = new S3ObjectStore(client, config.s3Uri);
    await assertReadable(store, config);
    return await use(store);
  } finally {
    client.destroy();
  }
}

function configOf(stateDirectory: string): BucketConfig {
  const named = (process.env["TUNELOOP_S3_URI"] ?? "").trim() !== "";
  try {
    return loadBucketConfig(named ? process.env : surroundings(process.env, stateDirectory));
  } catch (error) {
    if (named || !(error instanceof Error)) throw error;
    throw new Error(`${error.message}\nNo local stack runs on ${stateDirectory} either: tuneloop dev starts one`, {
      cause: error,
    });
  }
}

/** One request tells whether anything at all can be read: what fails later is about an object. */
async function assertReadable(store: ObjectStore, { s3Uri, s3Endpoint }: BucketConfig): Promise<void> {
  try {
    for await (const _ of store.list(objectKeys.datasets)) break;
  } catch (error) {
    if (!(error instanceof TypedFailure)) throw error;
    const where = s3Endpoint ?? "AWS";
    const why = reasonOf(error);
    const text =
      error.type === "NotFound"
        ? `there is no bucket ${s3Uri} at ${where}: correct TUNELOOP_S3_URI, or make the bucket`
        : error.type === "Refused"
          ? `${s3Uri} at ${where} cannot be read (${why}): check the credentials in AWS_* and their rights`
          : `${s3Uri} cannot be reached at ${where} (${why}): is the server up, and AWS_ENDPOINT_URL right?`;
    throw new Error(text, { cause: error });
  }
}

/** What the network or the service said. */
function reasonOf({ cause, message }: TypedFailure): string {
  if (!(cause instanceof Error)) return message;
  return "code" in cause && typeof cause.code === "string" ? cause.code : cause.name;
}
