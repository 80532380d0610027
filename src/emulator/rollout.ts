import type { ServiceRecord, VersionRecord } from "./service-records.ts";

/** Shares of requests that an automatic rollout gives its canary, one after the other, in percent. */
export const ROLLOUT_STEPS = [10, 25, 50, 75, 100] as const;

/** How long an automatic rollout takes from the canary's health to the last step, in milliseconds, unless told otherwise. */
export const ROLLOUT_MS = 2000;

/** What a rollout does next. */
export type Move =
  /** Nothing; look again after `ms`, null: when something changes. */
  | { kind: "wait"; ms: number | null }
  /** Gives the canary this share of the requests. */
  | { kind: "shift"; canaryPercent: number }
  /** Gives all requests back to the primary version, for a reason. */
  | { kind: "back"; reason: string }
  /** Makes the canary the primary version. */
  | { kind: "complete" };

/**
 * The next move of a service's rollout. Only a running canary gains requests; to lose them it need not run. An automatic
 * rollout goes through {@link ROLLOUT_STEPS} in `rolloutMs` and turns back when its canary is unhealthy; a manual one
 * goes to its target at once and stays there.
 */
export function nextMove(
  { canary, rollout }: Pick<ServiceRecord, "canary" | "rollout">,
  nowMs: number,
  rolloutMs: number,
): Move {
  const wait = (ms: number | null = null): Move => ({ kind: "wait", ms });
  if (canary === null || rollout.goingBack) return wait();
  if (rollout.automatic && canary.state === "UNHEALTHY") {
    return { kind: "back", reason: `${canary.version} is unhealthy: ${canary.message}` };
  }
  if (rollout.stuck) return wait();
  if (canary.target < canary.weight) return { kind: "shift", canaryPercent: canary.target };
  if (canary.state !== "RUNNING") return wait();
  if (canary.weight < canary.target) {
    if (!rollout.automatic) return { kind: "shift", canaryPercent: canary.target };
    const pauseMs = rolloutMs / (ROLLOUT_STEPS.length - 1);
    const dueMs = rollout.movedAt === null ? nowMs : Date.parse(rollout.movedAt) + pauseMs;
    if (nowMs < dueMs) return wait(dueMs - nowMs);
    return { kind: "shift", canaryPercent: ROLLOUT_STEPS.find((step) => step > canary.weight) ?? 100 };
  }
  return canary.weight === 100 && rollout.autoComplete ? { kind: "complete" } : wait();
}

/** Sets the canary's share of the requests; the primary version has the rest. */
export function shift({ primary, canary }: Pick<ServiceRecord, "primary" | "canary">, canaryPercent: number): void {
  primary.weight = 100 - canaryPercent;
  if (canary !== null) canary.weight = canaryPercent;
}

/** Sets the share that the canary is to have. */
export function aim({ primary, canary }: Pick<ServiceRecord, "primary" | "canary">, canaryPercent: number): void {
  primary.target = 100 - canaryPercent;
  if (canary !== null) canary.target = canaryPercent;
}

/** Whether several versions can have their targets: every one that is to gain requests runs. */
export function canSettle(versions: Pick<VersionRecord, "state" | "target" | "weight">[]): boolean {
  return versions.every(({ state, target, weight }) => target <= weight || state === "RUNNING");
}
