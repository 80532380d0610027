/** Rollouts that have to wait for each other. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { rollOut } from "../../workflows/roll-out.ts";
import { rolloutQuery, rolloutUpdate } from "../../workflows/roll-out-messages.ts";
import { aQuickRollout, aRollOutInput } from "../support/builders.ts";
import { failureOf, startTestTemporal, type TestTemporal } from "../support/temporal.ts";
import type { World } from "../support/world.ts";

let temporal: TestTemporal;
let world: World;

beforeAll(async () => {
  temporal = await startTestTemporal(import.meta.filename);
});
beforeEach(() => {
  world = temporal.newWorld();
  world.crown(`${world.name}-1`);
  const lock = { workflowId: "roll-out/other", runId: "1", acquiredAt: "2026-01-01T00:00:00.000Z", isBrief: true };
  world.registry = { ...world.registry, lock };
});
afterEach(() => temporal.endAll());
afterAll(() => temporal.stop());

/** Starts a rollout and waits until it waits. */
async function start(target: "silent" | "promoted" | "withdrawn", readySeconds = 60) {
  const policy = { ...aRollOutInput({ pipeline: world.name, target }).policy, ...aQuickRollout, readySeconds };
  const input = { ...aRollOutInput({ pipeline: world.name, target }), policy };
  const handle = await temporal.start<typeof rollOut>("rollOut", `roll-out/${world.name}`, input);
  await vi.waitFor(() => expect(world.story()).toContain("awaitLock"), 20_000);
  return handle;
}

describe("a rollout beside one that is over soon", () => {
  it.each(["silent", "promoted"] as const)("waits for it and goes on: %s", async (target) => {
    const handle = await start(target);
    expect(await handle.query(rolloutQuery)).toMatchObject({ phase: "starting", target, model: `${world.name}-2` });
    expect(world.traffic).toEqual([]);
    world.registry = { ...world.registry, lock: null };
    await handle.result();
    expect(world.registry.lock).toBeNull();
    expect(world.traffic[0]).toBe(`${world.name}-2 at 0`);
    await temporal.record(handle, `waited-${target}`);
  });

  it("gives up when that takes longer than the policy bears, and leaves the lock alone", async () => {
    const handle = await start("silent", 1);
    expect(await failureOf(handle)).toMatch(/^RolloutLocked: another rollout of .* was not over after 1 s: /);
    expect(world.registry.lock?.workflowId).toBe("roll-out/other");
    expect(world.traffic).toEqual([]);
  });

  it("can be ended by an order, and by a cancellation, while it waits", async () => {
    const ordered = await start("promoted");
    await ordered.executeUpdate(rolloutUpdate("abort"), { args: [{ reason: "not now", by: "ann" }] });
    expect(await failureOf(ordered)).toBe(`RolledBack: ${world.name}-2 was aborted by ann: not now`);
    const cancelled = await start("promoted");
    await cancelled.cancel();
    expect(await failureOf(cancelled)).toBe("cancelled");
    expect(world.traffic).toEqual([]);
    expect(world.registry.lock?.workflowId).toBe("roll-out/other");
  });
});
