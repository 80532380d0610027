import { ScheduleOverlapPolicy } from "@temporalio/client";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { AlertChoice } from "../../src/domain/alert-choice-schema.ts";
import { TypedFailure } from "../../src/domain/failures.ts";
import type { Orphan } from "../../src/domain/janitor-schema.ts";
import type { janitor, JanitorResult } from "../../workflows/janitor.ts";
import { taskQueues } from "../../workflows/names.ts";
import { failureOf, startTestTemporal, type TestTemporal } from "../support/temporal.ts";
import type { World } from "../support/world.ts";

let temporal: TestTemporal;
let world: World;

beforeAll(async () => {
  temporal = await startTestTemporal(import.meta.filename);
});
beforeEach(() => {
  world = temporal.newWorld();
});
afterAll(() => temporal.stop());

const aJob = (id: string, pipeline = "games"): Orphan => ({
  kind: "job",
  id,
  name: `train-${id}`,
  pipeline,
  model: `${pipeline}-2`,
  since: "2026-01-01T00:00:00.000Z",
  owner: { workflowId: `retrain/${pipeline}/2/fine-tune`, status: "terminated" },
});
const orphans = [aJob("job-1"), aJob("job-2")];
const hook = (name: string): AlertChoice => ({
  kind: "webhook",
  url: `https://ops.example/${name}`,
  signingSecret: "HOOK_KEY",
});
const log: AlertChoice = { kind: "log" };

const finds = (found: Orphan[], unreadable: { pipeline: string; what: string; reason: string }[] = []): void =>
  world.when("findOrphans", async () => ({ orphans: found, unreadable }));
const refuses = async (): Promise<never> => {
  throw new TypedFailure("Refused", "403");
};
const start = (input: object) => temporal.start<typeof janitor>("janitor", `janitor/${world.name}`, input);
/** What was sent to whom, in order of the pipelines and sinks. */
const told = (): string[] =>
  world
    .requests("sendAlert")
    .map(({ alert, sink }) => `${alert.kind} of ${alert.pipeline} to ${"url" in sink ? sink.url : sink.kind}`)
    .toSorted();

describe("janitor", () => {
  it("ends what it finds, and tells people what", async () => {
    finds(orphans);
    const handle = await start({});
    expect(await handle.result()).toEqual({ dryRun: false, orphans, unended: [], unreadable: [] });
    expect(world.requests("endOrphan")).toEqual(orphans);
    await vi.waitFor(() => expect(told()).toEqual(["reaped of games to log"]));
    expect(world.alerts[0]?.text[0]).toContain("Job train-job-1 (job-1)");
    await temporal.record(handle, "ended");
  });

  it("tells the people of each pipeline of its own, and those of the janitor of everything, nobody twice", async () => {
    finds([aJob("job-1"), aJob("job-2", "chess")]);
    world.when("readPeople", async ({ pipeline }) => ({ alerts: [log, hook(pipeline)] }));
    await (await start({ alerts: [log, hook("ops")] })).result();
    await vi.waitFor(() =>
      expect(told()).toEqual([
        "reaped of chess to https://ops.example/chess",
        "reaped of chess to https://ops.example/ops",
        "reaped of chess to log",
        "reaped of games to https://ops.example/games",
        "reaped of games to https://ops.example/ops",
        "reaped of games to log",
      ]),
    );
  });

  it("tells those of the janitor alone where it cannot be read who the others are", async () => {
    finds([aJob("job-1"), aJob("job-2", "chess")]);
    world.when("readPeople", async ({ pipeline }) => {
      if (pipeline === "games") throw new TypedFailure("InvalidData", "registry/games.json: name: is missing");
      return { alerts: [hook("chess")] };
    });
    expect(await (await start({})).result()).toMatchObject({ unended: [], unreadable: [] });
    await vi.waitFor(() =>
      expect(told()).toEqual([
        "reaped of chess to https://ops.example/chess",
        "reaped of chess to log",
        "reaped of games to log",
      ]),
    );
  });

  it("ends nothing in a dry run, and tells nobody but who asked", async () => {
    finds(orphans);
    const handle = await start({ dryRun: true });
    expect(await handle.result()).toEqual({ dryRun: true, orphans, unended: [], unreadable: [] });
    expect(world.requests("endOrphan")).toEqual([]);
    expect(world.alerts).toEqual([]);
    await temporal.record(handle, "dry-run");
  });

  it("goes on with the others when one cannot be ended, and says which", async () => {
    finds(orphans);
    world.when("endOrphan", async (orphan, usual) =>
      orphan.kind === "job" && orphan.id === "job-1" ? refuses() : usual(),
    );
    const { orphans: ended, unended } = await (await start({})).result();
    expect(ended).toEqual([orphans[1]]);
    expect(unended).toEqual([
      { pipeline: "games", what: "job train-job-1 (job-1)", reason: "Refused: 403", passes: 1 },
    ]);
    await vi.waitFor(() => expect(told()).toEqual(["reaped of games to log"]));
  });

  it("says nothing of what somebody wanted again meanwhile", async () => {
    finds(orphans);
    world.when("endOrphan", async () => ({ ended: false }));
    expect(await (await start({})).result()).toMatchObject({ orphans: [], unended: [] });
    expect(world.alerts).toEqual([]);
  });

  it("does nothing where there is nothing", async () => {
    expect(await (await start({})).result()).toMatchObject({ orphans: [] });
    expect(world.alerts).toEqual([]);
  });

  it("fails at once and names the field that is wrong", async () => {
    expect(await failureOf(await start({ graceSeconds: -1 }))).toContain("InvalidInput: graceSeconds: ");
  });
});

describe("janitor that a schedule starts", () => {
  it("tells people of what it cannot end or look at in its second pass running, and never again", async () => {
    finds([aJob("job-1")], [{ pipeline: "chess", what: "the service of chess", reason: "it is damaged" }]);
    world.when("endOrphan", refuses);
    world.when("readPeople", async () => ({ alerts: [hook("games")] }));
    const handle = await temporal.client.schedule.create({
      scheduleId: `janitor-${world.name}`,
      spec: {},
      action: {
        type: "startWorkflow",
        workflowType: "janitor",
        workflowId: `janitor/${world.name}/pass`,
        taskQueue: taskQueues.main,
        args: [{}],
      },
      policies: { overlap: ScheduleOverlapPolicy.SKIP },
    });
    try {
      for (const pass of [1, 2, 3]) {
        await handle.trigger(ScheduleOverlapPolicy.SKIP);
        const result = await vi.waitFor(async () => {
          const actions = (await handle.describe()).info.recentActions;
          const [workflowId = ""] = actions.slice(pass - 1).map(({ action }) => action.workflow.workflowId);
          return (await temporal.client.workflow.result(workflowId)) as JanitorResult;
        }, 30_000);
        expect([...result.unended, ...result.unreadable].map(({ passes }) => passes)).toEqual([pass, pass]);
        const all = [
          "not-reaped of chess to log",
          "not-reaped of games to https://ops.example/games",
          "not-reaped of games to log",
        ];
        await vi.waitFor(() => expect(told()).toEqual(pass === 1 ? [] : all));
      }
    } finally {
      await handle.delete();
    }
  });
});
