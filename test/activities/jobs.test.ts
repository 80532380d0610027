import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createJobActivities } from "../../activities/jobs.ts";
import type { TrainingRequest } from "../../activities/interfaces.ts";
import { TypedFailure } from "../../src/domain/failures.ts";
import { isTerminal } from "../../src/domain/job.ts";
import { objectKeys } from "../../src/domain/object-keys.ts";
import { computeSchema } from "../../src/domain/pipeline-schema.ts";
import type { JobRequest } from "../../src/compute-port.ts";
import type { RecipeCatalog } from "../../src/ports.ts";
import { activityEnvironment, expectFailure, failureOf, inActivity } from "../support/activity.ts";
import { startTestEmulator, until } from "../support/emulator.ts";
import { aJobStatus, FakeCompute, fakeRecipes, runsAnywhere } from "../support/fake-ports.ts";
import { MemoryObjectStore } from "../support/memory-store.ts";

/** Jobs that hold on until they are ended; the comment makes each intent's entrypoint its own. */
const recipes: RecipeCatalog = {
  ...fakeRecipes,
  renderJob: async ({ name }, specUri) => ({ ...runsAnywhere, entrypoint: `sleep 300 # ${name} ${specUri}` }),
};

let emulator: Awaited<ReturnType<typeof startTestEmulator>>;
let store: MemoryObjectStore;
let activities: ReturnType<typeof createJobActivities>;
let trainings = 0;
beforeAll(async () => {
  emulator = await startTestEmulator();
});
afterAll(() => emulator.stop());
beforeEach(() => {
  store = new MemoryObjectStore();
  activities = createJobActivities({ store, compute: emulator.compute, recipes });
});

/** A training that no test before has asked for. */
function aTraining(overrides: Partial<TrainingRequest> = {}): TrainingRequest {
  const number = ++trainings;
  store.write(objectKeys.version("games", number), "{}");
  return {
    pipeline: "games",
    model: `games-${number}`,
    datasetVersion: number,
    recipe: { name: "embedded", baseModel: null, hyperparameters: { seed: 42 } },
    compute: computeSchema.parse({}),
    jobName: `retrain-games-${number}-fine-tune`,
    workflowId: `retrain/games/${number}/fine-tune`,
    ...overrides,
  };
}
const submit = (request: TrainingRequest) => inActivity(() => activities.submitTraining(request));
const jobsOf = ({ jobName }: TrainingRequest) => emulator.compute.findJobs(jobName);

describe("createJobActivities", () => {
  describe("submitTraining", () => {
    it("writes the spec and submits a job that trains from it", async () => {
      const request = aTraining();
      const job = await submit(request);
      expect(job).toMatchObject({ jobId: expect.stringContaining("prodjob_"), error: null });
      expect(JSON.parse(store.text(objectKeys.jobSpec("games", request.model)))).toEqual({
        format: 1,
        manifest: store.uri(objectKeys.version("games", request.datasetVersion)),
        output: store.uri(`models/games/${request.model}/`),
        baseModel: null,
        hyperparameters: { seed: 42 },
      });
      const [known] = await jobsOf(request);
      expect(known?.entrypoint).toContain(store.uri(objectKeys.jobSpec("games", request.model)));
    });

    it("buys nothing for a dataset version that does not exist, and claims no model version for it", async () => {
      const request = aTraining({ datasetVersion: 999 });
      const failure = await failureOf(() => activities.submitTraining(request));
      expect(failure).toMatchObject({ type: "InvalidInput", nonRetryable: true });
      expect(failure.message).toBe(
        "datasetVersion: games@999 does not exist: s3://bucket/prefix/datasets/games/versions/000999.json",
      );
      expect(await jobsOf(request)).toEqual([]);
      await submit({ ...request, jobName: "right-version", datasetVersion: trainings });
    });

    it("finds the job that it submitted before, also when that has ended", async () => {
      const request = aTraining();
      const first = await submit(request);
      expect((await submit(request)).jobId).toBe(first.jobId);
      await emulator.compute.terminateJob(first.jobId);
      await until("the end", async () => isTerminal((await emulator.compute.getJob(first.jobId)).state));
      expect(await submit(request)).toMatchObject({ jobId: first.jobId, state: "terminated" });
      expect(await jobsOf(request)).toHaveLength(1);
    });

    it.each([
      ["an error", { kind: "status", status: 503, when: "after" }],
      ["silence", { kind: "drop" }],
    ])("adopts the job that was made although its creation was answered by %s", async (_, effect) => {
      const request = aTraining();
      await emulator.fault({ match: { method: "POST", path: "ha_jobs/create", name: request.jobName }, effect });
      expect(await failureOf(() => activities.submitTraining(request))).toMatchObject({
        type: "Unavailable",
        nonRetryable: false,
      });
      const made = await jobsOf(request);
      expect(made).toHaveLength(1);
      expect((await submit(request)).jobId).toBe(made[0]?.id);
      expect(await jobsOf(request)).toHaveLength(1);
    });

    it("submits nothing when it cannot tell whether there is a job", async () => {
      const request = aTraining();
      await emulator.fault({ match: { method: "GET", path: "ha_jobs" }, effect: { kind: "status", status: 500 } });
      await expectFailure(() => activities.submitTraining(request), "Unavailable");
      expect(await jobsOf(request)).toEqual([]);
    });

    it("does not adopt a job of its name that trains from another spec", async () => {
      const first = aTraining();
      const second = aTraining({ jobName: first.jobName });
      const [one, other] = [await submit(first), await submit(second)];
      expect(other.jobId).not.toBe(one.jobId);
      expect((await submit(first)).jobId).toBe(one.jobId);
      expect(await jobsOf(first)).toHaveLength(2);
    });

    it("buys no second job for a model version under another name, whatever became of the first", async () => {
      const first = aTraining();
      const second = { ...first, jobName: "another", recipe: { ...first.recipe, hyperparameters: { seed: 1 } } };
      const { jobId } = await submit(first);
      const spec = store.text(objectKeys.jobSpec("games", first.model));
      await emulator.compute.terminateJob(jobId);
      const failure = await failureOf(() => activities.submitTraining(second));
      expect(failure).toMatchObject({ type: "InvalidInput", nonRetryable: true });
      expect(failure.message).toBe(
        `model: ${first.model} belongs to the training job ${first.jobName}; raise repeat to train another version`,
      );
      expect(await jobsOf(second)).toEqual([]);
      expect(store.text(objectKeys.jobSpec("games", first.model))).toBe(spec);
      expect((await submit(first)).jobId).toBe(jobId);
    });

    it("finds its job again, and ends it, when the recipe's command has changed meanwhile", async () => {
      const request = aTraining();
      const { jobId } = await submit(request);
      const renderJob = async () => ({ ...runsAnywhere, entrypoint: "another command" });
      const changed = createJobActivities({ store, compute: emulator.compute, recipes: { ...recipes, renderJob } });
      expect((await inActivity(() => changed.submitTraining(request))).jobId).toBe(jobId);
      expect(await jobsOf(request)).toHaveLength(1);
      const renderNothing = () => Promise.reject(new TypedFailure("InvalidInput", "recipe.name: is not known"));
      const gone = createJobActivities({
        store,
        compute: emulator.compute,
        recipes: { ...recipes, renderJob: renderNothing },
      });
      expect(await inActivity(() => gone.terminateTraining(request))).toEqual({ terminated: 1 });
    });

    it("takes the compute config of the pipeline, else the recipe's machines, and what the recipe runs in", async () => {
      const compute = new FakeCompute();
      const requests: JobRequest[] = [];
      const submitJob = async (sent: JobRequest) => {
        requests.push(sent);
        return aJobStatus();
      };
      const run = {
        workingDirectory: "/recipe",
        image: { imageUri: "acme/train:1" },
        compute: { head: { instanceType: "m5" }, workers: [] },
        requirements: ["peft"],
        envVars: { A: "1" },
      };
      const made = createJobActivities({
        store,
        compute: Object.assign(compute, { submitJob }),
        recipes: { ...recipes, renderJob: async () => ({ ...run, entrypoint: "train" }) },
      });
      const named = aTraining({ compute: computeSchema.parse({ config: "gpu:2" }) });
      await inActivity(() => made.submitTraining(named));
      await inActivity(() => made.submitTraining(aTraining()));
      expect(requests).toMatchObject([{ ...run, compute: "gpu:2", entrypoint: "train" }, run]);
    });

    it("reads a claim that names the job alone", async () => {
      const request = aTraining();
      store.write(
        objectKeys.trainingClaim("games", request.model),
        JSON.stringify({ jobName: request.jobName, workflowId: request.workflowId }),
      );
      const { jobId } = await submit(request);
      expect((await submit(request)).jobId).toBe(jobId);
      expect(await inActivity(() => activities.terminateTraining(request))).toEqual({ terminated: 1 });
    });

    it("keeps a model version that it claimed when the answer to that was lost", async () => {
      const request = aTraining();
      store.hook = ({ method, when }) => {
        if (method === "put" && when === "after") throw new TypedFailure("Unavailable", "no answer");
      };
      await expectFailure(() => activities.submitTraining(request), "Unavailable");
      store.hook = () => {};
      await submit(request);
      expect(await jobsOf(request)).toHaveLength(1);
    });

    it("pays for nothing when it was cancelled on the way", async () => {
      const request = aTraining();
      const environment = activityEnvironment();
      store.hook = () => environment.cancel();
      await expect(environment.run(() => activities.submitTraining(request))).rejects.toThrow();
      expect(await jobsOf(request)).toEqual([]);
    });
  });

  describe("awaitJob", () => {
    it("returns when the state is another than the one known, and waits while it is the same", async () => {
      const { jobId } = await submit(aTraining());
      const running = await until("running", async () => {
        const job = await inActivity(() => activities.awaitJob({ jobId, known: "queued" })).catch(() => null);
        return job?.state === "running" && job;
      });
      expect(running).toMatchObject({ jobId, error: null });
      expect(await expectFailure(() => activities.awaitJob({ jobId, known: "running" }), "StillWaiting")).toBe(
        `waiting for job ${jobId}, RUNNING`,
      );
    });

    it("fails as NotFound, for good, when the service does not know the job", async () => {
      expect(await failureOf(() => activities.awaitJob({ jobId: "prodjob_x", known: "queued" }))).toMatchObject({
        type: "NotFound",
        nonRetryable: true,
      });
    });

    it("keeps waiting over a state that it does not know", async () => {
      const strange = createJobActivities({
        store,
        recipes,
        compute: {
          ...emulator.compute,
          getJob: async (id) => ({ ...(await emulator.compute.getJob(id)), state: "unknown", providerState: "NEW" }),
        },
      });
      const { jobId } = await submit(aTraining());
      await expectFailure(() => strange.awaitJob({ jobId, known: "running" }), "StillWaiting");
    });
  });

  describe("terminateTraining", () => {
    it("ends its own jobs only, once, and is done when there is none", async () => {
      const request = aTraining();
      const other = aTraining({ jobName: request.jobName });
      expect(await inActivity(() => activities.terminateTraining(request))).toEqual({ terminated: 0 });
      const [own, foreign] = [await submit(request), await submit(other)];
      expect(await inActivity(() => activities.terminateTraining(request))).toEqual({ terminated: 1 });
      await until("the end", async () => (await emulator.compute.getJob(own.jobId)).state === "terminated");
      expect(await inActivity(() => activities.terminateTraining(request))).toEqual({ terminated: 0 });
      expect(isTerminal((await emulator.compute.getJob(foreign.jobId)).state)).toBe(false);
    });
  });

  describe("readCost", () => {
    const read = (request: TrainingRequest) => inActivity(() => activities.readCost(request));
    const withCosts = (costs: Record<string, number | null>, jobs: string[]) => {
      const compute = new FakeCompute();
      compute.costsUsd = costs;
      const request = aTraining();
      const entrypoint = `sleep 300 # embedded ${store.uri(objectKeys.jobSpec("games", request.model))}`;
      compute.jobs = jobs.map((id) => aJobStatus({ id, name: request.jobName, entrypoint }));
      const claim = { jobName: request.jobName, workflowId: request.workflowId, entrypoint, recipe: request.recipe };
      store.write(objectKeys.trainingClaim("games", request.model), JSON.stringify(claim));
      const counting = createJobActivities({ store, compute, recipes });
      return { request, claim, costOf: (of: TrainingRequest) => counting.readCost(of) };
    };

    it("counts what the job of a model version has cost, and notes it with the version's claim", async () => {
      const { request, claim, costOf } = withCosts({ "job-1": 1.25 }, ["job-1"]);
      expect(await inActivity(() => costOf(request))).toEqual({ costUsd: 1.25 });
      expect(JSON.parse(store.text(objectKeys.trainingClaim("games", request.model)))).toEqual({
        ...claim,
        costUsd: 1.25,
      });
    });

    it("adds up the jobs of this intent, and takes a job without a count for unknown and not for free", async () => {
      const both = withCosts({ "job-1": 1.25, "job-2": 0.5 }, ["job-2", "job-1"]);
      expect(await inActivity(() => both.costOf(both.request))).toEqual({ costUsd: 1.75 });
      const half = withCosts({ "job-1": 1.25, "job-2": null }, ["job-2", "job-1"]);
      expect(await inActivity(() => half.costOf(half.request))).toEqual({ costUsd: null });
      expect(JSON.parse(store.text(objectKeys.trainingClaim("games", half.request.model)))).toEqual(half.claim);
    });

    it("knows no cost of what was never bought", async () => {
      expect(await read(aTraining())).toEqual({ costUsd: null });
    });

    it("asks the provider, which counts a job that has run", async () => {
      const request = aTraining();
      const { jobId } = await submit(request);
      await until("running", async () => (await emulator.compute.getJob(jobId)).state === "running");
      const { costUsd } = await until("a cost", async () => {
        const cost = await read(request);
        return cost.costUsd !== null && cost;
      });
      expect(costUsd).toBeGreaterThan(0);
      expect(costUsd).toBeLessThan(0.1);
    });
  });

  describe("readModel", () => {
    const manifest = {
      format: 1,
      model: "games",
      version: "games-1",
      recipe: "embedded",
      baseModel: null,
      dataset: "games@1",
      task: "frames",
      files: [],
      trainedRecords: 10,
      trainSeconds: 0.5,
      loss: [1, 0.5],
    };
    const read = () => activities.readModel({ pipeline: "games", model: "games-1" });
    const key = objectKeys.modelManifest("games", "games-1");

    it("answers what a cycle needs to know", async () => {
      store.write(key, JSON.stringify(manifest));
      expect(await inActivity(read)).toEqual({ trainedRecords: 10, trainSeconds: 0.5, checkpoints: [] });
    });

    it.each([
      ["is missing", null, "JobFailed"],
      ["is cut off", JSON.stringify(manifest).slice(0, -5), "InvalidData"],
      ["lacks a field", JSON.stringify({ ...manifest, task: undefined }), "InvalidData"],
      ["is of another version", JSON.stringify({ ...manifest, version: "games-2" }), "InvalidData"],
    ] as const)("fails and names model.json when it %s", async (_, body, type) => {
      if (body !== null) store.write(key, body);
      expect(await expectFailure(read, type)).toContain(key);
    });
  });
});
