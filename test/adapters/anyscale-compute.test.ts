import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { createAnyscaleCompute } from "../../src/adapters/anyscale-compute.ts";
import { AnyscaleClient } from "../../src/anyscale/client.ts";
import type { ComputeShape } from "../../src/domain/compute-schema.ts";
import { isTerminal } from "../../src/domain/job.ts";
import type { JobRequest, ServiceRequest, ServiceStatus } from "../../src/compute-port.ts";
import { DEFAULT_TOKEN } from "../../src/emulator/server.ts";
import { aDirectory, anApplication, startTestEmulator, until } from "../support/emulator.ts";

let emulator: Awaited<ReturnType<typeof startTestEmulator>>;
let application: string;
beforeAll(async () => {
  emulator = await startTestEmulator();
  application = anApplication();
});
afterAll(async () => {
  await emulator.stop();
  rmSync(application, { recursive: true });
});

/** Machines of both kinds. */
const machines: ComputeShape = {
  head: { instanceType: "m5.large" },
  workers: [
    {
      name: "gpu",
      node: { resources: { cpus: 4, memoryGiB: 0.5, gpus: 1, accelerator: "A10G" } },
      minNodes: 0,
      maxNodes: 2,
      market: "SPOT",
    },
  ],
};
const where = { compute: null, cloud: null, image: null, requirements: [], tags: {}, envVars: {} };
const aRequest = (overrides: Partial<JobRequest> = {}): JobRequest => ({
  name: "train",
  entrypoint: "true",
  workingDirectory: null,
  maxRetries: 0,
  timeoutSeconds: 60,
  ...where,
  ...overrides,
});
const aVersion = (version: string, overrides: Partial<ServiceRequest> = {}): ServiceRequest => ({
  name: "games",
  version,
  importPath: "app.mjs:handler",
  args: { version },
  workingDirectory: application,
  canaryPercent: 0,
  completeRollout: false,
  ...where,
  ...overrides,
});
const seen = async (wanted: (now: ServiceStatus) => boolean) =>
  await until("the service as wanted", async () => {
    const now = await emulator.compute.getService("games");
    return now !== null && wanted(now) && now;
  });

describe("createAnyscaleCompute", () => {
  it("submits a job that is found by its name, the newest first, until it has ended", async () => {
    const { compute } = emulator;
    expect(await compute.findJobs("train")).toEqual([]);
    const first = await compute.submitJob(aRequest({ entrypoint: "exit 3" }));
    expect(first).toMatchObject({
      name: "train",
      entrypoint: "exit 3",
      state: "queued",
      providerState: "PENDING",
      error: null,
    });
    const second = await compute.submitJob(
      aRequest({ compute: machines, image: { imageUri: "acme/train:1" }, requirements: [], envVars: { A: "1" } }),
    );
    expect((await compute.findJobs("train")).map(({ id }) => id)).toEqual([second.id, first.id]);
    const over = async (id: string) =>
      await until("the end", async () => {
        const job = await compute.getJob(id);
        return isTerminal(job.state) && job;
      });
    expect(await over(first.id)).toMatchObject({
      state: "failed",
      providerState: "OUT_OF_RETRIES",
      error: "attempt 1 of 1: exit code 3",
    });
    expect(await over(second.id)).toMatchObject({ state: "succeeded", error: null });
  });

  it("asks for a recipe's machines, and for a compute config that there is", async () => {
    const { compute, client, url } = emulator;
    const { id } = await compute.submitJob(aRequest({ name: "shaped", compute: machines }));
    const computeId = z.string().parse((await client.jobs.get(id)).config.compute_config_id);
    const headers = { Cookie: `cli_token=${DEFAULT_TOKEN}` };
    const asked = await fetch(`${url}/api/v2/compute_templates/${computeId}`, { headers });
    expect(await asked.json()).toMatchObject({
      result: {
        anonymous: true,
        config: {
          head_node_type: { instance_type: "m5.large", resources: { cpu: 0, gpu: 0 } },
          worker_node_types: [
            {
              name: "gpu",
              required_resources: { cpu: 4, memory: 2 ** 29, gpu: 1, accelerator: "A10G" },
              min_workers: 0,
              max_workers: 2,
              use_spot: true,
              fallback_to_ondemand: false,
            },
          ],
        },
      },
    });
    const unknown = compute.submitJob(aRequest({ name: "shaped", compute: "gpu:2" }));
    await expect(unknown).rejects.toMatchObject({ kind: "not-found", message: expect.stringContaining("gpu:2") });
    expect(await compute.findJobs("shaped")).toHaveLength(1);
  });

  it("builds a Containerfile once for all who have it, and keeps nobody waiting while it is built", async () => {
    const { url, client } = emulator;
    const builds: string[] = [];
    let isBuilding = true;
    // The emulator has nothing to build: what it says of builds is held back.
    const fetch: typeof globalThis.fetch = async (input, init) => {
      const response = await globalThis.fetch(input, init);
      const { pathname } = new URL(new Request(input, init).url);
      if (!pathname.startsWith("/ext/v0/cluster_environment_builds/")) return response;
      if (init?.method === "POST") builds.push(pathname);
      const text = await response.text();
      return new Response(isBuilding ? text.replaceAll('"succeeded"', '"in_progress"') : text, response);
    };
    const directory = aDirectory({ Containerfile: "FROM anyscale/ray:2.59.0\nRUN true" });
    const image = { containerfile: join(directory, "Containerfile") };
    const compute = () => createAnyscaleCompute(new AnyscaleClient({ host: url, token: DEFAULT_TOKEN, fetch }));
    for (const name of ["built-1", "built-1", "built-2"]) {
      await expect(compute().submitJob(aRequest({ name, image }))).rejects.toMatchObject({
        type: "StillWaiting",
        retryAfterMs: 15_000,
        message: expect.stringMatching(/^waiting for image tuneloop-[0-9a-f]{16} to be built from .*Containerfile$/),
      });
    }
    isBuilding = false;
    const jobs = [await compute().submitJob(aRequest({ name: "built-1", image }))];
    jobs.push(await compute().submitJob(aRequest({ name: "built-2", image })));
    const used = await Promise.all(jobs.map(async ({ id }) => (await client.jobs.get(id)).config.build_id));
    expect([builds.length, new Set(used).size]).toEqual([1, 1]);
    rmSync(directory, { recursive: true });
  }, 30_000);

  it("terminates a running job, and takes one that has ended or is unknown for done", async () => {
    const { compute } = emulator;
    const job = await compute.submitJob(aRequest({ name: "long", entrypoint: "sleep 300" }));
    await until("running", async () => (await compute.getJob(job.id)).state === "running");
    await compute.terminateJob(job.id);
    await until("terminated", async () => (await compute.getJob(job.id)).state === "terminated");
    await compute.terminateJob(job.id);
    await compute.terminateJob("prodjob_unknown");
    await expect(compute.getJob("prodjob_unknown")).rejects.toMatchObject({ kind: "not-found", status: 404 });
  });

  it("brings versions up, moves weights of the same version alone, completes and rolls back", async () => {
    const { compute } = emulator;
    expect(await compute.getService("games")).toBeNull();
    await compute.rollBackService("games");
    await compute.terminateService("games");
    expect(await compute.applyService(aVersion("games-1"))).toMatchObject({ state: "starting", canary: null });
    const up = await seen(({ state }) => state === "running");
    expect(up.primary).toEqual({ version: "games-1", state: "running", weightPercent: 100 });
    expect([up.url, up.token]).toEqual([expect.stringContaining(emulator.url), expect.any(String)]);

    await compute.applyService(aVersion("games-2"));
    const silent = await seen(({ canary }) => canary?.state === "running");
    expect(silent).toMatchObject({ state: "rolling-out", canary: { version: "games-2", weightPercent: 0 } });
    const held = await compute.applyService(aVersion("games-2", { canaryPercent: 100 }));
    expect([held.primary?.weightPercent, held.canary?.weightPercent]).toEqual([0, 100]);
    const done = await compute.applyService(aVersion("games-2", { canaryPercent: 100, completeRollout: true }));
    expect(done).toMatchObject({ state: "running", canary: null, primary: { version: "games-2", weightPercent: 100 } });

    await compute.applyService(aVersion("games-3", { canaryPercent: 30 }));
    await seen(({ canary }) => canary?.weightPercent === 30);
    await compute.rollBackService("games");
    const back = await seen(({ state }) => state === "running");
    expect(back).toMatchObject({ canary: null, primary: { version: "games-2", weightPercent: 100 } });
    await compute.rollBackService("games");

    await compute.terminateService("games");
    expect(await seen(({ state }) => state === "terminated")).toMatchObject({ primary: null, canary: null });
    await compute.terminateService("games");
    const applies = (await emulator.ledger("games")).filter(({ method }) => method === "PUT");
    // The first deployment of a service has no older version to share with.
    expect(applies.map(({ request }) => request["canary_percent"])).toEqual([undefined, 0, 100, 100, 30]);
  });

  it("does not take a failure for an answer", async () => {
    const { compute } = emulator;
    for (const [path, order] of [
      ["/terminate$", async () => await compute.terminateJob("prodjob_unknown")],
      ["services-v2/$", async () => await compute.getService("games")],
      ["decorated_ha_jobs/$", async () => await compute.findJobs("train")],
    ] as const) {
      await emulator.fault({ match: { path }, effect: { kind: "status", status: 503, retryAfterSeconds: 2 } });
      await expect(order()).rejects.toMatchObject({ kind: "unavailable", status: 503, retryAfterMs: 2000 });
    }
  });

  it.each([
    ["PENDING", "queued"],
    ["AWAITING_CLUSTER_START", "queued"],
    ["UPDATING", "running"],
    ["RUNNING", "running"],
    ["RESTARTING", "running"],
    ["CLEANING_UP", "running"],
    ["ERRORED", "running"],
    ["SUCCESS", "succeeded"],
    ["OUT_OF_RETRIES", "failed"],
    ["BROKEN", "failed"],
    ["TERMINATED", "terminated"],
    ["SOMETHING_NEW", "unknown"],
  ])("reads the job state %s as %s", async (wire, state) => {
    const job = {
      id: "prodjob_1",
      name: "n",
      created_at: "2026-01-01T00:00:00Z",
      project_id: "prj_1",
      config: {},
      state: { current_state: wire },
    };
    expect((await computeThatAnswers({ result: job }).getJob("prodjob_1")).state).toBe(state);
  });

  it.each([
    ["STARTING", "starting"],
    ["RUNNING", "running"],
    ["UPDATING", "updating"],
    ["ROLLING_OUT", "rolling-out"],
    ["ROLLING_BACK", "rolling-back"],
    ["UNHEALTHY", "unhealthy"],
    ["SYSTEM_FAILURE", "failed"],
    ["USER_ERROR_FAILURE", "failed"],
    ["TERMINATING", "terminating"],
    ["TERMINATED", "terminated"],
    ["SOMETHING_NEW", "unknown"],
  ])("reads the service state %s as %s", async (wire, state) => {
    const results = [{ id: "service2_1", name: "n", project_id: "prj_1", cloud_id: "cld_1", current_state: wire }];
    expect((await computeThatAnswers({ results }).getService("n"))?.state).toBe(state);
  });

  it("does not guess between services of one name in several projects", async () => {
    const one = { id: "service2_1", name: "n", project_id: "prj_1", cloud_id: "cld_1", current_state: "RUNNING" };
    const results = [one, { ...one, id: "service2_2", project_id: "prj_2" }];
    await expect(computeThatAnswers({ results }).getService("n")).rejects.toMatchObject({ kind: "conflict" });
  });
});

/** A compute on a server that always answers this. */
function computeThatAnswers(body: unknown) {
  const fetch = async () => Response.json(body);
  return createAnyscaleCompute(new AnyscaleClient({ host: "http://anyscale.test", token: "aph0_x", fetch }));
}
