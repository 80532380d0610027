import { mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JobSubmission } from "../../src/anyscale/job-submission.ts";
import { type ApiServer, startApiServer } from "../support/api-server.ts";
import { aDirectory, aJob, startTestEmulator } from "../support/emulator.ts";

let directory: string;
let server: ApiServer;
beforeAll(async () => {
  directory = aDirectory({ "code/main.py": "", "big/data.bin": "", "requirements.txt": "", Containerfile: "FROM x" });
  mkdirSync(join(directory, "leak"));
  symlinkSync("/etc", join(directory, "leak/etc"));
  truncateSync(join(directory, "big/data.bin"), 512 * 1024 * 1024 + 1);
  server = await startApiServer(() => ({}));
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

describe("Jobs.submit, before anything is sent", () => {
  const containerfile = () => join(directory, "Containerfile");
  it.each<[string, () => object, string | RegExp]>([
    ["no name", () => ({ name: undefined }), "job: name:"],
    ["a blank name", () => ({ name: "  " }), "job: name: must not be empty"],
    ["an empty entrypoint", () => ({ entrypoint: "" }), "job: entrypoint: must not be empty"],
    ["an entrypoint with NUL", () => ({ entrypoint: "a\0b" }), "job: entrypoint: must not have a NUL character"],
    ["a blank entrypoint", () => ({ entrypoint: "\n" }), "job: entrypoint: must not be empty"],
    ["an option that does not exist", () => ({ retries: 3 }), '"retries"'],
    ["negative retries", () => ({ maxRetries: -1 }), "job: maxRetries:"],
    ["half a retry", () => ({ maxRetries: 0.5 }), "job: maxRetries:"],
    ["no time at all", () => ({ timeoutSeconds: 0 }), "job: timeoutSeconds:"],
    ["a number as a variable", () => ({ envVars: { A: 1 } }), "job: envVars.A:"],
    ["a variable that no shell can set", () => ({ envVars: { "A-B": "1" } }), "job: envVars.A-B: is no name"],
    ["a variable with a NUL", () => ({ envVars: { A: "\0" } }), "job: envVars.A: must not have a NUL"],
    ["a tag that is no text", () => ({ tags: { a: true } }), "job: tags.a:"],
    ["a cloud without a name", () => ({ cloud: "" }), "job: cloud: must be a name"],
    ["a missing working directory", () => ({ workingDirectory: join(directory, "none") }), /none" does not exist/],
    ["a file as working directory", () => ({ workingDirectory: containerfile() }), "is not a directory"],
    ["a symlink out of it", () => ({ workingDirectory: join(directory, "leak") }), "etc is a symlink that leaves it"],
    ["more than the size limit", () => ({ workingDirectory: join(directory, "big") }), "has more than 536870912 bytes"],
    ["a missing Python module", () => ({ pyModules: [join(directory, "none")] }), /none" does not exist/],
    [
      "a missing requirements file",
      () => ({ requirements: join(directory, "no.txt") }),
      /requirements ".*no.txt" is not a file/,
    ],
    [
      "a missing Containerfile",
      () => ({ containerfile: join(directory, "none") }),
      /containerfile ".*none" is not a file/,
    ],
    [
      "two images",
      () => ({ imageUri: "x", containerfile: containerfile() }),
      "imageUri and containerfile exclude each other",
    ],
    ["an image and a build", () => ({ imageUri: "x", buildId: "bld_1" }), "imageUri and buildId exclude each other"],
    ["a secret without a registry", () => ({ registryLoginSecret: "s" }), "registryLoginSecret is for an imageUri"],
    [
      "a version of Ray for nothing",
      () => ({ rayVersion: "2.9.0" }),
      "rayVersion is for an imageUri or a containerfile",
    ],
    [
      "an inline config with a typo",
      () => ({ computeConfig: { headNod: {} } }),
      'job: computeConfig: Unrecognized key: "headNod"',
    ],
    [
      "a head of no kind",
      () => ({ computeConfig: { headNode: {} } }),
      "computeConfig: headNode: needs either instanceType",
    ],
    [
      "fewer workers at most than at least",
      () => ({ computeConfig: { workerNodes: [{ instanceType: "m5", minNodes: 3, maxNodes: 2 }] } }),
      "computeConfig: workerNodes.0.maxNodes: must be at least minNodes",
    ],
    [
      "two groups of one name",
      () => ({ computeConfig: { workerNodes: [{ instanceType: "m5" }, { instanceType: "m5" }] } }),
      "computeConfig: workerNodes: names must be unique",
    ],
    [
      "workers that are given and to be selected",
      () => ({ computeConfig: { workerNodes: [], autoSelectWorkers: true } }),
      "computeConfig: autoSelectWorkers: must be false beside workerNodes",
    ],
    ["a queue of no name", () => ({ jobQueue: { priority: 1 } }), "job: jobQueue: needs either name or existing"],
    [
      "a new queue that exists",
      () => ({ jobQueue: { name: "a", existing: "b" } }),
      "jobQueue: needs either name or existing",
    ],
    ["settings of an existing queue", () => ({ jobQueue: { existing: "q", mode: "LIFO" } }), "of an existing queue"],
    ["an unknown mode", () => ({ jobQueue: { name: "q", mode: "RANDOM" } }), "job: jobQueue.mode:"],
  ])("refuses %s", async (_case, options, why) => {
    const submission: JobSubmission = { name: "job", entrypoint: "true", ...options() };
    const error = await server.client.jobs.submit(submission).then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ kind: "invalid", status: null, message: expect.stringMatching(why) });
    expect(server.requests).toEqual([]);
  });

  it("names every option that is wrong at once", async () => {
    const submission = { name: "", entrypoint: "", maxRetries: -1 };
    await expect(server.client.jobs.submit(submission)).rejects.toThrow(/name: .*; entrypoint: .*; maxRetries: /);
  });
});

describe("Jobs.submit", () => {
  it("makes nothing for a compute config that does not exist", async () => {
    const emulator = await startTestEmulator();
    const submission = aJob({ name: "unknown-compute", computeConfig: "no-such-machines:3" });
    await expect(emulator.client.jobs.submit(submission)).rejects.toMatchObject({
      kind: "not-found",
      message: expect.stringContaining('there is no compute config "no-such-machines:3"'),
    });
    expect(await emulator.client.jobs.find("unknown-compute")).toEqual([]);
    await emulator.stop();
  });

  it("needs a name and an entrypoint only, and runs an attempt once unless told otherwise", async () => {
    const emulator = await startTestEmulator();
    const { id } = await emulator.client.jobs.submit({ name: "least", entrypoint: "exit 3" });
    const ended = await emulator.client.jobs.wait(id, { pollMs: 10 });
    expect([ended.outcome, (await emulator.client.jobs.runs(id)).length]).toEqual(["failed", 1]);
    await emulator.stop();
  });

  it("reads requirements from a file without comments, keeping what only looks like one", async () => {
    const bodies: string[] = [];
    const api = await startApiServer((request, response, url) => {
      if (url.pathname.endsWith("/create")) bodies.push(request.body);
      response.statusCode = url.pathname.endsWith("/create") ? 500 : 200;
      return { result: { id: "x", name: "x", status: "succeeded" } };
    });
    const file = join(directory, "requirements.txt");
    writeFileSync(file, "# tools\ntrl==0.24  # pinned\r\n\n  peft \ngit+https://host/x#egg=x\n");
    await expect(api.client.jobs.submit({ name: "j", entrypoint: "true", requirements: file })).rejects.toThrow("500");
    const lines = ["trl==0.24", "peft", "git+https://host/x#egg=x"];
    expect(bodies.map((body) => JSON.parse(body) as unknown)).toMatchObject([
      { config: { runtime_env: { pip: lines } } },
    ]);
  });

  it("uploads a directory that is named twice once, and one of equal content not again", async () => {
    const emulator = await startTestEmulator();
    const code = join(directory, "code");
    const submission = aJob({ name: "modules", workingDirectory: code, pyModules: [code, "s3://bucket/more.zip"] });
    await emulator.client.jobs.submit(submission);
    await emulator.client.jobs.submit(submission);
    const [newest] = await emulator.client.jobs.find("modules");
    const { runtime_env: env } = newest?.config ?? {};
    expect(env).toMatchObject({
      user_provided_working_dir: code,
      working_dir: expect.stringMatching(/pkg_[0-9a-f]{32}\.zip$/),
      user_provided_py_modules: [code, "s3://bucket/more.zip"],
      py_modules: [expect.stringMatching(/pkg_[0-9a-f]{32}\.zip$/), "s3://bucket/more.zip"],
    });
    const calls = (await emulator.ledger()).map(({ method, path }) => `${method} ${path}`);
    expect(calls.filter((call) => call.endsWith("presigned_url"))).toHaveLength(2);
    await emulator.stop();
  });
});
