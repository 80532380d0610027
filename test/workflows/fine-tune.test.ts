import type { WorkflowHandle } from "@temporalio/client";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { TypedFailure } from "../../src/domain/failures.ts";
import type { fineTune } from "../../workflows/fine-tune.ts";
import { aFineTuneInput } from "../support/builders.ts";
import { failureOf, startTestTemporal, type TestTemporal } from "../support/temporal.ts";
import { Door, type World } from "../support/world.ts";

let temporal: TestTemporal;
let world: World;

beforeAll(async () => {
  temporal = await startTestTemporal(import.meta.filename);
});
beforeEach(() => {
  world = temporal.newWorld();
});
afterAll(() => temporal.stop());

const input = () => aFineTuneInput({ pipeline: world.name });
const start = (given: unknown): Promise<WorkflowHandle<typeof fineTune>> =>
  temporal.start("fineTune", `fine-tune/${world.name}`, given);
const job = () => world.jobs.get(`fine-tune-${world.name}`);

describe("fineTune", () => {
  it("submits one job under a name made of its id, follows its states and answers what the model is", async () => {
    const handle = await start(input());
    expect(await handle.result()).toEqual({
      model: `${world.name}-1`,
      jobId: "job-1",
      url: "https://console.example/jobs/job-1",
      trainedRecords: 180,
      trainSeconds: 0.5,
      checkpoints: [],
    });
    expect(world.story()).toEqual(["submitTraining", "awaitJob", "readModel"]);
    expect(world.requests("awaitJob").map(({ known }) => known)).toEqual(["queued", "running"]);
    expect(world.requests("submitTraining")[0]).toMatchObject({ recipe: { hyperparameters: { epochs: 1 } } });
    await temporal.record(handle, "succeeded");
  });

  it("keeps history small and no worker busy while a job runs for long", async () => {
    world.jobStates = [...Array<"running">(100).fill("running"), "succeeded"];
    const handle = await start(input());
    await handle.result();
    expect(world.requests("awaitJob")).toHaveLength(101);
    const { events } = await handle.fetchHistory();
    expect(events?.length).toBeLessThanOrEqual(35);
  });

  it("fails with JobFailed, the service's words and the log's address when the job fails", async () => {
    world.jobStates = ["running", "failed"];
    const handle = await start(input());
    expect(await failureOf(handle)).toBe(
      "JobFailed: job failed: out of memory [job=job-1] Its log: https://console.example/jobs/job-1",
    );
    expect(world.story()).toEqual(["submitTraining", "awaitJob"]);
    await temporal.record(handle, "job-failed");
  });

  it("does not take a job that vanished for a trained model", async () => {
    world.when("awaitJob", async () => {
      throw new TypedFailure("NotFound", "no job job-1");
    });
    const handle = await start(input());
    expect(await failureOf(handle)).toBe("NotFound: no job job-1");
    expect(world.story()).toEqual(["submitTraining", "awaitJob", "terminateTraining"]);
    await temporal.record(handle, "job-vanished");
  });

  it("fails when the job left no model, and ends no job that has ended", async () => {
    world.when("readModel", async () => {
      throw new TypedFailure("JobFailed", "the job ended well but left no model.json");
    });
    expect(await failureOf(await start(input()))).toBe("JobFailed: the job ended well but left no model.json");
    expect(world.story()).not.toContain("terminateTraining");
  });

  it("submits once more after an outage, and buys no second job when only the answer was lost", async () => {
    let lost = 2;
    world.when("submitTraining", async (_, usual) => {
      const answer = await usual();
      if (lost-- > 0) throw new TypedFailure("Unavailable", "the answer was lost", { retryAfterMs: 1 });
      return answer;
    });
    await (await start(input())).result();
    expect(world.requests("submitTraining")).toHaveLength(3);
    expect(world.jobs.size).toBe(1);
  });

  it("terminates the job when it is cancelled while the job runs", async () => {
    world.jobStates = Array<"running">(10_000).fill("running");
    const handle = await start(input());
    await vi.waitFor(() => expect(world.requests("awaitJob").length).toBeGreaterThan(3));
    await handle.cancel();
    expect(await failureOf(handle)).toBe("cancelled");
    expect(job()?.state).toBe("terminated");
    await temporal.record(handle, "cancelled");
  });

  it("terminates the job when it is cancelled while the job is being submitted", async () => {
    const door = new Door();
    world.when("submitTraining", async (_, usual) => {
      await door.pass();
      return usual();
    });
    const handle = await start(input());
    await door.reached;
    await handle.cancel();
    await temporal.untilCancelRequested(handle);
    door.open();
    expect(await failureOf(handle)).toBe("cancelled");
    expect(job()?.state).toBe("terminated");
    await temporal.record(handle, "cancelled-in-submit");
  });

  it.each([
    ["nothing at all", undefined, "InvalidInput: Invalid input: expected object, received undefined"],
    ["a misspelt field", { datasetVersions: 1 }, 'InvalidInput: Unrecognized key: "datasetVersions"'],
    ["a dataset version of 0", { datasetVersion: 0 }, "InvalidInput: datasetVersion: "],
    ["a model that is no version", { model: "games" }, "InvalidInput: model: must be a model version such as games-12"],
    ["an unknown recipe", { recipe: { name: "magic" } }, "InvalidInput: recipe.name: there is no recipe magic"],
    [
      "a bad hyperparameter",
      { recipe: { name: "embedded", hyperparameters: { epochs: "many" } } },
      "InvalidInput: recipe.hyperparameters.epochs: must be a number",
    ],
  ])("fails at once and names the field when given %s", async (_, wrong, message) => {
    const handle = await start(wrong && { ...input(), ...wrong });
    expect(await failureOf(handle)).toContain(message);
    expect(world.calls).toEqual([]);
  });
});
