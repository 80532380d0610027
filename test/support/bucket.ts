/** A bucket on a real S3 server, for each test a prefix of its own. */
import { DeleteObjectCommand } from "@aws-sdk/client-s3";
import { createS3Client, S3ObjectStore } from "../../src/adapters/s3-object-store.ts";
import { LOCAL_BUCKET } from "../../src/dev/s3-server.ts";
import { runCommand, TUNELOOP, type CommandResult } from "./command.ts";
import { startTestStack, type TestStack } from "./stack.ts";

/** A place in the bucket. */
export interface TestPrefix {
  store: S3ObjectStore;
  remove: (key: string) => Promise<void>;
  /** Runs `tuneloop` there. */
  tuneloop: (...args: string[]) => Promise<CommandResult>;
}

/** A running S3 server. */
export interface TestBucket {
  stack: TestStack;
  /** An empty place. */
  prefix(): TestPrefix;
  stop(): Promise<void>;
}

/** Starts an S3 server; `stop()` it in `afterAll`. */
export async function startTestBucket(): Promise<TestBucket> {
  const stack = await startTestStack({ services: ["s3"] });
  const { environment, fullEnvironment } = stack;
  const client = createS3Client({
    endpoint: environment["AWS_ENDPOINT_URL"] ?? null,
    region: environment["AWS_REGION"] ?? null,
    credentials: {
      accessKeyId: environment["AWS_ACCESS_KEY_ID"] ?? "",
      secretAccessKey: environment["AWS_SECRET_ACCESS_KEY"] ?? "",
    },
  });
  let prefixes = 0;
  return {
    stack,
    prefix() {
      const number = ++prefixes;
      const uri = `s3://${LOCAL_BUCKET}/prefix-${number}`;
      return {
        store: new S3ObjectStore(client, uri),
        remove: async (key) => {
          await client.send(new DeleteObjectCommand({ Bucket: LOCAL_BUCKET, Key: `prefix-${number}/${key}` }));
        },
        tuneloop: (...args) =>
          runCommand(process.execPath, [TUNELOOP, ...args], {
            environment: { ...fullEnvironment, TUNELOOP_S3_URI: uri },
          }),
      };
    },
    async stop() {
      client.destroy();
      await stack.stop();
    },
  };
}
