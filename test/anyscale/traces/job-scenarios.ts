import type { JobSubmission } from "../../../src/anyscale/job-submission.ts";
import type { Scenario, Stage } from "../../support/recordings.ts";

/** Names that several recordings share. */
const LOCAL = "prodjob_090c6a21faa0a504c98005fa";
const FAILED = "prodjob_82c6bd51b3694444e0553ffe";
const REMOTE = "prodjob_a9ee57da848d32913382a609";
const FAULTY = "prodjob_a29407bce1d71963298c0f41";

/** The directory as it was packed; what its `.gitignore` names is not in the recorded archives. */
const jobdir = ({ directory }: Stage) =>
  directory("jobdir", { "main.py": "", ".gitignore": "*.log\n", "old.log": "", ".venv/bin/python": "" });

/** Recorded after other submissions of the same process: the default cloud and project are known. */
const before = async ({ client }: Stage) => await client.lookups.projectId(null, await client.lookups.cloudId(null));

const submits = (options: (stage: Stage) => JobSubmission): Scenario["run"] => {
  return async (stage) => await stage.client.jobs.submit(options(stage), { buildPollMs: 1 });
};

/** The submission that was answered with an error. */
const refused: Scenario = {
  before,
  run: async ({ client }) => await client.jobs.submit({ name: "p", entrypoint: "true" }).catch(() => null),
};

/** By name, in the default cloud and project. */
async function found({ client }: Stage, name: string): Promise<string | undefined> {
  const cloudId = await client.lookups.cloudId(null);
  const projectId = await client.lookups.projectId(null, cloudId);
  return (await client.jobs.find(name, { projectId, cloudId }))[0]?.id;
}

const looksUp = async ({ client }: Stage, id: string) => {
  await client.jobs.get(id);
  await client.jobs.runs(id);
};

const waits = (id: string): Scenario => ({
  run: async ({ client }) => {
    await client.jobs.get(id);
    await client.jobs.wait(id, { pollMs: 1 });
  },
});

/** Reads the whole log of a job's newest run. */
async function readsLog({ client }: Stage, id: string, run: string | null | undefined): Promise<void> {
  for await (const line of client.jobs.logs(id, { run: run ?? "" })) if (line === "") throw new Error("an empty line");
}

/** What the official client was asked in the recordings of jobs, look-ups and errors, asked of ours. */
export const jobScenarios: Record<string, Scenario> = {
  job_submit_local_workdir: {
    run: submits((stage) => ({
      name: "job-local",
      entrypoint: "python main.py",
      workingDirectory: jobdir(stage),
      envVars: { GREETING: "hi" },
      timeoutSeconds: 600,
      tags: { team: "ft" },
    })),
  },
  job_submit_same_workdir_again: {
    before,
    run: submits((stage) => ({ name: "job-local2", entrypoint: "python main.py", workingDirectory: jobdir(stage) })),
  },
  job_submit_named_compute_config: {
    before,
    run: submits(({ directory }) => ({
      name: "job-cc",
      entrypoint: "true",
      computeConfig: "emu-default:1",
      pyModules: [directory("svc", { "app.py": "" })],
    })),
  },
  job_submit_remote_workdir_all_options: {
    run: submits(() => ({
      name: "job-remote",
      entrypoint: "sleep 300",
      cloud: "emu-cloud",
      project: "default",
      computeConfig: {
        headNode: { instanceType: "m5.2xlarge" },
        workerNodes: [{ instanceType: "g5.12xlarge", maxNodes: 2, marketType: "PREFER_SPOT" }],
        minResources: { CPU: 1 },
        maxResources: { GPU: 8 },
        crossZoneScaling: true,
      },
      imageUri: "docker.io/acme/trainer:1.2",
      registryLoginSecret: "my-secret",
      workingDirectory: "s3://user-bucket/code.zip",
      excludes: ["*.pt"],
      requirements: ["trl==0.24", "peft"],
      envVars: { A: "1" },
      maxRetries: 2,
      timeoutSeconds: 3600,
      priority: 3,
      jobQueue: { name: "ft-queue", mode: "PRIORITY", maxConcurrency: 2, idleTimeoutSeconds: 300, priority: 10 },
      tags: { team: "ft", run: "42" },
    })),
  },
  job_submit_containerfile: {
    before: async (stage) => {
      const cloudId = await before(stage);
      // Of an earlier image it is known where Anyscale's own side runs.
      const image = { imageUri: "docker.io/acme/trainer:1.2", rayVersion: null, registryLoginSecret: null };
      await stage.client.lookups.images.buildId({ from: "uri", ...image }, "image", cloudId);
    },
    run: submits(({ directory }) => {
      const text = "FROM anyscale/ray:2.59.0-py311\nRUN pip install trl\n";
      const containerfile = `${directory("", { Containerfile: text })}/Containerfile`;
      return { name: "job-cf", entrypoint: "exit 3", containerfile, maxRetries: 1 };
    }),
  },
  job_status: { run: async (stage) => await looksUp(stage, LOCAL) },
  job_status_by_name: {
    before,
    run: async (stage) => await stage.client.jobs.runs((await found(stage, "job-local")) ?? ""),
  },
  job_status_not_found: {
    before,
    run: async (stage) => {
      await stage.client.jobs.get("prodjob_nope").catch(() => null);
      await found(stage, "nope");
    },
  },
  job_wait_succeeded: waits(LOCAL),
  job_wait_failed: waits(FAILED),
  job_wait_terminated: waits(REMOTE),
  job_terminate: { run: async ({ client }) => await client.jobs.terminate(REMOTE) },
  job_archive_delete: {
    run: async ({ client }) => {
      await client.jobs.archive(LOCAL);
      await client.jobs.delete(LOCAL);
    },
  },
  job_tags: {
    run: async ({ client }) => {
      await client.jobs.tags.add(LOCAL, { x: "y" });
      await client.jobs.tags.list(LOCAL);
      await client.jobs.tags.remove(LOCAL, ["x"]);
    },
  },
  job_get_logs: {
    run: async (stage) => {
      const job = await stage.client.jobs.get(LOCAL);
      await readsLog(stage, LOCAL, job.last_job_run_id);
    },
  },
  job_get_logs_by_name_head: {
    before,
    run: async (stage) => {
      const cloudId = await stage.client.lookups.cloudId(null);
      const projectId = await stage.client.lookups.projectId(null, cloudId);
      const [job] = await stage.client.jobs.find("job-local", { projectId, cloudId });
      await readsLog(stage, job?.id ?? "", job?.last_job_run_id);
    },
  },
  job_list: {
    run: async ({ client }) => {
      const states = ["SUCCESS", "BROKEN", "OUT_OF_RETRIES", "TERMINATED"];
      const { id: creatorId } = await client.user();
      const order = { sortBy: "CREATED_AT", sortOrder: "DESC" } as const;
      await client.jobs.list({ states, creatorId, tags: { team: ["ft"] }, ...order, pageSize: 2, limit: 4 });
    },
  },
  error_503_get: { run: async ({ client }) => await client.jobs.get(FAULTY).catch(() => null) },
  error_429_get_retry_after: {
    retryAfterSeconds: 0,
    run: async (stage) => {
      // A look-up is one attempt: the caller tries again, when it may.
      for (let attempt = 0; attempt < 2; attempt++) await stage.client.jobs.get(FAULTY).catch(() => null);
      await looksUp(stage, FAULTY);
    },
  },
  error_429_post_create: refused,
  error_400_on_create: refused,
  error_403_on_create: refused,
  error_404_on_create: refused,
  error_409_on_create: refused,
  error_422_on_create: refused,
  error_500_on_create: refused,
  cli_job_submit: {
    run: submits((stage) => ({
      name: "cli-job",
      entrypoint: "python main.py",
      workingDirectory: jobdir(stage),
      envVars: { GREETING: "cli" },
      tags: { team: "ft" },
    })),
  },
  cli_job_submit_wait: {
    run: async (stage) => {
      const { jobs } = stage.client;
      const options = { entrypoint: "python main.py", workingDirectory: jobdir(stage), envVars: { GREETING: "cli2" } };
      const { id } = await jobs.submit({ name: "cli-job-wait", ...options });
      const { job } = await jobs.wait(id, { pollMs: 1 });
      await readsLog(stage, id, job.last_job_run_id);
    },
  },
  cli_job_status: { run: async (stage) => await stage.client.jobs.runs((await found(stage, "cli-job")) ?? "") },
  cli_job_wait: {
    run: async (stage) => await stage.client.jobs.wait((await found(stage, "cli-job")) ?? "", { pollMs: 1 }),
  },
  cli_job_logs: {
    run: async (stage) => {
      const cloudId = await stage.client.lookups.cloudId(null);
      const projectId = await stage.client.lookups.projectId(null, cloudId);
      const [job] = await stage.client.jobs.find("cli-job", { projectId, cloudId });
      await readsLog(stage, job?.id ?? "", job?.last_job_run_id);
    },
  },
  cli_job_logs_follow: {
    run: async ({ client }) => {
      const [job] = await client.jobs.find("cli-job-wait");
      for await (const line of client.jobs.logs(job?.id ?? "", { follow: true, pollMs: 1 })) {
        if (line === "") throw new Error("an empty line");
      }
    },
  },
  cli_job_terminate: {
    run: async (stage) => {
      await stage.client.jobs.submit({ name: "cli-sleep", entrypoint: "sleep 300" });
      await stage.client.jobs.terminate((await found(stage, "cli-sleep")) ?? "");
    },
  },
  cli_job_list: {
    run: async ({ client }) => {
      const { id: creatorId } = await client.user();
      await client.jobs.list({ creatorId, pageSize: 100 });
    },
  },
  cli_job_list_v2: {
    run: async ({ client }) => {
      const { id: creatorId } = await client.user();
      await client.jobs.list({ creatorId, sortBy: "CREATED_AT", sortOrder: "DESC", pageSize: 10 });
    },
  },
};
