import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { TypedFailure } from "../../src/domain/failures.ts";
import type { rollBack } from "../../workflows/roll-back.ts";
import { rollBackUpdate, stateQuery } from "../../workflows/pipeline-messages.ts";
import { aPipelineDefinition } from "../support/builders.ts";
import { failureOf, startTestTemporal, type TestTemporal } from "../support/temporal.ts";
import type { World } from "../support/world.ts";

let temporal: TestTemporal;
let world: World;
let before: string;
let champion: string;

beforeAll(async () => {
  temporal = await startTestTemporal(import.meta.filename);
});
beforeEach(() => {
  world = temporal.newWorld();
  before = `${world.name}-1`;
  champion = `${world.name}-2`;
  world.crown(champion);
  const moved = (from: string | null, to: string) => ({
    at: "2026-01-01T00:00:00.000Z",
    alias: "champion" as const,
    from,
    to,
    workflowId: "retrain",
    reason: "better",
  });
  world.registry = { ...world.registry, history: [moved(null, before), moved(before, champion)] };
});
afterAll(() => temporal.stop());

const start = (request: object = {}) =>
  temporal.start<typeof rollBack>("rollBack", `roll-back/${world.name}/1`, {
    pipeline: aPipelineDefinition({ name: world.name }),
    reason: "too many complaints",
    by: "ann",
    ...request,
  });

describe("rollBack", () => {
  it("gives the champion before all traffic and the alias, once it answers, and tells people", async () => {
    const handle = await start();
    expect(await handle.result()).toEqual({ outcome: "rolled-back", champion: before });
    expect(world.traffic).toEqual([`${before} at 0`, `${before} at 100`, `${before} alone`]);
    expect(world.registry).toMatchObject({ champion: before, challenger: null, lock: null });
    expect(world.registry.history.at(-1)?.reason).toBe("rolled back by ann: too many complaints");
    await vi.waitFor(() =>
      expect(world.alerts.map(({ title }) => title)).toEqual([`${world.name}: ${before} is champion again`]),
    );
    await temporal.record(handle, "rolled-back");
  });

  it("goes at once, whatever the policy asks of challengers, and is held by no gate but its answers", async () => {
    const rollout = { mode: "automatic" as const, gates: { feedback: { minExposure: 50 } } };
    const handle = await start({ pipeline: aPipelineDefinition({ name: world.name, rollout }) });
    await handle.result();
    expect(world.requests("look").map(({ policy }) => policy)).toMatchObject([
      { mode: "manual", gates: { latency: null, quality: null, feedback: null, own: [] } },
    ]);
  });

  it("leaves the champion its traffic when the one before does not answer, and tells people", async () => {
    world.when("probe", async ({ model }, usual) => {
      if (model === before) throw new TypedFailure("ProbeFailed", "8 of 8 probes failed");
      return usual();
    });
    const handle = await start();
    expect(await failureOf(handle)).toBe("ProbeFailed: 8 of 8 probes failed");
    expect(world.serving).toEqual({ [champion]: 100 });
    expect(world.registry.champion).toBe(champion);
    await vi.waitFor(() => expect(world.alerts.map(({ kind }) => kind)).toContain("rollback-fails"));
    await temporal.record(handle, "not-answering");
  });

  it.each([
    [{ to: "games-9" }, "was never champion"],
    [{ reason: "" }, "reason: "],
    [{ pipeline: {} }, "pipeline.name: "],
  ])("fails and says why when given %j", async (wrong, said) => {
    expect(await failureOf(await start(wrong))).toContain(said);
    expect(world.traffic).toEqual([]);
  });
});

describe("the order rollBack of a pipeline", () => {
  const startPipeline = () =>
    temporal.start("pipeline", `pipeline/${world.name}`, aPipelineDefinition({ name: world.name }));
  const order = { reason: "too many complaints", by: "ann" };

  it("brings the champion before back, in the place of a cycle", async () => {
    const handle = await startPipeline();
    const receipt = await handle.executeUpdate(rollBackUpdate, { args: [order] });
    expect(receipt).toEqual({ accepted: true, orderId: "rollBack-1" });
    await vi.waitFor(async () => expect((await handle.query(stateQuery)).champion).toBe(before), 20_000);
    expect((await handle.query(stateQuery)).lastOutcome).toBe(`roll-back/${world.name}/1: rolled-back`);
    await handle.cancel();
  });

  it("is refused without a reason", async () => {
    const handle = await startPipeline();
    await expect(handle.executeUpdate("rollBack", { args: [{}] })).rejects.toMatchObject({
      cause: { type: "InvalidInput", message: "reason: say why" },
    });
    await handle.cancel();
  });
});
