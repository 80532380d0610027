/** Rollouts while users ask: what they see of them, and what takes a challenger back. */
import type { WorkflowHandle } from "@temporalio/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serviceName } from "../../src/domain/ids.ts";
import type { CycleReport } from "../../src/domain/report-schema.ts";
import type { alertPeople } from "../../workflows/alert-people.ts";
import { workflowIds } from "../../workflows/names.ts";
import type { rollOut } from "../../workflows/roll-out.ts";
import { rolloutUpdate } from "../../workflows/roll-out-messages.ts";
import { startAlertReceiver, type AlertReceiver } from "../support/alert-receiver.ts";
import { until } from "../support/emulator.ts";
import {
  alertsOf,
  aPipeline,
  askService,
  FEW_QUESTIONS,
  feed,
  giveTestSet,
  readRegistry,
  sampleLines,
  startLoop,
  weightsAsked,
  type Loop,
} from "../support/loop.ts";
import {
  ask,
  copyPipeline,
  looksOf,
  reached,
  startRollout,
  watchWeights,
  type Moment,
  type Rollout,
  type Traffic,
} from "../support/rollouts.ts";
import { failureOf } from "../support/temporal.ts";

const ORIGIN = "origin";
let receiver: AlertReceiver;
let loop: Loop;

beforeAll(async () => {
  receiver = await startAlertReceiver();
  loop = await startLoop(receiver.environment);
  await giveTestSet(loop, FEW_QUESTIONS);
  await (await feed(loop, aPipeline(loop, { name: ORIGIN }), 1, sampleLines({ seed: 1, count: 60 }))).cycle.result();
});

afterAll(async () => {
  await loop.stop();
  await receiver.stop();
});

/** What holds at every moment of a rollout that begins with a champion. */
function expectSafe(moments: Moment[], champion: string): void {
  expect(moments.length).toBeGreaterThan(10);
  for (const { weights, running } of moments) {
    expect(Object.values(weights).reduce((sum, weight) => sum + weight, 0)).toBe(100);
    // Until it is completed the champion can answer; afterwards who is primary does.
    expect(running).toContain(champion in weights ? champion : Object.keys(weights)[0]);
  }
}

async function expectChampion(name: string, champion: string): Promise<void> {
  const service = await loop.emulator.client.services.find(serviceName(name));
  expect(service).toMatchObject({ canary_version: null, primary_version: { version: champion, weight: 100 } });
  expect(await readRegistry(loop, name)).toMatchObject({ champion, challenger: null, lock: null });
  expect(await askService(loop, name)).toBe(champion);
}

/** Kinds of the alerts that a rollout has sent, once there are so many; the same in any order. */
function kindsOf({ workflowId }: Rollout, count: number): Promise<unknown[]> {
  return until(
    `${count} alerts of ${workflowId}`,
    () => {
      const kinds = alertsOf(loop, workflowId).map(({ kind }) => kind);
      return kinds.length >= count && kinds.toSorted((a, b) => String(a).localeCompare(String(b)));
    },
    30_000,
  );
}

describe("a cycle whose challenger is promoted while users ask", () => {
  let report: CycleReport;
  let moments: Moment[];
  let answers: Traffic["answers"];

  beforeAll(async () => {
    const rollout = { steps: [10, 50, 100], soakSeconds: 1.5, bakeSeconds: 2, probeSeconds: 0.5 };
    const pipeline = aPipeline(loop, { name: ORIGIN, rollout });
    const { cycle } = await feed(loop, pipeline, 2, sampleLines({ seed: 2, count: 240 }));
    const child = (step: string) =>
      loop.client.workflow.getHandle<typeof rollOut>(workflowIds.child(cycle.workflowId, step));
    const isUp = () =>
      child("silent")
        .describe()
        .then(
          () => true,
          () => false,
        );
    await until("the challenger to come up", isUp, 120_000);
    const traffic = ask(loop, ORIGIN);
    const eye = watchWeights(loop, ORIGIN);
    await reached(child("roll-out"), { percent: 50 });
    const match = { name: serviceName(ORIGIN) };
    await loop.emulator.fault({ match, times: 3, effect: { kind: "service-state", state: "SOMETHING_NEW" } });
    report = await cycle.result();
    moments = await eye.stop();
    answers = await traffic.stop();
  });

  it("keeps 100 % of the traffic given out and the champion able to answer, at every moment", () => {
    expect(report.outcome).toBe("promoted");
    expectSafe(moments, "origin-1");
    const shares = moments.map(({ weights }) => weights["origin-2"] ?? 0);
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect(new Set(shares)).toEqual(new Set([0, 10, 50, 100]));
  });

  it("fails no request", () => {
    expect(answers.length).toBeGreaterThan(20);
    expect(answers.filter(({ problem }) => problem !== null)).toEqual([]);
    expect(answers.at(-1)?.model).toBe("origin-2");
  });

  it("lets the challenger meet nobody before it is decided on", async () => {
    const entries = await loop.emulator.ledger(serviceName(ORIGIN));
    const first = entries.find(({ request }) => request["canary_percent"] === 10);
    const decidedMs = Date.parse(first?.time ?? "");
    const early = answers.filter(({ at }) => at < decidedMs);
    expect(early.length).toBeGreaterThan(5);
    expect(new Set(early.map(({ model }) => model))).toEqual(new Set(["origin-1"]));
    expect(moments.some(({ at, weights }) => at < decidedMs && weights["origin-2"] === 0)).toBe(true);
  });
});

// Pipelines of their own, which wait most of the time.
describe.concurrent("a challenger that gets worse once it has all traffic", () => {
  it("is taken back by itself within two looks, and the champion is asked whether it answers", async () => {
    const name = "degrades";
    await copyPipeline(loop, ORIGIN, name);
    const eye = watchWeights(loop, name);
    const rollout = await startRollout(loop, name, { policy: { bakeSeconds: 3600 } });
    await reached(rollout, { phase: "bake", percent: 100 });
    const wornAt = Date.now();
    await loop.emulator.fault({
      match: { name: serviceName(name), version: `${name}-2`, minWeight: 100 },
      times: 100_000,
      effect: { kind: "service-degrade", status: 500 },
    });
    expect(await failureOf(rollout)).toMatch(/^GateFailed: /);
    expectSafe(await eye.stop(), `${name}-1`);
    await expectChampion(name, `${name}-1`);
    const late = (await looksOf(loop, name, rollout)).filter(({ at }) => Date.parse(at) > wornAt);
    // The first may have been under way.
    expect(late.length).toBeLessThanOrEqual(2);
    const { events } = await rollout.fetchHistory();
    const types = events?.flatMap((event) => event.activityTaskScheduledEventAttributes?.activityType?.name ?? []);
    expect(types?.slice(-3)).toEqual(["takeDown", "awaitDown", "probe"]);
    const [alert] = alertsOf(loop, rollout.workflowId);
    expect(alert).toMatchObject({ kind: "rollout-back", msg: `${name}-2 goes back from 100 % of the traffic` });
  });
});

describe.concurrent("a service that answers nobody any more", () => {
  it("sends the challenger back, and says that the champion with all traffic does not answer either", async () => {
    const name = "mute";
    await copyPipeline(loop, ORIGIN, name);
    const rollout = await startRollout(loop, name, { policy: { steps: [50, 100], soakSeconds: 3600 } });
    await reached(rollout, { phase: "step", percent: 50 });
    const effect = { kind: "service-degrade", status: 500 };
    await loop.emulator.fault({ match: { name: serviceName(name) }, times: 100_000, effect });
    expect(await failureOf(rollout)).toMatch(/^GateFailed: error rate/);
    expect(await kindsOf(rollout, 2)).toEqual(["champion-silent", "rollout-back"]);
    const silent = alertsOf(loop, rollout.workflowId).find(({ kind }) => kind === "champion-silent");
    expect(silent).toMatchObject({ level: 50, msg: "mute-1 has all traffic again and does not answer" });
    expect(await readRegistry(loop, name)).toMatchObject({ champion: "mute-1", challenger: null, lock: null });
  });
});

describe.concurrent("a challenger that users like less", () => {
  it("is taken back by feedback, also when the service refuses five times, and people are told of both", async () => {
    const name = "disliked";
    await copyPipeline(loop, ORIGIN, name);
    const traffic = ask(loop, name);
    const rollout = await startRollout(loop, name, { policy: { steps: [50, 100], soakSeconds: 3600 } });
    await reached(rollout, { phase: "step", percent: 50 });
    const refused = { name: serviceName(name), path: "/rollback$" };
    await loop.emulator.fault({ match: refused, times: 5, effect: { kind: "status", status: 500 } });
    const opinions = Array.from({ length: 40 }, () => [
      { model: `${name}-2`, score: 0 },
      { model: `${name}-1`, score: 1 },
    ]).flat();
    const key = `feedback/${name}/${new Date().toISOString()}-app.jsonl`;
    await loop.store.put(key, opinions.map((opinion) => JSON.stringify(opinion)).join("\n"));
    expect(await failureOf(rollout)).toContain("users' feedback: -100.0 points");
    await expectChampion(name, `${name}-1`);
    expect((await traffic.stop()).filter(({ problem }) => problem !== null)).toEqual([]);
    expect(await kindsOf(rollout, 2)).toEqual(["rollback-fails", "rollout-back"]);
    const orders = (await loop.emulator.ledger(serviceName(name))).filter(({ path }) => path.endsWith("/rollback"));
    expect(orders.map(({ status }) => status)).toEqual([500, 500, 500, 500, 500, 200]);
  });
});

describe.concurrent("a service that somebody else changes", () => {
  it("stops the rollout, keeps the other's version, and lets no other rollout replace it", async () => {
    const name = "changed";
    await copyPipeline(loop, ORIGIN, name);
    const rollout = await startRollout(loop, name, { policy: { soakSeconds: 3600 } });
    await reached(rollout, { phase: "step", percent: 50 });
    const { services } = loop.emulator.client;
    const ours = (await services.find(serviceName(name)))?.canary_version;
    const { ray_serve_config: config, build_id: build, compute_config_id: compute } = ours ?? {};
    await services.apply({
      name: serviceName(name),
      version: "hotfix",
      ray_serve_config: config,
      build_id: build,
      compute_config_id: compute,
      canary_percent: 20,
    } as Parameters<typeof services.apply>[0]);
    expect(await failureOf(rollout)).toMatch(/^ServiceChanged: /);
    const hotfix = { primary_version: { version: `${name}-1` }, canary_version: { version: "hotfix", weight: 20 } };
    await until("the hotfix", async () => (await services.find(serviceName(name)))?.canary_version?.weight === 20);
    expect(await services.find(serviceName(name))).toMatchObject(hotfix);
    expect(await readRegistry(loop, name)).toMatchObject({ champion: `${name}-1`, challenger: null, lock: null });
    expect(await kindsOf(rollout, 1)).toEqual(["rollout-back"]);
    expect(alertsOf(loop, rollout.workflowId)[0]).toMatchObject({
      msg: `${name}-2 stops: somebody else changed the service`,
    });

    const next = await startRollout(loop, name);
    expect(await failureOf(next)).toContain("hotfix, which changed has not trained");
    expect(await services.find(serviceName(name))).toMatchObject(hotfix);
  });
});

describe.concurrent("a service that does not do what it is asked", () => {
  it("is not waited for beyond readySeconds: the rollout goes back and people are told", async () => {
    const name = "stuck";
    await copyPipeline(loop, ORIGIN, name);
    // The first of them brings it up without traffic.
    await loop.emulator.fault({ match: { name: serviceName(name) }, times: 2, effect: { kind: "service-stuck" } });
    const rollout = await startRollout(loop, name, { policy: { readySeconds: 5 } });
    expect(await failureOf(rollout)).toContain(`${name}-2 to 50 % took longer than 5 s`);
    await expectChampion(name, `${name}-1`);
    expect(await kindsOf(rollout, 1)).toEqual(["rollout-back"]);
  });

  it("is left when the challenger becomes unhealthy, without users having met it", async () => {
    const name = "unhealthy";
    await copyPipeline(loop, ORIGIN, name);
    const match = { name: serviceName(name), version: `${name}-2` };
    await loop.emulator.fault({ match, effect: { kind: "service-unhealthy" } });
    const rollout = await startRollout(loop, name);
    expect(await failureOf(rollout)).toContain("unhealthy");
    await expectChampion(name, `${name}-1`);
    expect(new Set(await weightsAsked(loop, name, `${name}-2`))).toEqual(new Set([0]));
    expect(await kindsOf(rollout, 1)).toEqual(["rollout-back"]);
  });
});

describe.concurrent("a sink that is down", () => {
  it.each(["refuses", "hangs"] as const)(
    "and %s holds up no way back, and is told once when it takes alerts again",
    async (how) => {
      await copyPipeline(loop, ORIGIN, how);
      receiver.fail(how, how);
      const policy = { steps: [50, 100], soakSeconds: 3600 };
      const rollout = await startRollout(loop, how, { policy, alerts: [receiver.sink(how), { kind: "log" }] });
      await reached(rollout, { phase: "step", percent: 50 });
      await rollout.executeUpdate(rolloutUpdate("abort"), { args: [{ reason: "too many complaints", by: "ann" }] });
      await until("somebody to be asked", () => receiver.attempts(how) > 0);
      expect(await failureOf(rollout)).toMatch(/^RolledBack: /);
      await expectChampion(how, `${how}-1`);
      expect(await kindsOf(rollout, 1)).toEqual(["rollout-back"]);
      expect(receiver.taken(how)).toEqual([]);

      const alert = await until("the alert's workflow", () => alertOf(how), 30_000);
      expect((await alert.describe()).status.name).toBe("RUNNING");
      receiver.fail(how, null);
      expect((await alert.result()).told).toHaveLength(2);
      expect(receiver.taken(how)).toMatchObject([{ kind: "rollout-back", pipeline: how, cycle: `${how}-2` }]);
      expect(receiver.attempts(how)).toBeGreaterThan(how === "refuses" ? 1 : 0);
    },
  );

  /** The workflow that tells people of a pipeline, once the server lists it. */
  async function alertOf(pipeline: string): Promise<WorkflowHandle<typeof alertPeople> | null> {
    const query = `WorkflowType = 'alertPeople' AND TuneloopPipeline = '${pipeline}'`;
    for await (const { workflowId } of loop.client.workflow.list({ query })) {
      return loop.client.workflow.getHandle<typeof alertPeople>(workflowId);
    }
    return null;
  }
});

describe.concurrent("steps that the provider takes", () => {
  it("end with the challenger as champion, and with the old one up until the bake time is over", async () => {
    const name = "automatic";
    await copyPipeline(loop, ORIGIN, name);
    const eye = watchWeights(loop, name);
    const policy = { mode: "automatic", bakeSeconds: 1, probeSeconds: 0.5 } as const;
    const rollout = await startRollout(loop, name, { policy });
    expect(await rollout.result()).toMatchObject({ champion: `${name}-2` });
    const moments = await eye.stop();
    expectSafe(moments, `${name}-1`);
    expect(new Set(moments.map(({ weights }) => weights[`${name}-2`] ?? 0)).size).toBeGreaterThan(3);
    await expectChampion(name, `${name}-2`);
    expect((await weightsAsked(loop, name, `${name}-2`)).filter((percent) => percent > 0 && percent < 100)).toEqual([]);
  });
});

describe("kill -9 of the worker in a rollout", () => {
  const names = ["step-10", "set-50", "step-100", "bake", "going-back", "approval"] as const;
  const rollouts = new Map<string, Rollout>();
  const policy = { steps: [10, 50, 100], bakeSeconds: 1 };

  beforeAll(async () => {
    await Promise.all(names.map((name) => copyPipeline(loop, ORIGIN, name)));
    await Promise.all([
      heldBy("step-10", { ...policy, soakSeconds: 2 }, { percent: 10 }),
      heldBy("step-100", { ...policy, steps: [{ percent: 100, soakSeconds: 2 }] }, { percent: 100, phase: "step" }),
      heldBy("bake", { ...policy, bakeSeconds: 3 }, { phase: "bake" }),
      heldAtSet(),
      heldGoingBack(),
      heldByApproval(),
    ]);
    const { stack } = loop;
    process.kill(stack.pids().worker ?? 0, "SIGKILL");
    await until("the return of the worker", () => stack.reports.includes("worker is back"), 60_000);
    for (const name of ["step-10", "step-100", "bake"]) await order(name, "resume");
    await order("approval", "approve");
  });

  it.each(["step-10", "set-50", "step-100", "bake", "approval"])(
    "at %s: it is promoted as if nothing had been",
    async (name) => {
      expect(await rollouts.get(name)?.result()).toMatchObject({ champion: `${name}-2` });
      await expectChampion(name, `${name}-2`);
      const weights = await weightsAsked(loop, name, `${name}-2`);
      expect(weights).toEqual(weights.toSorted((a, b) => a - b));
    },
  );

  it("between the order to go back and its answer: it goes back", async () => {
    await expect(rollouts.get("going-back")?.result()).rejects.toMatchObject({ cause: { type: "RolledBack" } });
    await expectChampion("going-back", "going-back-1");
  });

  async function order(name: string, given: "pause" | "resume" | "abort" | "approve"): Promise<void> {
    await rollouts.get(name)?.executeUpdate(rolloutUpdate(given), { args: [{ reason: "for the test" }] });
  }

  async function begin(name: string, given: object): Promise<Rollout> {
    const rollout = await startRollout(loop, name, { policy: given });
    rollouts.set(name, rollout);
    return rollout;
  }

  async function heldBy(name: string, given: object, where: Parameters<typeof reached>[1]): Promise<void> {
    await reached(await begin(name, given), where);
    await order(name, "pause");
  }

  async function heldAtSet(): Promise<void> {
    const rollout = await begin("set-50", { ...policy, soakSeconds: 3 });
    await reached(rollout, { percent: 10 });
    const match = { method: "PUT", path: "/apply$", name: serviceName("set-50") };
    await loop.emulator.fault({ match, effect: { kind: "hang", when: "after" } });
    await until("50 %", async () => (await weightsAsked(loop, "set-50", "set-50-2")).includes(50), 60_000);
  }

  async function heldGoingBack(): Promise<void> {
    const rollout = await begin("going-back", { ...policy, soakSeconds: 3600 });
    await reached(rollout, { percent: 10 });
    const match = { path: "/rollback$", name: serviceName("going-back") };
    await loop.emulator.fault({ match, effect: { kind: "hang", when: "after" } });
    await order("going-back", "abort");
    const orders = () => loop.emulator.ledger(serviceName("going-back"));
    await until("the rollback", async () => (await orders()).some(({ path }) => path.endsWith("/rollback")), 60_000);
  }

  async function heldByApproval(): Promise<void> {
    const steps = [10, { percent: 100, approval: { deadlineSeconds: 3600 } }];
    await reached(await begin("approval", { ...policy, steps }), { phase: "approval" });
  }
});
