/** What workflows leave behind that were terminated instead of cancelled, who ends it, and who hears of that. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AlertChoice } from "../../src/domain/alert-choice-schema.ts";
import { serviceName } from "../../src/domain/ids.ts";
import { objectKeys } from "../../src/domain/object-keys.ts";
import { janitorScheduleId } from "../../src/temporal/janitor-schedule.ts";
import { workflowIds } from "../../workflows/names.ts";
import { startAlertReceiver, type AlertReceiver } from "../support/alert-receiver.ts";
import { until } from "../support/emulator.ts";
import {
  aPipeline,
  askService,
  createdJobs,
  FEW_QUESTIONS,
  feed,
  giveTestSet,
  jobProcess,
  pendingActivity,
  readRegistry,
  sampleLines,
  servingProcess,
  startLoop,
  type Loop,
} from "../support/loop.ts";
import { copyPipeline, reached, startRollout } from "../support/rollouts.ts";

let receiver: AlertReceiver;
let loop: Loop;
/** Id of the job that is left. */
let job: string;

beforeAll(async () => {
  receiver = await startAlertReceiver();
  loop = await startLoop(receiver.environment);
  await giveTestSet(loop, FEW_QUESTIONS);
  const left = leaveJob(receiver.sink("left"), receiver.dead, { kind: "log" });
  await crown("stray", receiver.sink("stray"));
  await Promise.all([left, leaveChallenger("stray"), leaveRollout("half")]);
});

afterAll(async () => {
  await loop.stop();
  await receiver.stop();
});

const terminate = async (workflowId: string): Promise<void> => {
  const reason = ["--reason", "somebody was in a hurry"];
  expect(await loop.temporal("workflow", "terminate", "--workflow-id", workflowId, ...reason)).toMatchObject({
    code: 0,
  });
};

/** Terminates a training while its job runs. */
async function leaveJob(...alerts: AlertChoice[]): Promise<void> {
  const { cycle } = await feed(loop, aPipeline(loop, { name: "left", alerts }), 1, sampleLines({ seed: 1, count: 60 }));
  (await jobProcess(loop, "left", 1)).hold();
  const training = workflowIds.child(cycle.workflowId, "fine-tune");
  await pendingActivity(loop, training, "awaitJob");
  await terminate(training);
  await expect(cycle.result()).rejects.toThrow();
  job = (await createdJobs(loop, "left", 1))[0] ?? "";
}

/** Makes a champion. */
async function crown(name: string, ...alerts: AlertChoice[]): Promise<void> {
  const { cycle } = await feed(loop, aPipeline(loop, { name, alerts }), 1, sampleLines({ seed: 1, count: 60 }));
  expect(await cycle.result()).toMatchObject({ outcome: "promoted" });
}

/** Terminates a cycle whose challenger is up beside the champion and being evaluated. */
async function leaveChallenger(name: string): Promise<void> {
  const pipeline = aPipeline(loop, { name, alerts: [receiver.sink(name)] });
  const { cycle } = await feed(loop, pipeline, 2, sampleLines({ seed: 2, count: 60 }));
  const serving = await servingProcess(loop, name, `${name}-2`);
  serving.hold();
  await pendingActivity(loop, workflowIds.child(cycle.workflowId, "evaluate-challenger"), "askQuestions");
  await terminate(cycle.workflowId);
  serving.release();
}

/** Terminates a rollout that users have met, of a cycle that Temporal knows nothing of, as in a namespace that was deleted. */
async function leaveRollout(name: string): Promise<void> {
  await copyPipeline(loop, "stray", name);
  const workflowId = workflowIds.child(workflowIds.retrain(name, 2, 1), "roll-out");
  const rollout = await startRollout(loop, name, { policy: { soakSeconds: 3600 }, workflowId });
  await reached(rollout, { phase: "step", percent: 50 });
  await terminate(workflowId);
}

const service = (name: string) => loop.emulator.client.services.find(serviceName(name));
const jobState = async (): Promise<string> => (await loop.emulator.client.jobs.get(job)).state.current_state;
const schedule = () => loop.client.schedule.getHandle(janitorScheduleId).describe();
const told = (name: string, kind: string) => receiver.taken(name).filter((alert) => alert.kind === kind);

describe("the janitor", () => {
  it("is started by a schedule that a worker makes, and that people can change and pause", async () => {
    expect((await schedule()).spec.intervals).toMatchObject([{ every: 120_000 }]);
    expect(await loop.tuneloop("janitor", "pause", "--reason", "migration")).toMatchObject({ code: 0 });
    expect((await schedule()).state).toMatchObject({ paused: true, note: "migration" });
    expect(await loop.tuneloop("janitor", "schedule", "--every", "600")).toMatchObject({ code: 0 });
    const { spec, state, action } = await schedule();
    expect([spec.intervals, state.paused]).toMatchObject([[{ every: 600_000 }], false]);
    expect(action.args).toEqual([{ graceSeconds: 120, alerts: [{ kind: "log" }] }]);
  });

  it("says in a dry run what it would end, and ends nothing", async () => {
    const said = await until(
      "an end of the grace period",
      async () => {
        const { stdout } = await loop.tuneloop("janitor", "run", "--grace", "1", "--dry-run");
        return stdout.includes(job) && stdout.includes("stray-2") && stdout.includes("half-2") && stdout;
      },
      30_000,
    );
    expect(said).toContain(`(${job}): its workflow retrain/left/1/fine-tune is terminated`);
    expect(said).toContain("stray-2 beside the champion of pipeline-stray: its cycle retrain/stray/2 is terminated");
    expect(said).toContain("half-2 beside the champion of pipeline-half: its cycle retrain/half/2 is gone");
    expect(await jobState()).toBe("RUNNING");
    expect((await service("stray"))?.canary_version?.version).toBe("stray-2");
    expect((await service("half"))?.canary_version).toMatchObject({ version: "half-2", weight: 50 });
  });

  it("ends it by its schedule, leaves the champions alone, and tells the people of each pipeline, a dead sink or not", async () => {
    expect(await loop.tuneloop("janitor", "schedule", "--every", "1", "--grace", "1")).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/every 1 s .* for 1 s, and tells: the people of the pipeline, log\.$/m),
    });
    const isEnded = async () => (await jobState()) === "TERMINATED";
    await until("the end of the job", isEnded, 90_000);
    for (const name of ["stray", "half"]) {
      const isDown = async () => !(await service(name))?.canary_version;
      await until(`the end of ${name}-2`, isDown, 90_000);
      expect(await askService(loop, name)).toBe(`${name}-1`);
      expect(await readRegistry(loop, name)).toMatchObject({ champion: `${name}-1`, challenger: null });
    }
    const isTold = () => told("left", "reaped").length + told("stray", "reaped").length >= 3;
    await until("the people to be told", isTold, 90_000);
    expect(told("left", "reaped")).toMatchObject([{ pipeline: "left", severity: "warning" }]);
    expect(told("left", "reaped")[0]?.text[0]).toContain(`(${job}), which has trained left-1 since `);
    // The copy has the people of what it was copied from.
    const [half, stray] = told("stray", "reaped").toSorted((a, b) => a.pipeline.localeCompare(b.pipeline));
    expect(stray).toMatchObject({ pipeline: "stray", title: expect.stringContaining("stray-2") });
    expect(half?.text[0]).toContain("It had 50 % of the users' traffic; half-1 gets all of it.");
    expect(await loop.tuneloop("janitor", "run", "--grace", "1")).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^There is nothing to end: /),
    });
  });

  it("tells those whom its schedule names, once, of a registry that it cannot read", async () => {
    const file = join(loop.stack.stateDirectory, "ops.yaml");
    writeFileSync(file, JSON.stringify({ alerts: [receiver.sink("ops")] }));
    await loop.store.put(objectKeys.registry("damaged"), "{}");
    const { code, stdout } = await loop.tuneloop("janitor", "schedule", "--alerts", file);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/every 1 s .*, webhook http:\/\/127\.0\.0\.1:\d+\.$/m)]);
    await until("the alert", () => told("ops", "not-reaped").length > 0, 90_000);
    const { numActionsTaken } = (await schedule()).info;
    await until("two more passes", async () => (await schedule()).info.numActionsTaken > numActionsTaken + 1, 90_000);
    expect(told("ops", "not-reaped")).toMatchObject([{ pipeline: "damaged", severity: "error" }]);
    expect(told("ops", "not-reaped")[0]?.text[0]).toContain("registry/damaged.json");
    expect(await loop.tuneloop("janitor", "run", "--grace", "1")).toMatchObject({
      code: 1,
      stdout: expect.stringContaining("Could not look at the service of damaged"),
    });
  });
});
