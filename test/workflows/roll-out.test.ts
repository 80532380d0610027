import type { WorkflowHandle } from "@temporalio/client";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { TypedFailure } from "../../src/domain/failures.ts";
import type { RollOutInput } from "../../src/domain/workflow-input-schema.ts";
import type { rollOut } from "../../workflows/roll-out.ts";
import { aQuickRollout, aRollOutInput } from "../support/builders.ts";
import { failureOf, startTestTemporal, type TestTemporal } from "../support/temporal.ts";
import { Door, type World } from "../support/world.ts";

let temporal: TestTemporal;
let world: World;
let champion: string;
let challenger: string;

beforeAll(async () => {
  temporal = await startTestTemporal(import.meta.filename);
});
beforeEach(() => {
  world = temporal.newWorld();
  champion = `${world.name}-1`;
  challenger = `${world.name}-2`;
});
afterAll(() => temporal.stop());

/** A champion that serves, and a challenger that is up beside it without traffic. */
function withChallenger(): void {
  world.crown(champion);
  world.serving = { [champion]: 100, [challenger]: 0 };
  world.registry = { ...world.registry, challenger };
}

const input = (target: RollOutInput["target"]) => aRollOutInput({ pipeline: world.name, target });
const startWith = (given: unknown): Promise<WorkflowHandle<typeof rollOut>> =>
  temporal.start("rollOut", `roll-out/${world.name}`, given);
const start = (target: RollOutInput["target"]) => startWith(input(target));

const failing = { gate: "error rate", verdict: "fail" as const, reason: "error rate: 16 of 16" };

describe("rollOut to silent", () => {
  it("brings a version up beside the champion without traffic and calls it challenger once it answers", async () => {
    world.crown(champion);
    const handle = await start("silent");
    expect(await handle.result()).toEqual({ champion, done: [] });
    expect(world.serving).toEqual({ [champion]: 100, [challenger]: 0 });
    expect(world.registry).toMatchObject({ champion, challenger, lock: null });
    expect(world.story()).toEqual(["lockRollout", "setWeight", "awaitWeight", "probe", "moveAliases", "unlockRollout"]);
    await temporal.record(handle, "silent");
  });

  it("takes a challenger down first that an earlier cycle left behind", async () => {
    world.crown(champion);
    world.serving = { [champion]: 100, [`${world.name}-0`]: 0 };
    world.registry = { ...world.registry, challenger: `${world.name}-0` };
    const handle = await start("silent");
    await handle.result();
    expect(world.traffic).toEqual([`${world.name}-0 down`, `${challenger} at 0`]);
    expect(world.registry.challenger).toBe(challenger);
    await temporal.record(handle, "silent-after-leftover");
  });

  it("takes the version down and gives it no alias when it cannot come up", async () => {
    world.crown(champion);
    world.when("awaitWeight", async () => {
      throw new TypedFailure("ServiceFailed", `${challenger} is unhealthy`);
    });
    const handle = await start("silent");
    expect(await failureOf(handle)).toBe(`ServiceFailed: ${challenger} is unhealthy`);
    expect(world.serving).toEqual({ [champion]: 100 });
    expect(world.registry).toMatchObject({ champion, challenger: null, lock: null });
    await temporal.record(handle, "silent-unhealthy");
  });
});

describe("rollOut to promoted", () => {
  it("moves traffic by the policy's steps, reads each back, looks at each, and moves the aliases last", async () => {
    withChallenger();
    world.settlePolls = 2;
    const handle = await start("promoted");
    const { done, ...end } = await handle.result();
    expect(end).toEqual({ champion: challenger });
    expect(done.map(({ percent, looks }) => ({ percent, looks }))).toEqual([
      { percent: 10, looks: 1 },
      { percent: 50, looks: 1 },
      { percent: 100, looks: 1 },
    ]);
    expect(world.traffic).toEqual(
      [10, 50, 100].map((percent) => `${challenger} at ${percent}`).concat(`${challenger} alone`),
    );
    const step = ["setWeight", "awaitWeight", "look"];
    const steps = [...step, ...step, ...step, "setWeight", "awaitWeight"];
    expect(world.story()).toEqual(["lockRollout", ...steps, "moveAliases", "unlockRollout"]);
    expect(world.requests("awaitWeight")).toHaveLength(4 * 3);
    expect(world.registry).toMatchObject({ champion: challenger, challenger: null, lock: null });
    expect(world.registry.history.map(({ alias, to }) => [alias, to])).toEqual([
      ["champion", challenger],
      ["challenger", null],
    ]);
    await temporal.record(handle, "promoted");
  });

  it("watches each step as long as it says, the rollout's own soak where it says nothing, and the bake time", async () => {
    withChallenger();
    const policy = {
      steps: [{ percent: 50, soakSeconds: 0.1 }, 100],
      soakSeconds: 0.3,
      bakeSeconds: 0.5,
      probeSeconds: 0.1,
    };
    const { done } = await (await startWith({ ...input("promoted"), policy })).result();
    expect(done.map(({ percent }) => percent)).toEqual([50, 100, 100]);
    for (const [index, least] of [0.1, 0.3, 0.5].entries()) expect(done[index]?.seconds).toBeGreaterThanOrEqual(least);
    expect(done.every(({ looks }) => looks > 0)).toBe(true);
  });

  it("makes the first champion without moving traffic, for it is alone", async () => {
    world.serving = { [challenger]: 100 };
    const handle = await start("promoted");
    await handle.result();
    expect(world.traffic).toEqual([]);
    expect(world.registry).toMatchObject({ champion: challenger, lock: null });
    await temporal.record(handle, "first-champion");
  });

  it("moves no traffic when the version is champion already and serves", async () => {
    world.crown(challenger);
    await (await start("promoted")).result();
    expect(world.traffic).toEqual([]);
    expect(world.registry).toMatchObject({ champion: challenger, lock: null });
  });

  it("brings a champion back that is gone from its service", async () => {
    world.crown(challenger);
    world.serving = {};
    await (await start("promoted")).result();
    expect(world.serving).toEqual({ [challenger]: 100 });
    expect(world.registry).toMatchObject({ champion: challenger, lock: null });
  });

  it("follows the weights with the alias when it is cancelled after the old champion has ended", async () => {
    withChallenger();
    const handle = await start("promoted");
    world.when("moveAliases", async (_, usual) => {
      await handle.cancel();
      return usual();
    });
    await handle.result().catch(() => {});
    expect(world.serving).toEqual({ [challenger]: 100 });
    expect(world.registry).toMatchObject({ champion: challenger, challenger: null, lock: null });
  });

  it("goes back to the champion when a gate fails at 50 %, tells people, and leaves the champion's alias alone", async () => {
    withChallenger();
    world.when("look", (_, usual) => {
      if (world.serving[challenger] === 50) world.gates = [failing];
      return usual();
    });
    const handle = await start("promoted");
    expect(await failureOf(handle)).toBe("GateFailed: error rate: 16 of 16");
    await vi.waitFor(() => expect(world.alerts.map(({ kind }) => kind)).toEqual(["rollout-back"]));
    expect(world.traffic).toEqual([`${challenger} at 10`, `${challenger} at 50`, `${challenger} down`]);
    expect(world.serving).toEqual({ [champion]: 100 });
    expect(world.registry).toMatchObject({ champion, challenger: null, lock: null });
    await temporal.record(handle, "gate-failed");
  });

  it("goes on going back until the service obeys, and tells people that it does not", async () => {
    withChallenger();
    world.gates = [failing];
    let refusals = 5;
    world.when("takeDown", async (_, usual) => {
      if (refusals-- > 0) throw new TypedFailure("Unavailable", "502", { retryAfterMs: 1 });
      return usual();
    });
    expect(await failureOf(await start("promoted"))).toBe("GateFailed: error rate: 16 of 16");
    expect(world.requests("takeDown")).toHaveLength(6);
    await vi.waitFor(() =>
      expect(world.alerts.map(({ kind }) => kind).toSorted()).toEqual(["rollback-fails", "rollout-back"]),
    );
    expect(world.serving).toEqual({ [champion]: 100 });
    expect(world.registry.lock).toBeNull();
  });

  it("tells people that it stops, and asks nobody else's version anything, when somebody else changed the service", async () => {
    withChallenger();
    world.when("look", async () => {
      world.serving = { other: 100 };
      throw new TypedFailure("ServiceChanged", "it shows other: somebody else changed it");
    });
    expect(await failureOf(await start("promoted"))).toContain("ServiceChanged");
    expect(world.serving).toEqual({ other: 100 });
    expect(world.requests("probe")).toEqual([]);
    await vi.waitFor(() => expect(world.alerts).toMatchObject([{ kind: "rollout-back" }]));
    expect(world.alerts[0]?.title).toContain("somebody else changed the service");
  });

  it("goes back when the service does not give the share that was asked for in time, and tells people", async () => {
    withChallenger();
    world.settlePolls = 10_000;
    world.when("takeDown", (_, usual) => {
      world.settlePolls = 0;
      return usual();
    });
    const handle = await startWith({ ...input("promoted"), policy: { ...aQuickRollout, readySeconds: 0.5 } });
    expect(await failureOf(handle)).toMatch(/^ServiceFailed: .*-2 to 10 % took longer than 1 s: /);
    expect(world.traffic).toEqual([`${challenger} at 10`, `${challenger} down`]);
    await vi.waitFor(() => expect(world.alerts.map(({ kind }) => kind)).toEqual(["rollout-back"]));
  });

  it("tells people each time that the way back does not work, also while a sink is still slow with the time before", async () => {
    withChallenger();
    world.gates = [failing];
    let refusals = 4;
    world.when("takeDown", async (_, usual) => {
      if (refusals-- > 0) throw new TypedFailure("Unavailable", "502", { retryAfterMs: 1 });
      return usual();
    });
    world.when("awaitDown", (_, usual) => {
      if (world.requests("awaitDown").length < 40)
        throw new TypedFailure("StillWaiting", "is down soon", { retryAfterMs: 20 });
      return usual();
    });
    const door = new Door();
    world.when("sendAlert", async (_, usual) => {
      await door.pass();
      return usual();
    });
    const handle = await startWith({ ...input("promoted"), policy: { ...aQuickRollout, readySeconds: 0.5 } });
    expect(await failureOf(handle)).toContain("GateFailed");
    door.open();
    const kinds = ["rollback-fails", "rollback-fails", "rollout-back"];
    await vi.waitFor(() => expect(world.alerts.map(({ kind }) => kind).toSorted()).toEqual(kinds), 10_000);
  });

  it("tells people when the version is not down in time, and goes on waiting for that", async () => {
    withChallenger();
    world.gates = [failing];
    world.when("awaitDown", (_, usual) => {
      if (world.alerts.length < 2) throw new TypedFailure("StillWaiting", "is down soon", { retryAfterMs: 20 });
      return usual();
    });
    const handle = await startWith({ ...input("promoted"), policy: { ...aQuickRollout, readySeconds: 0.5 } });
    expect(await failureOf(handle)).toContain("GateFailed");
    expect(world.alerts.map(({ kind }) => kind).toSorted()).toEqual(["rollback-fails", "rollout-back"]);
    expect(world.serving).toEqual({ [champion]: 100 });
  });

  it("takes the version down and gives the lock back when it is cancelled in a soak", async () => {
    withChallenger();
    const handle = await startWith({ ...input("promoted"), policy: { ...aQuickRollout, soakSeconds: 86_400 } });
    await vi.waitFor(() => expect(world.looks[0]).toBeGreaterThan(0), 10_000);
    await handle.cancel();
    expect(await failureOf(handle)).toBe("cancelled");
    expect(world.traffic).toEqual([`${challenger} at 10`, `${challenger} down`]);
    expect(world.registry).toMatchObject({ champion, challenger: null, lock: null });
    await temporal.record(handle, "cancelled-in-soak");
  });
});

describe("rollOut by the provider's own steps", () => {
  const policy = { ...aQuickRollout, mode: "automatic", probeSeconds: 0.1 };
  const automatic = (more: object = {}) => startWith({ ...input("promoted"), policy: { ...policy, ...more } });
  /** The provider takes a step at each look. */
  function stepAtEachLook(percents: number[]): void {
    world.when("look", (request, usual) => {
      const percent = request.percent === null ? percents.shift() : undefined;
      if (percent !== undefined) world.serving = { [champion]: 100 - percent, [challenger]: percent };
      return usual();
    });
  }

  it("orders them once, watches them to the end, and completes as always", async () => {
    withChallenger();
    stepAtEachLook([25, 60, 100]);
    const { done, champion: crowned } = await (await automatic({ readySeconds: 4 })).result();
    expect(crowned).toBe(challenger);
    // What lasts as long as one look may have been passed by.
    expect(done.map(({ percent }) => percent)).toEqual(expect.arrayContaining([0, 25, 100]));
    expect(done.at(-1)?.percent).toBe(100);
    expect(world.requests("setWeight").map(({ percent, complete }) => [percent, complete])).toEqual([
      [null, false],
      [100, false],
      [100, true],
    ]);
    expect(world.registry).toMatchObject({ champion: challenger, challenger: null });
  });

  it("takes the version back when a gate fails on the way", async () => {
    withChallenger();
    stepAtEachLook([25]);
    world.gates = [failing];
    expect(await failureOf(await automatic())).toContain("GateFailed");
    expect(world.serving).toEqual({ [champion]: 100 });
  });

  it("takes the version back when they do not come to an end in time", async () => {
    withChallenger();
    stepAtEachLook([25]);
    expect(await failureOf(await automatic({ readySeconds: 0.5 }))).toMatch(
      /^ServiceFailed: the provider left .* at 25 % for 1 s/,
    );
    expect(world.serving).toEqual({ [champion]: 100 });
  });
});

describe("rollOut against a champion", () => {
  it("refuses to replace another one than it was decided against, and takes the challenger down", async () => {
    withChallenger();
    const handle = await startWith({ ...input("promoted"), against: `${world.name}-0` });
    expect(await failureOf(handle)).toBe(
      `ServiceChanged: ${challenger} was decided against ${world.name}-0, and there is ${champion} now: nobody has compared them`,
    );
    expect(world.serving).toEqual({ [champion]: 100 });
    expect(world.registry).toMatchObject({ champion, challenger: null, lock: null });
  });

  it("goes on beside the one that it was decided against", async () => {
    withChallenger();
    const handle = await startWith({ ...input("promoted"), against: champion });
    expect(await handle.result()).toMatchObject({ champion: challenger });
  });
});

describe("rollOut to withdrawn", () => {
  it("takes the version down, sees it down, and takes its alias away", async () => {
    withChallenger();
    world.settlePolls = 1;
    const handle = await start("withdrawn");
    expect(await handle.result()).toEqual({ champion, done: [] });
    expect(world.serving).toEqual({ [champion]: 100 });
    expect(world.registry).toMatchObject({ champion, challenger: null, lock: null });
    expect(world.story()).toEqual(["lockRollout", "takeDown", "awaitDown", "moveAliases", "unlockRollout"]);
    await temporal.record(handle, "withdrawn");
  });

  it("never takes the champion down", async () => {
    world.crown(challenger);
    await (await start("withdrawn")).result();
    expect(world.serving).toEqual({ [challenger]: 100 });
    expect(world.registry.champion).toBe(challenger);
  });
});

describe("rollOut", () => {
  it("touches nothing while another rollout holds the lock, which it keeps", async () => {
    withChallenger();
    const lock = { workflowId: "roll-out/other", runId: "1", acquiredAt: "2026-01-01T00:00:00.000Z" };
    world.registry = { ...world.registry, lock };
    const handle = await start("promoted");
    expect(await failureOf(handle)).toBe("RolloutLocked: roll-out/other is moving traffic of this model");
    expect(world.story()).toEqual(["lockRollout"]);
    expect(world.registry.lock).toEqual(lock);
    await temporal.record(handle, "locked");
  });

  it.each([
    ["nothing", undefined, "InvalidInput: Invalid input: expected object, received undefined"],
    ["an unknown target", { target: "half" }, "InvalidInput: target: "],
    ["steps that do not rise", { policy: { steps: [50, 10, 100] } }, "InvalidInput: policy.steps: steps must rise"],
    [
      "steps that stop half-way",
      { policy: { steps: [10, 50] } },
      "InvalidInput: policy.steps: the last step must be 100",
    ],
    ["a step beyond 100 %", { policy: { steps: [101] } }, "InvalidInput: policy.steps.0: "],
    ["a soak that ends before it begins", { policy: { soakSeconds: -1 } }, "InvalidInput: policy.soakSeconds: "],
    ["no reason", { reason: "" }, "InvalidInput: reason: "],
  ])("fails at once and names the field when given %s", async (_, wrong, message) => {
    expect(await failureOf(await startWith(wrong && { ...input("promoted"), ...wrong }))).toContain(message);
    expect(world.calls).toEqual([]);
  });
});
