/** What the measurements of ingest share: real servers on this machine, and workers of their own. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Client } from "@temporalio/client";
import { createS3Client, S3ObjectStore } from "../../src/adapters/s3-object-store.ts";
import { leanWorker } from "../../src/dev/own-servers.ts";
import { startStack } from "../../src/dev/stack.ts";
import { withStackEnvironment } from "../../src/dev/stack-file.ts";
import { connect } from "../../src/temporal/client.ts";

/** `s3://` address of the bucket. */
export const root = "s3://tuneloop/";

/** Where everything runs. */
export interface Surroundings {
  client: Client;
  /** The bucket. */
  store: S3ObjectStore;
  /** Leads to the servers. */
  environment: Record<string, string>;
  /** For local files. */
  directory: string;
  report: (line: string) => void;
}

/** Runs `measure` with a Temporal server and an S3 server, and leaves nothing behind. */
export async function inSurroundings<T>(
  report: (line: string) => void,
  measure: (at: Surroundings) => Promise<T>,
): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "tuneloop-bench-"));
  const stack = await startStack({
    stateDirectory: join(directory, "stack"),
    services: ["temporal", "s3"],
    ports: { temporal: 0, temporalUi: 0, s3: 0, emulator: 0 },
    environment: {},
    report,
  });
  const environment = withStackEnvironment(process.env, { ...stack.environment, ANYSCALE_CLI_TOKEN: "aph0_none" });
  const store = new S3ObjectStore(
    createS3Client({
      endpoint: environment["AWS_ENDPOINT_URL"] ?? null,
      region: environment["AWS_REGION"] ?? null,
      credentials: {
        accessKeyId: environment["AWS_ACCESS_KEY_ID"] ?? "",
        secretAccessKey: environment["AWS_SECRET_ACCESS_KEY"] ?? "",
      },
    }),
    root,
  );
  const client = await connect(environment);
  try {
    return await measure({ client, store, environment, directory, report });
  } finally {
    await client.connection.close();
    await stack.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Runs `measure` beside a worker that has done nothing before; `rssMb` answers the most memory it has taken so far. */
export async function withWorker<T>(
  { environment }: Surroundings,
  measure: (rssMb: () => Promise<number>) => Promise<T>,
): Promise<T> {
  const worker = fork(fileURLToPath(new URL("worker.ts", import.meta.url)), {
    execArgv: [...leanWorker.nodeOptions],
    env: { ...leanWorker.environment, ...environment },
  });
  await once(worker, "message");
  try {
    return await measure(async () => {
      worker.send("rss");
      const [{ maxRssMb }] = await once(worker, "message");
      return Math.round(maxRssMb);
    });
  } finally {
    worker.kill("SIGTERM");
    await once(worker, "exit");
  }
}
