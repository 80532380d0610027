/** Every way in which a rollout fails, and what people hear of it. A rollout by itself: a cycle tells of its own end too. */
import type { WorkflowHandle } from "@temporalio/client";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { AlertKind } from "../../src/domain/alert-schema.ts";
import { TypedFailure, type FailureType } from "../../src/domain/failures.ts";
import type { RolloutOrder } from "../../src/domain/rollout.ts";
import { rolloutQuery, rolloutUpdate } from "../../workflows/roll-out-messages.ts";
import type { rollOut } from "../../workflows/roll-out.ts";
import { aQuickRollout, aRollOutInput } from "../support/builders.ts";
import { failureOf, startTestTemporal, type TestTemporal } from "../support/temporal.ts";
import type { World } from "../support/world.ts";

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

const judge = (verdict: "fail" | "hold"): void => {
  world.gates = [{ gate: "quality", verdict, reason: "quality: -8.0 points" }];
};
const fails = (type: FailureType, message: string) => async (): Promise<never> => {
  throw new TypedFailure(type, message);
};
const give = (order: RolloutOrder) => async (handle: Handle) => {
  const isThere = async () =>
    expect(await handle.query(rolloutQuery)).toMatchObject({ phase: order === "reject" ? "approval" : "step" });
  await vi.waitFor(isThere, 20_000);
  await handle.executeUpdate(rolloutUpdate(order), { args: [{ reason: "because", by: "ann" }] });
};
const approval = { deadlineSeconds: 3600 };

/** How it is brought about, the alerts in order of their names, and what all of them say of why. */
interface Path {
  cause?: () => void;
  policy?: object;
  meanwhile?: (handle: Handle) => Promise<unknown>;
  told: AlertKind[];
  why: RegExp;
}

const paths: Record<string, Path> = {
  "the version does not answer before it meets users": {
    cause() {
      world.serving = { [champion]: 100 };
      world.registry = { ...world.registry, challenger: null };
      world.when("probe", fails("ProbeFailed", "8 of 8 questions"));
    },
    told: ["rollout-back"],
    why: /ProbeFailed: 8 of 8 questions/,
  },
  "the service cannot give it a share": {
    cause: () => world.when("awaitWeight", fails("ServiceFailed", "it is unhealthy")),
    told: ["rollout-back"],
    why: /ServiceFailed: it is unhealthy/,
  },
  "the service refuses for good": {
    cause: () => world.when("setWeight", fails("Refused", "403")),
    told: ["rollout-back"],
    why: /Refused: 403/,
  },
  "a gate fails": { cause: () => judge("fail"), told: ["rollout-back"], why: /quality: -8\.0 points/ },
  "gates cannot tell": {
    cause: () => judge("hold"),
    policy: { holdSeconds: 0.3 },
    told: ["rollout-back", "rollout-held"],
    why: /quality: -8\.0 points/,
  },
  "looks fail for good": {
    cause: () => world.when("look", fails("InvalidData", "observations are damaged")),
    told: ["rollout-back"],
    why: /InvalidData: observations are damaged/,
  },
  "somebody else changes the service": {
    cause: () => world.when("look", fails("ServiceChanged", "it shows hotfix")),
    told: ["rollout-back"],
    why: /ServiceChanged: it shows hotfix/,
  },
  "somebody does not agree to a step": {
    policy: { steps: [10, { percent: 100, approval }] },
    meanwhile: give("reject"),
    told: ["rollout-back", "step-approval-wanted"],
    why: /rejected by ann: because|nobody has answered/,
  },
  "nobody answers in time": {
    policy: { steps: [{ percent: 100, approval: { deadlineSeconds: 0.2, onDeadline: "go-back" } }] },
    told: ["rollout-back", "step-approval-wanted"],
    why: /nobody (has )?answered by/,
  },
  "somebody aborts it": {
    policy: { soakSeconds: 3600 },
    meanwhile: give("abort"),
    told: ["rollout-back"],
    why: /aborted by ann: because/,
  },
  "somebody sends it back": {
    policy: { soakSeconds: 3600 },
    meanwhile: give("rollBack"),
    told: ["rollout-back"],
    why: /rolled back by ann: because/,
  },
  "it is cancelled": {
    policy: { soakSeconds: 3600 },
    async meanwhile(handle) {
      await vi.waitFor(async () => expect(await handle.query(rolloutQuery)).toMatchObject({ phase: "step" }), 20_000);
      await handle.cancel();
    },
    told: ["rollout-back"],
    why: /cancelled/,
  },
  "the provider's steps take too long": {
    policy: { mode: "automatic", readySeconds: 0.5 },
    cause() {
      world.when("setWeight", async (request, usual) => (request.percent === null ? { reached: false } : usual()));
    },
    told: ["rollout-back"],
    why: /the provider left/,
  },
  "the champion does not answer when it has all traffic again": {
    cause() {
      judge("fail");
      world.when("probe", fails("ProbeFailed", "quality: -8.0 points, and 8 of 8 questions"));
    },
    told: ["champion-silent", "rollout-back"],
    why: /quality: -8\.0 points/,
  },
};

describe("a rollout that goes back", () => {
  it.each(Object.entries(paths))("tells people why, and what users get, when %s", async (_, path) => {
    path.cause?.();
    const given = {
      ...aRollOutInput({ pipeline: world.name, target: "promoted" }),
      policy: { ...aQuickRollout, ...path.policy },
    };
    const handle = await temporal.start<typeof rollOut>("rollOut", `roll-out/${world.name}`, given);
    await path.meanwhile?.(handle);
    await failureOf(handle);
    await vi.waitFor(() => expect(world.alerts.map(({ kind }) => kind).toSorted()).toEqual(path.told), 20_000);
    for (const { text, workflowId, pipeline, next } of world.alerts) {
      expect(text.join(" ")).toMatch(path.why);
      expect(text.join(" ")).toMatch(/[Uu]sers|traffic/);
      expect({ workflowId, pipeline }).toEqual({ workflowId: handle.workflowId, pipeline: world.name });
      expect(next.length).toBeGreaterThan(0);
    }
  });
});
