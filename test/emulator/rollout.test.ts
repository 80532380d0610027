import { describe, expect, it } from "vitest";
import { aim, canSettle, nextMove, ROLLOUT_STEPS, shift } from "../../src/emulator/rollout.ts";
import { newVersion } from "../../src/emulator/service-requests.ts";
import type { ServiceRecord } from "../../src/emulator/service-records.ts";

const START = Date.parse("2026-01-01T00:00:00Z");
const ROLLOUT_MS = 4000;

function aVersion(version: string, weight: number) {
  const applications = [{ import_path: "main:app" }];
  const request = { name: "svc", version, ray_serve_config: { applications }, build_id: "b", compute_config_id: "c" };
  return newVersion(request, weight);
}

/** A rollout of v2 that runs and has `weight`; automatic unless a target is given. */
function aRollout(weight: number, target: number | null = null) {
  const primary = { ...aVersion("v1", 100), state: "RUNNING" as const };
  const canary: NonNullable<ServiceRecord["canary"]> = { ...aVersion("v2", 0), state: "RUNNING" };
  const rollout: ServiceRecord["rollout"] = {
    automatic: target === null,
    autoComplete: true,
    goingBack: false,
    stuck: false,
    movedAt: null,
  };
  const service = { primary, canary, rollout };
  shift(service, weight);
  aim(service, target ?? 100);
  return service;
}

describe("nextMove", () => {
  it("takes an automatic rollout through all steps in the time given, weights always 100 together", () => {
    const service = aRollout(0);
    const seen: number[] = [];
    let nowMs = START;
    for (;;) {
      const move = nextMove(service, nowMs, ROLLOUT_MS);
      if (move.kind === "complete") break;
      if (move.kind === "wait") nowMs += move.ms ?? Infinity;
      if (move.kind === "shift") {
        shift(service, move.canaryPercent);
        service.rollout.movedAt = new Date(nowMs).toISOString();
        expect(service.primary.weight + service.canary.weight).toBe(100);
        seen.push(service.canary.weight);
      }
    }
    expect(seen).toEqual([...ROLLOUT_STEPS]);
    expect(nowMs - START).toBe(ROLLOUT_MS);
  });

  it("moves a manual rollout to its target at once, both ways, and completes at 100 only", () => {
    expect(nextMove(aRollout(10, 50), START, ROLLOUT_MS)).toEqual({ kind: "shift", canaryPercent: 50 });
    expect(nextMove(aRollout(50, 10), START, ROLLOUT_MS)).toEqual({ kind: "shift", canaryPercent: 10 });
    expect(nextMove(aRollout(50, 50), START, ROLLOUT_MS)).toEqual({ kind: "wait", ms: null });
    expect(nextMove(aRollout(100, 100), START, ROLLOUT_MS)).toEqual({ kind: "complete" });
  });

  it("holds at 100 when the rollout is not to complete by itself", () => {
    const service = aRollout(100, 100);
    service.rollout.autoComplete = false;
    expect(nextMove(service, START, ROLLOUT_MS)).toEqual({ kind: "wait", ms: null });
  });

  it.each(["STARTING", "UNHEALTHY"] as const)("gives a canary that is %s nothing, and takes what it has", (state) => {
    const gaining = aRollout(0, 50);
    gaining.canary.state = state;
    expect(nextMove(gaining, START, ROLLOUT_MS)).toEqual({ kind: "wait", ms: null });
    const losing = aRollout(50, 0);
    losing.canary.state = state;
    expect(nextMove(losing, START, ROLLOUT_MS)).toEqual({ kind: "shift", canaryPercent: 0 });
  });

  it("turns back when an automatic rollout's canary is unhealthy, and leaves a manual one to its owner", () => {
    for (const [service, kind] of [
      [aRollout(25), "back"],
      [aRollout(25, 25), "wait"],
    ] as const) {
      Object.assign(service.canary, { state: "UNHEALTHY", message: "no model" });
      expect(nextMove(service, START, ROLLOUT_MS)).toMatchObject({ kind });
    }
  });

  it.each(["stuck", "goingBack"] as const)("does nothing when it is %s", (flag) => {
    const service = aRollout(10);
    service.rollout[flag] = true;
    expect(nextMove(service, START, ROLLOUT_MS)).toEqual({ kind: "wait", ms: null });
  });

  it("does nothing without a canary", () => {
    expect(nextMove({ ...aRollout(0), canary: null }, START, ROLLOUT_MS)).toEqual({ kind: "wait", ms: null });
  });
});

describe("canSettle", () => {
  it.each([
    ["STARTING", 0, 30, false],
    ["RUNNING", 0, 30, true],
    ["UNHEALTHY", 30, 10, true],
    ["STARTING", 30, 30, true],
  ] as const)("of a %s version that is to go from %d to %d is %s", (state, weight, target, expected) => {
    expect(canSettle([{ state, weight, target }])).toBe(expected);
  });
});
