import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { TypedFailure } from "../../src/domain/failures.ts";
import type { rollBack } from "../../workflows/roll-back.ts";
import { aPipelineDefinition } from "../support/builders.ts";
import { currentDetails, failureOf, startTestTemporal, type TestTemporal } from "../support/temporal.ts";
import { Door, type World } from "../support/world.ts";

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
    const details = await currentDetails(handle);
    expect(details).toContain(`**${before}** is champion again: \`rolled back by ann: too many complaints\`\n\nTold: `);
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
    expect(await currentDetails(handle)).toContain(
      `**${before}** could not be brought back: \`ProbeFailed: 8 of 8 probes failed\``,
    );
    await temporal.record(handle, "not-answering");
  });

  it("comes up alone where the service is gone, also as the champion of now", async () => {
    world.serving = {};
    await (await start()).result();
    expect(world.traffic).toEqual([`${before} alone`]);
    expect(world.registry).toMatchObject({ champion: before, lock: null });
    world.serving = {};
    await (await start({ to: before })).result();
    expect(world.serving).toEqual({ [before]: 100 });
    expect(world.registry.champion).toBe(before);
  });

  it("leaves nothing behind where the service is gone and the champion before does not answer", async () => {
    world.serving = {};
    world.when("probe", async () => {
      throw new TypedFailure("ProbeFailed", "8 of 8 probes failed");
    });
    expect(await failureOf(await start())).toBe("ProbeFailed: 8 of 8 probes failed");
    expect(world.serving).toEqual({});
    expect(world.registry.champion).toBe(champion);
  });

  it("takes the place of what others have brought up only once it answers", async () => {
    world.serving = { hotfix: 100 };
    world.when("probe", async ({ model }, usual) => {
      expect(world.serving).toEqual({ hotfix: 100, [model]: 0 });
      return usual();
    });
    await (await start({ replaceOthers: true })).result();
    expect(world.requests("setWeight").map(({ comeback }) => comeback)).toContainEqual({ replaceOthers: true });
    expect(world.serving).toEqual({ [before]: 100 });
  });

  it("names what can come back, not what others had, when somebody changes the service once more", async () => {
    world.serving = { hotfix: 100 };
    world.when("look", async () => {
      throw new TypedFailure("ServiceChanged", "hotfix-2");
    });
    expect(await failureOf(await start({ replaceOthers: true }))).toBe("ServiceChanged: hotfix-2");
    await vi.waitFor(() => expect(world.alerts).toHaveLength(2));
    const command = `tuneloop rollout rollback ${world.name} --to ${before} --replace-others --reason "why"`;
    expect(world.alerts.map(({ next }) => next.at(-1)?.command)).toEqual([command, command]);
  });

  it("shows the champion that comes up, not the challenger that it has taken down for that", async () => {
    const challenger = `${world.name}-3`;
    const door = new Door();
    world.registry = { ...world.registry, challenger };
    world.serving = { [champion]: 100, [challenger]: 0 };
    world.when("setWeight", async (_, usual) => {
      await door.pass();
      return usual();
    });
    const handle = await start();
    await door.reached;
    const comingUp = temporal.client.workflow.getHandle(`${handle.workflowId}/roll-out`);
    expect(await currentDetails(comingUp)).toBe(`**${before}**: coming up.`);
    expect(world.traffic).toEqual([`${challenger} down`]);
    door.open();
    await handle.result();
  });

  it("ends nothing that came between the order and its turn", async () => {
    const lock = { workflowId: "roll-out/other", runId: "1", acquiredAt: "2026-01-01T00:00:00.000Z", isBrief: true };
    world.registry = { ...world.registry, lock };
    const handle = await start();
    await vi.waitFor(() => expect(world.story()).toContain("awaitLock"), 20_000);
    world.registry = { ...world.registry, champion: `${world.name}-3`, lock: null };
    expect(await failureOf(handle)).toContain(`there is ${world.name}-3 now: nobody has asked for its end`);
    expect(world.traffic).toEqual([]);
  });

  it.each([
    ["RolloutLocked", "Send that rollout back", ""],
    ["ServiceChanged", "Replace what others have brought up", "--to FORMER --replace-others "],
    ["Refused", "Try again", "--to FORMER "],
  ] as const)("says what helps against %s", async (type, what, options) => {
    world.when("lockRollout", async () => {
      throw new TypedFailure(type, "no");
    });
    await failureOf(await start());
    await vi.waitFor(() => expect(world.alerts).toHaveLength(1));
    const command = `tuneloop rollout rollback ${world.name} ${options.replace("FORMER", before)}--reason "why"`;
    expect(world.alerts[0]?.next.at(-1)).toEqual({ what, command });
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
