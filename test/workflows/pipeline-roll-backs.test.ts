/** The order to bring a champion of before back, given to a pipeline that is at something else. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { approveUpdate } from "../../workflows/approval-messages.ts";
import { rollBackUpdate } from "../../workflows/pipeline-messages.ts";
import { TypedFailure } from "../../src/domain/failures.ts";
import { aPipelineDefinition } from "../support/builders.ts";
import { startPipeline, type TestPipeline } from "../support/pipelines.ts";
import { failureOf, startTestTemporal, type TestTemporal } from "../support/temporal.ts";
import { Door, type World } from "../support/world.ts";

let temporal: TestTemporal;
let world: World;
let pipeline: TestPipeline;
let before: string;
let champion: string;
let challenger: string;
let cycle: string;

beforeAll(async () => {
  temporal = await startTestTemporal(import.meta.filename);
});
beforeEach(() => {
  world = temporal.newWorld();
  [before, champion, challenger] = [`${world.name}-8`, `${world.name}-9`, `${world.name}-1`];
  cycle = `retrain/${world.name}/1`;
  world.crown(champion);
  const moved = { at: "2026-01-01T00:00:00.000Z", alias: "champion" as const, workflowId: "w", reason: "better" };
  const history = [
    { ...moved, from: null, to: before },
    { ...moved, from: before, to: champion },
  ];
  world.registry = { ...world.registry, history };
});
afterEach(() => temporal.endAll());
afterAll(() => temporal.stop());

const order = { reason: "too many complaints", by: "ann" };
const rollBack = (request: object = order) =>
  pipeline.handle.executeUpdate(rollBackUpdate, { args: [request as typeof order] });
const rolledBack = () => pipeline.until(({ lastRollBack }) => expect(lastRollBack).toContain("is champion again"));

async function start(overrides: object = {}): Promise<void> {
  pipeline = await startPipeline(temporal, { ...aPipelineDefinition({ name: world.name }), ...overrides });
}

/** Starts a cycle, whose activity then waits at a door. */
async function startCycleUntil(
  activity: "submitTraining" | "setWeight" | "askQuestions" | "takeDown",
  model: string | null = null,
): Promise<Door> {
  const door = new Door();
  const wait = async (request: { model?: string }, usual: () => Promise<unknown>): Promise<unknown> => {
    if (model === null || request.model === model) await door.pass();
    return usual();
  };
  Object.assign(world.behaviours, { [activity]: wait });
  await start();
  world.commit(100);
  await pipeline.tellVersion(1);
  await door.reached;
  return door;
}

/** Where the first questions to a version wait, or to any. */
function doorAtProbes(version: string | null = null): Door {
  const door = new Door();
  world.when("probe", async ({ model }, usual) => {
    if (version === null || model === version) await door.pass();
    return usual();
  });
  return door;
}

/** How the cycle has ended, by its report. */
const reported = () =>
  vi.waitFor(() => {
    const report = world.reports.at(-1);
    if (report === undefined) throw new Error("no report yet");
    return report;
  }, 20_000);

describe("the order rollBack of a pipeline", () => {
  it("brings the champion before back, and another order the one that was rolled back", async () => {
    await start();
    expect(await rollBack()).toEqual({ accepted: true, orderId: "rollBack-1" });
    const state = await pipeline.until(({ champion }) => expect(champion).toBe(before));
    expect(state).toMatchObject({
      lastRollBack: `roll-back/${world.name}/1: ${before} is champion again`,
      rollBack: null,
      rollBackWanted: null,
      lastOutcome: null,
    });
    await rollBack();
    await pipeline.until((now) => expect(now.champion).toBe(champion));
    await temporal.record(pipeline.handle, "rolled-back");
  });

  it.each([
    [{}, "reason: say why"],
    [{ reason: "x", to: "music-1" }, "to: must be a model version such as"],
    [{ reason: "x", replaceOthers: "yes" }, "replaceOthers: must be true or false"],
    [{ reason: "x", force: true }, "force: unknown field"],
  ])("is refused when given %j", async (request, said) => {
    await start();
    await expect(rollBack(request)).rejects.toMatchObject({
      cause: { type: "InvalidInput", message: expect.stringContaining(said) },
    });
  });

  it("takes the champion that is wanted, and what it may replace", async () => {
    world.serving = { hotfix: 100 };
    await start();
    await rollBack({ ...order, to: champion, replaceOthers: true });
    await rolledBack();
    expect(world.serving).toEqual({ [champion]: 100 });
  });

  it("is refused while another one runs, which the state names", async () => {
    const door = doorAtProbes();
    await start();
    await rollBack();
    await door.reached;
    const running = `roll-back/${world.name}/1`;
    await expect(rollBack()).rejects.toMatchObject({
      cause: { message: `${running} is bringing a champion of before back already` },
    });
    expect(await pipeline.state()).toMatchObject({
      rollBack: running,
      status: `${running} is bringing a champion of before back.`,
    });
    door.open();
    await rolledBack();
  });

  it("follows a rollback of its id that was left running", async () => {
    const door = doorAtProbes();
    const workflowId = `roll-back/${world.name}/1`;
    const { sources: _, ...definition } = aPipelineDefinition({ name: world.name });
    await temporal.start("rollBack", workflowId, { pipeline: definition, ...order });
    await door.reached;
    await start();
    expect(await rollBack()).toMatchObject({ accepted: true });
    await pipeline.until((state) => expect(state.rollBack).toBe(workflowId));
    door.open();
    await rolledBack();
    expect(world.traffic.filter((said) => said === `${before} alone`)).toHaveLength(1);
  });

  it("is begun though the dataset cannot be read", async () => {
    world.when("readPipeline", async () => {
      throw new TypedFailure("InvalidData", "the manifest is damaged");
    });
    await start();
    await rollBack();
    await vi.waitFor(() => expect(world.registry.champion).toBe(before), 20_000);
  });

  it("goes on over continue-as-new, whose next run knows how it ended", async () => {
    const door = doorAtProbes();
    await start();
    await rollBack();
    await door.reached;
    while ((await pipeline.runs()).length === 1)
      for (let signal = 0; signal < 20; signal++) await pipeline.tellNews("again");
    expect(await pipeline.state()).toMatchObject({ rollBack: `roll-back/${world.name}/1` });
    door.open();
    await pipeline.until((state) => expect(state.champion).toBe(before));
  });

  it("ends with the pipeline that is cancelled", async () => {
    world.when("probe", async (_, usual) => {
      if (world.serving[before] === 0) throw new Error("not yet");
      return usual();
    });
    await start();
    await rollBack();
    await vi.waitFor(() => expect(world.story()).toContain("probe"), 20_000);
    await pipeline.handle.cancel();
    expect(await failureOf(pipeline.handle)).toBe("cancelled");
    expect(world.serving).toEqual({ [champion]: 100 });
    expect(world.registry).toMatchObject({ champion, lock: null });
  });
});

describe("the order rollBack beside a cycle", () => {
  it("that trains changes nothing for it: it is compared with who is champion then", async () => {
    const door = await startCycleUntil("submitTraining");
    await rollBack();
    await rolledBack();
    door.open();
    const report = await reported();
    expect(report).toMatchObject({ outcome: "promoted", champion: { version: before } });
    expect(world.registry.champion).toBe(challenger);
  });

  it("that brings its challenger up waits for that, takes it down again and ends the cycle", async () => {
    const door = await startCycleUntil("setWeight", challenger);
    await rollBack();
    await vi.waitFor(() => expect(world.story()).toContain("awaitLock"), 20_000);
    expect(world.registry.champion).toBe(champion);
    door.open();
    await rolledBack();
    await expectOvertaken();
  });

  it("that asks questions takes its challenger down and ends it, which its report and alert say", async () => {
    const door = await startCycleUntil("askQuestions");
    await rollBack();
    await rolledBack();
    door.open();
    const report = await expectOvertaken();
    expect(report.decision).toBeNull();
    await pipeline.until((state) => expect(state).toMatchObject({ cycle: null, rollBack: null, champion: before }));
    const moves = world.registry.history.filter(({ to }) => to === null);
    expect(moves).toMatchObject([{ alias: "challenger", from: challenger, to: null }]);
    expect(moves[0]?.reason).toBe(`${before} takes its place: rolled back by ann: too many complaints`);
  });

  it("that hears nonsense of its challenger's end goes on", async () => {
    const door = await startCycleUntil("askQuestions");
    await temporal.client.workflow.getHandle(cycle).signal("takenDown", { reason: "nonsense" });
    door.open();
    expect(await reported()).toMatchObject({ outcome: "promoted" });
  });

  it("that waits for an approval leaves none open, and promotes nobody", async () => {
    const { decide, ...definition } = aPipelineDefinition({ name: world.name });
    await start({ ...definition, decide: { ...decide, approval: { deadlineSeconds: 86_400 } } });
    world.commit(100);
    await pipeline.tellVersion(1);
    await pipeline.until(({ approval }) => expect(approval?.cycle).toBe(challenger));
    await rollBack();
    await pipeline.until(({ approval }) => expect(approval).toBeNull());
    const late = pipeline.handle.executeUpdate(approveUpdate, { args: [order] });
    await expect(late).rejects.toMatchObject({ cause: { message: "nothing waits for an approval" } });
    await rolledBack();
    await expectOvertaken();
    expect(world.approvals).toEqual({});
  });

  it("that is withdrawing its challenger waits for that, and leaves the cycle its outcome", async () => {
    world.verdict = "keep";
    const door = await startCycleUntil("takeDown", challenger);
    await rollBack();
    await vi.waitFor(() => expect(world.story()).toContain("awaitLock"), 20_000);
    door.open();
    await rolledBack();
    expect(await reported()).toMatchObject({ outcome: "kept", failure: null });
  });

  it("whose rollout meets users is refused with the commands that send that one back", async () => {
    const door = new Door();
    world.when("look", async (_, usual) => {
      await door.pass();
      return usual();
    });
    await start();
    world.commit(100);
    await pipeline.tellVersion(1);
    await door.reached;
    await expect(rollBack()).rejects.toMatchObject({
      cause: {
        message:
          `${cycle}/roll-out is moving users' traffic of ${world.name}: send that rollout back by ` +
          `tuneloop rollout rollback ${world.name} --reason "why", or by temporal workflow update execute ` +
          `-w ${cycle}/roll-out --name rollBack --input '{"reason":"why"}', or wait for its end`,
      },
    });
    door.open();
    expect(await reported()).toMatchObject({ outcome: "promoted" });
    await pipeline.until(({ meetsUsersBy }) => expect(meetsUsersBy).toBeNull());
    await rollBack();
    await rolledBack();
    expect(world.registry.champion).toBe(champion);
  });

  it("that begins meanwhile waits for its turn", async () => {
    const door = doorAtProbes(before);
    await start();
    await rollBack();
    await door.reached;
    world.commit(100);
    await pipeline.tellVersion(1);
    await vi.waitFor(() => expect(world.story()).toContain("awaitLock"), 20_000);
    door.open();
    expect(await reported()).toMatchObject({ outcome: "promoted", champion: { version: before } });
  });

  /** The cycle has ended because of the rollback, and has left nothing behind. */
  async function expectOvertaken() {
    const report = await reported();
    expect(report.outcome).toBe("failed");
    expect(report.failure).toBe(
      `ServiceChanged: ${challenger} was taken down by roll-back/${world.name}/1/roll-out: ` +
        `${before} takes its place: rolled back by ann: too many complaints`,
    );
    await pipeline.until((state) => expect(state.cycle).toBeNull());
    await vi.waitFor(() => expect(world.alerts.map(({ kind }) => kind)).toContain("failed"), 20_000);
    const told = world.alerts.find(({ kind }) => kind === "failed");
    expect(told?.text.join(" ")).toContain("rolled back by ann: too many complaints");
    expect(world.serving).toEqual({ [before]: 100 });
    expect(world.registry).toMatchObject({ champion: before, challenger: null, lock: null });
    expect(world.traffic).not.toContain(`${challenger} at 50`);
    return report;
  }
});
