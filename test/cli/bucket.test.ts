import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestBucket, type TestBucket } from "../support/bucket.ts";
import { runCommand, TUNELOOP, type CommandResult } from "../support/command.ts";
import { cleanEnvironment } from "../support/stack.ts";

let bucket: TestBucket;
beforeAll(async () => {
  bucket = await startTestBucket();
});
afterAll(() => bucket.stop());

/** `tuneloop dataset list` where no stack runs, in the bucket's environment with these changes. */
function list(changes: NodeJS.ProcessEnv): Promise<CommandResult> {
  const { fullEnvironment } = bucket.stack;
  const environment = { ...fullEnvironment, TEMPORAL_ADDRESS: undefined, ...changes };
  return runCommand(process.execPath, [TUNELOOP, "dataset", "list", "--state", "/no/such/state"], { environment });
}

describe("withBucket", () => {
  it("finds the bucket of the local stack that runs in the directory, by that alone", async () => {
    const args = [TUNELOOP, "dataset", "list", "--state", bucket.stack.stateDirectory];
    const { stdout, stderr } = await runCommand(process.execPath, args, { environment: cleanEnvironment() });
    expect({ stdout, stderr }).toEqual({ stdout: "There is no dataset in s3://tuneloop/ yet.\n", stderr: "" });
  });

  it.each<[string, NodeJS.ProcessEnv, RegExp]>([
    [
      "no bucket is named and no stack runs",
      { TUNELOOP_S3_URI: undefined },
      /TUNELOOP_S3_URI: is not set\nNo local stack runs on \/no\/such\/state either: tuneloop dev starts one\n$/,
    ],
    [
      "the bucket's name is none",
      { TUNELOOP_S3_URI: "tuneloop" },
      /^the environment is not complete:\n {2}TUNELOOP_S3_URI: must be s3:\/\/bucket\/prefix\n$/,
    ],
    [
      "nobody listens",
      { AWS_ENDPOINT_URL: "http://127.0.0.1:9" },
      /^s3:\/\/tuneloop.* cannot be reached at http:\/\/127.0.0.1:9 \(ECONNREFUSED\): is the server up/,
    ],
    [
      "there are no credentials",
      { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined, AWS_EC2_METADATA_DISABLED: "true" },
      /^there are no credentials for s3:\/\/tuneloop.* at http:\/\/127.0.0.1:\d+: set AWS_ACCESS_KEY_ID and/,
    ],
    [
      "there is no such bucket",
      { TUNELOOP_S3_URI: "s3://no-such-bucket" },
      /^there is no bucket s3:\/\/no-such-bucket at http:\/\/127.0.0.1:\d+: correct TUNELOOP_S3_URI/,
    ],
    [
      "the credentials are not accepted",
      { AWS_SECRET_ACCESS_KEY: "wrong" },
      /^s3:\/\/tuneloop.* cannot be read \(SignatureDoesNotMatch\): check the credentials in AWS_\*/,
    ],
  ])("says what to mend when %s, with exit code 1", async (_, changes, message) => {
    const { code, stdout, stderr } = await list(changes);
    expect({ code, stdout, stderr }).toEqual({ code: 1, stdout: "", stderr: expect.stringMatching(message) });
  });
});
