/** The S3 server of the local stack: versitygw on plain files. */
import { randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from "@aws-sdk/client-s3";
import type { StackCredentials } from "./credentials.ts";
import type { ServerSpec } from "./launch.ts";
import { LOOPBACK } from "./ports.ts";
import { waitFor } from "./wait.ts";

/** Region of the local S3 server; it only has to be the same everywhere. */
export const LOCAL_REGION = "us-east-1";
/** The bucket that the stack makes. */
export const LOCAL_BUCKET = "tuneloop";

/** What versitygw is started with. */
export interface S3ServerOptions {
  binary: string;
  port: number;
  dataDirectory: string;
  logFile: string;
  credentials: StackCredentials;
  environment: NodeJS.ProcessEnv;
}

/** The S3 server as a child: ready when its bucket is there and conditional writes were seen to work. */
export function s3Server(options: S3ServerOptions): ServerSpec {
  mkdirSync(options.dataDirectory, { recursive: true });
  return {
    name: "s3",
    command: options.binary,
    args: [
      "--port",
      `${LOOPBACK}:${options.port}`,
      "--region",
      LOCAL_REGION,
      "--keep-alive",
      "--quiet",
      "posix",
      options.dataDirectory,
    ],
    environment: {
      ...options.environment,
      ROOT_ACCESS_KEY_ID: options.credentials.accessKeyId,
      ROOT_SECRET_ACCESS_KEY: options.credentials.secretAccessKey,
    },
    logFile: options.logFile,
    graceMs: 5_000,
    async ready(signal) {
      const client = new S3Client({
        endpoint: `http://${LOOPBACK}:${options.port}`,
        region: LOCAL_REGION,
        credentials: options.credentials,
        forcePathStyle: true,
        maxAttempts: 1,
      });
      try {
        await waitFor(() => ensureBucket(client), { timeoutMs: Number.POSITIVE_INFINITY, signal });
        await checkConditionalWrites(client);
      } finally {
        client.destroy();
      }
    },
  };
}

async function ensureBucket(client: S3Client): Promise<void> {
  try {
    await client.send(new CreateBucketCommand({ Bucket: LOCAL_BUCKET }));
  } catch (error) {
    if (!(error instanceof S3ServiceException && error.name === "BucketAlreadyOwnedByYou")) throw error;
  }
}

/** Without them two writers of one dataset version would not notice each other. */
async function checkConditionalWrites(client: S3Client): Promise<void> {
  const object = { Bucket: LOCAL_BUCKET, Key: `conditional-write-check-${randomUUID()}` };
  const put = new PutObjectCommand({ ...object, Body: "check", IfNoneMatch: "*" });
  await client.send(put);
  try {
    await client.send(put);
  } catch (error) {
    if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 412) return;
    throw error;
  } finally {
    await client.send(new DeleteObjectCommand(object));
  }
  throw new Error("the S3 server ignores If-None-Match: a version that knows conditional writes is needed");
}
