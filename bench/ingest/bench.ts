/** Feedback to a committed dataset version: see throughput.ts for what is measured and how. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createS3Client, S3ObjectStore } from "../../src/adapters/s3-object-store.ts";
import { startStack } from "../../src/dev/stack.ts";
import { withStackEnvironment } from "../../src/dev/stack-file.ts";
import { connect } from "../../src/temporal/client.ts";
import { throughput, type ThroughputFigures } from "./throughput.ts";

export async function bench(report: (line: string) => void): Promise<ThroughputFigures> {
  const directory = await mkdtemp(join(tmpdir(), "tuneloop-bench-"));
  const stack = await startStack({
    stateDirectory: join(directory, "stack"),
    services: ["temporal", "s3"],
    ports: { temporal: 0, temporalUi: 0, s3: 0, emulator: 0 },
    environment: {},
    report,
  });
  const environment = withStackEnvironment(process.env, { ...stack.environment, ANYSCALE_CLI_TOKEN: "aph0_none" });
  Object.assign(process.env, environment);
  const s3 = createS3Client({
    endpoint: environment["AWS_ENDPOINT_URL"] ?? null,
    region: environment["AWS_REGION"] ?? null,
  });
  const client = await connect(environment);
  try {
    return await throughput({ client, store: new S3ObjectStore(s3, "s3://tuneloop/"), environment, directory, report });
  } finally {
    await client.connection.close();
    await stack.stop();
    await rm(directory, { recursive: true, force: true });
  }
}
