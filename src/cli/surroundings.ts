/** Which Temporal, S3 and Anyscale a command speaks to. */
import type { S3Client } from "@aws-sdk/client-s3";
import { createS3Client } from "../adapters/s3-object-store.ts";
import type { BucketConfig } from "../config.ts";
import { findRunningStack, withStackEnvironment } from "../dev/stack-file.ts";

/**
 * The environment of a command: as it is when it names a Temporal server, else with the local stack's that runs in
 * `stateDirectory`, or the demo's within, if one does.
 */
export function surroundings(environment: NodeJS.ProcessEnv, stateDirectory: string): Record<string, string> {
  const named = environment["TEMPORAL_ADDRESS"] !== undefined || environment["TEMPORAL_PROFILE"] !== undefined;
  const stack = named ? null : findRunningStack(stateDirectory);
  return withStackEnvironment(environment, stack?.environment ?? {});
}

/**
 * A client of the S3 that a command's environment leads to. The credentials of a local stack are in no place where the
 * client would look for them; all others are found as in every AWS tool.
 */
export function s3ClientOf(
  environment: Record<string, string>,
  { s3Endpoint, s3Region }: Pick<BucketConfig, "s3Endpoint" | "s3Region">,
): S3Client {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = environment;
  const isElsewhere = accessKeyId !== process.env["AWS_ACCESS_KEY_ID"];
  const isNamed = isElsewhere && accessKeyId !== undefined && secretAccessKey !== undefined;
  return createS3Client({
    endpoint: s3Endpoint,
    region: s3Region,
    ...(isNamed ? { credentials: { accessKeyId, secretAccessKey } } : {}),
  });
}
