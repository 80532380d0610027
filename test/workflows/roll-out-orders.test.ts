import type { WorkflowHandle } from "@temporalio/client";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { RolloutOrder } from "../../src/domain/rollout.ts";
import type { rollOut } from "../../workflows/roll-out.ts";
import { searchAttributes } from "../../workflows/search-attributes.ts";
import { rolloutQuery, rolloutUpdate } from "../../workflows/roll-out-messages.ts";
import { aRollOutInput } from "../support/builders.ts";
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
  world.crown(champion);
  world.serving = { [champion]: 100, [challenger]: 0 };
  world.registry = { ...world.registry, challenger };
});
afterAll(() => temporal.stop());

type Handle = WorkflowHandle<typeof rollOut>;
/** A day at each step, looked at ten times a second. */
const slow = { steps: [10, 50, 100], soakSeconds: 86_400, bakeSeconds: 86_400, probeSeconds: 0.1 };
const quick = { steps: [10, 50, 100], soakSeconds: 0.2, bakeSeconds: 0.2, probeSeconds: 0.1 };

const start = (policy: object = slow): Promise<Handle> =>
  temporal.start("rollOut", `roll-out/${world.name}`, {
    ...aRollOutInput({ pipeline: world.name, target: "promoted" }),
    policy,
  });
const order = (handle: Handle, name: RolloutOrder, reason = "because") =>
  handle.executeUpdate(rolloutUpdate(name), { args: [{ reason, by: "ann" }] });
const until = (expectation: () => void | Promise<void>) => vi.waitFor(expectation, 60_000);
const atPercent = (handle: Handle, percent: number) =>
  until(async () => expect(await handle.query(rolloutQuery)).toMatchObject({ phase: "step", percent }));
const looks = (): number => world.looks.reduce((sum, count) => sum + count, 0);
const kinds = (): string[] => world.alerts.map(({ kind }) => kind);

describe("orders of a rollout", () => {
  it("pause holds the step beyond its soak while its gates are still watched, until resume", async () => {
    const handle = await start({ ...quick, steps: [10, 100], soakSeconds: 2 });
    await atPercent(handle, 10);
    expect((await handle.query(rolloutQuery)).waitUntil).toMatch(/^\d{4}-.*Z$/);
    await order(handle, "pause");
    await until(() => expect(looks()).toBeGreaterThan(6));
    const paused = { percent: 10, paused: { reason: "because", by: "ann" }, waitUntil: null };
    expect(await handle.query(rolloutQuery)).toMatchObject(paused);
    await order(handle, "resume");
    expect(await handle.result()).toMatchObject({ champion: challenger });
    await temporal.record(handle, "paused");
  });

  it("pause before the first step lets the challenger meet nobody, until resume", async () => {
    const approval = { deadlineSeconds: 3600 };
    const handle = await start({ ...quick, steps: [{ percent: 10, approval }, 100] });
    await until(async () => expect(await handle.query(rolloutQuery)).toMatchObject({ phase: "approval", percent: 0 }));
    await order(handle, "pause");
    await order(handle, "approve");
    await until(async () =>
      expect(await handle.query(rolloutQuery)).toMatchObject({ approvalUntil: null, percent: 0 }),
    );
    expect(world.traffic).toEqual([]);
    await until(async () =>
      expect((await handle.describe()).typedSearchAttributes.get(searchAttributes.stage)).toBe("rollout 0 %"),
    );
    await expect(order(handle, "reject")).rejects.toMatchObject({
      cause: { message: `no step of the rollout of ${challenger} waits for approval` },
    });
    await order(handle, "resume");
    expect(await handle.result()).toMatchObject({ champion: challenger });
  });

  it("a gate that fails during a pause sends the rollout back all the same", async () => {
    const handle = await start();
    await atPercent(handle, 10);
    await order(handle, "pause");
    world.gates = [{ gate: "error rate", verdict: "fail", reason: "16 of 16" }];
    expect(await failureOf(handle)).toBe("GateFailed: 16 of 16");
    expect(world.serving).toEqual({ [champion]: 100 });
  });

  it("promote goes to 100 % at once, and once more ends the bake time", async () => {
    const handle = await start();
    await atPercent(handle, 10);
    await order(handle, "promote");
    await until(async () => expect(await handle.query(rolloutQuery)).toMatchObject({ phase: "bake", percent: 100 }));
    await order(handle, "promote");
    const { champion: crowned, done } = await handle.result();
    expect(crowned).toBe(challenger);
    expect(done.map(({ percent }) => percent)).toEqual([10, 100, 100]);
    expect(world.traffic).toEqual([`${challenger} at 10`, `${challenger} at 100`, `${challenger} alone`]);
    await temporal.record(handle, "promoted-at-once");
  });

  it.each<RolloutOrder>(["abort", "rollBack"])("%s gives all traffic back, with who and why", async (name) => {
    const handle = await start();
    await atPercent(handle, 10);
    await order(handle, name, "too many complaints");
    const said = name === "abort" ? "aborted" : "rolled back";
    expect(await failureOf(handle)).toBe(`RolledBack: ${challenger} was ${said} by ann: too many complaints`);
    expect(world.serving).toEqual({ [champion]: 100 });
    expect(world.registry).toMatchObject({ champion, challenger: null, lock: null });
    await until(() => expect(kinds()).toEqual(["rollout-back"]));
    await temporal.record(handle, name);
  });

  it("rollBack gives all traffic back in the bake time, too", async () => {
    const handle = await start({ ...slow, soakSeconds: 0 });
    await until(async () => expect(await handle.query(rolloutQuery)).toMatchObject({ phase: "bake" }));
    await order(handle, "rollBack");
    expect(await failureOf(handle)).toContain("RolledBack");
    expect(world.traffic.at(-1)).toBe(`${challenger} down`);
  });

  it("are refused with the reason when they mean nothing now, or are no orders", async () => {
    const handle = await start();
    await atPercent(handle, 10);
    await expect(order(handle, "approve")).rejects.toMatchObject({
      cause: { type: "InvalidInput", message: `no step of the rollout of ${challenger} waits for approval` },
    });
    await expect(handle.executeUpdate("abort", { args: [{ why: "x" }] })).rejects.toMatchObject({
      cause: { message: "why: unknown field" },
    });
    await handle.cancel();
    await failureOf(handle);
  });
});

describe("looks", () => {
  it("count for the wait that they belong to, also when an order ends it", async () => {
    const handle = await start({ ...slow, steps: [10, 100] });
    await atPercent(handle, 10);
    await until(() => expect(world.looks[0]).toBeGreaterThan(10));
    await order(handle, "promote");
    await until(async () => expect(await handle.query(rolloutQuery)).toMatchObject({ phase: "bake", percent: 100 }));
    await order(handle, "promote");
    const { done } = await handle.result();
    expect(done.map(({ percent }) => percent)).toEqual([10, 100, 100]);
    expect(done[0]?.looks).toBe(1);
    expect(done[1]?.looks).toBe(1);
  });

  it("leave no news to wait for when the rollout is over", async () => {
    const handle = await start(quick);
    await handle.result();
    expect(await handle.query(rolloutQuery)).toMatchObject({ phase: "promoted", nextCheckAt: null, waitUntil: null });
    const { typedSearchAttributes } = await handle.describe();
    expect(typedSearchAttributes.get(searchAttributes.nextCheck)).toBeUndefined();
    expect(typedSearchAttributes.get(searchAttributes.trafficPercent)).toBe(100);
  });
});

describe("an order that comes too late to cancel anything", () => {
  it("ends the rollout all the same, before the champion of before does", async () => {
    world.registry = { ...world.registry, champion: null };
    world.serving = { [challenger]: 100 };
    const door = new Door();
    world.when("probe", async (_, usual) => {
      await door.pass();
      return usual();
    });
    const handle = await start(quick);
    await door.reached;
    await order(handle, "abort", "not this one");
    door.open();
    expect(await failureOf(handle)).toBe(`RolledBack: ${challenger} was aborted by ann: not this one`);
    expect(world.registry).toMatchObject({ champion: null, lock: null });
    expect(world.serving).toEqual({});
  });
});

describe("a step that waits for approval", () => {
  const policy = { ...quick, steps: [10, { percent: 100, approval: { deadlineSeconds: 3600 } }] };
  const waiting = (handle: Handle) =>
    until(async () => expect(await handle.query(rolloutQuery)).toMatchObject({ phase: "approval", percent: 10 }));

  it("goes on when somebody agrees, whom an alert has told how", async () => {
    const handle = await start(policy);
    await waiting(handle);
    await until(() => expect(kinds()).toEqual(["step-approval-wanted"]));
    await order(handle, "approve");
    expect(await handle.result()).toMatchObject({ champion: challenger });
    await temporal.record(handle, "approved-step");
  });

  it("is still watched at the share that the challenger has, and goes back when a gate fails meanwhile", async () => {
    const handle = await start(policy);
    await waiting(handle);
    world.gates = [{ gate: "error rate", verdict: "fail", reason: "16 of 16" }];
    expect(await failureOf(handle)).toBe("GateFailed: 16 of 16");
    expect(world.serving).toEqual({ [champion]: 100 });
  });

  it("is not taken while the rollout is paused, also when somebody has agreed", async () => {
    const handle = await start(policy);
    await waiting(handle);
    await order(handle, "pause");
    await order(handle, "approve");
    const before = looks();
    await until(async () => expect(await handle.query(rolloutQuery)).toMatchObject({ phase: "step", percent: 10 }));
    await until(() => expect(looks()).toBeGreaterThan(before));
    await order(handle, "resume");
    expect(await handle.result()).toMatchObject({ champion: challenger });
  });

  it("goes back when somebody does not", async () => {
    const handle = await start(policy);
    await waiting(handle);
    await order(handle, "reject", "not on a friday");
    expect(await failureOf(handle)).toBe(`RolledBack: ${challenger} at 100 %: rejected by ann: not on a friday`);
    expect(world.serving).toEqual({ [champion]: 100 });
  });

  it.each([
    ["go-back", false],
    ["proceed", true],
  ])("does at the deadline what the policy says: %s", async (onDeadline, isPromoted) => {
    const steps = [{ percent: 100, approval: { deadlineSeconds: 0.2, onDeadline } }];
    const handle = await start({ ...quick, steps });
    if (isPromoted) expect(await handle.result()).toMatchObject({ champion: challenger });
    else expect(await failureOf(handle)).toContain("nobody answered by");
  });
});

describe("gates that cannot tell", () => {
  it("hold the step, tell people once, and let it go on when they can", async () => {
    world.gates = [{ gate: "users' feedback", verdict: "hold", reason: "2 of the 50 pieces of feedback" }];
    const handle = await start({ ...quick, steps: [100] });
    await until(() => expect(kinds()).toEqual(["rollout-held"]));
    world.gates = [{ gate: "users' feedback", verdict: "pass", reason: "+1 point" }];
    expect(await handle.result()).toMatchObject({ champion: challenger });
    expect(kinds()).toEqual(["rollout-held"]);
    await temporal.record(handle, "held");
  });

  it("hold a step without a soak, too, without asking again and again", async () => {
    world.gates = [{ gate: "users' feedback", verdict: "hold", reason: "2 of the 50 pieces of feedback" }];
    const handle = await start({ ...quick, steps: [100], soakSeconds: 0, holdSeconds: 1 });
    expect(await failureOf(handle)).toContain("GateUndecided: 2 of the 50 pieces of feedback");
    const { historyLength } = await handle.describe();
    expect(historyLength).toBeLessThan(300);
  });

  it("send the rollout back when they could not for as long as the policy bears", async () => {
    world.gates = [{ gate: "users' feedback", verdict: "hold", reason: "2 of the 50 pieces of feedback" }];
    const handle = await start({ ...quick, steps: [100], holdSeconds: 0.5 });
    expect(await failureOf(handle)).toBe("GateUndecided: 2 of the 50 pieces of feedback");
    expect(world.serving).toEqual({ [champion]: 100 });
    await temporal.record(handle, "undecided");
  });

  it("leave little in history however often they say something else", async () => {
    const flap = ["pass", "hold"] as const;
    world.when("look", (_, usual) => {
      world.gates = [{ gate: "own", verdict: flap[looks() % 2] ?? "pass", reason: "now this, now that" }];
      return usual();
    });
    const handle = await start({ ...quick, steps: [100], soakSeconds: 600 });
    await until(() => expect(looks()).toBeGreaterThan(30));
    await order(handle, "promote");
    expect(await handle.result()).toMatchObject({ champion: challenger });
    expect((await handle.describe()).historyLength).toBeLessThan(280);
  });
});
