/** Champions that come back, by the very commands that errors and alerts print, while users ask. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findBinary } from "../../src/dev/binaries.ts";
import { temporalCli } from "../../src/dev/pinned-servers.ts";
import { serviceName } from "../../src/domain/ids.ts";
import type { CycleReport } from "../../src/domain/report-schema.ts";
import { taskQueues, workflowIds } from "../../workflows/names.ts";
import type { pipeline } from "../../workflows/pipeline.ts";
import { approveUpdate } from "../../workflows/approval-messages.ts";
import { runNowUpdate, stateQuery } from "../../workflows/pipeline-messages.ts";
import type { rollBack } from "../../workflows/roll-back.ts";
import { runCommand, TUNELOOP } from "../support/command.ts";
import { until } from "../support/emulator.ts";
import {
  alertsOf,
  aPipeline,
  askService,
  deliver,
  feed,
  giveTestSet,
  readRegistry,
  sampleLines,
  startLoop,
  startUpdate,
  weightsAsked,
  type Loop,
} from "../support/loop.ts";
import { ask, copyPipeline, reached, startRollout, watchWeights } from "../support/rollouts.ts";
import { failureOf } from "../support/temporal.ts";

const ORIGIN = "origin";
let loop: Loop;
let temporal: string;

beforeAll(async () => {
  loop = await startLoop();
  temporal = await findBinary(temporalCli, { environment: process.env, report: () => {} });
  await giveTestSet(loop);
  await (await feed(loop, aPipeline(loop, { name: ORIGIN }), 1, sampleLines({ seed: 1, count: 60 }))).cycle.result();
});

afterAll(() => loop.stop());

/** Runs a command as people do who copy it from a message. */
async function paste(command: string): Promise<string> {
  const shell = `tuneloop() { '${process.execPath}' '${TUNELOOP}' "$@"; }; temporal() { '${temporal}' "$@"; }; ${command}`;
  const { code, stdout, stderr } = await runCommand("sh", ["-c", shell], { environment: loop.stack.fullEnvironment });
  if (code !== 0) throw new Error(`${command}: ${stdout}${stderr}`);
  return stdout;
}

/** The command in a message that begins like this, up to its last argument. */
function commandIn(message: string, program: "tuneloop" | "temporal"): string {
  const [command = ""] = new RegExp(`${program} .*?(--reason "why"|--input '.*?')`).exec(message) ?? [];
  return command;
}

/** A pipeline that waits for data, whose second version is champion after the first; the third one has met nobody. */
async function aRunningPipeline(name: string): Promise<void> {
  await copyPipeline(loop, ORIGIN, name, [1, 2, 3]);
  await (await startRollout(loop, name)).result();
  await startPipeline(name);
}

async function startPipeline(name: string, overrides: object = {}) {
  return loop.client.workflow.start<typeof pipeline>("pipeline", {
    workflowId: workflowIds.pipeline(name),
    taskQueue: taskQueues.main,
    args: [aPipeline(loop, { name, ...overrides })],
  });
}

/** The rollback of a pipeline that was ordered as its so-manieth order. */
const rollBackOf = (name: string, number: number) =>
  loop.client.workflow.getHandle<typeof rollBack>(workflowIds.rollBack(name, number));

const serviceOf = (name: string) => loop.emulator.client.services.find(serviceName(name));

async function expectChampion(name: string, champion: string): Promise<void> {
  expect(await serviceOf(name)).toMatchObject({
    canary_version: null,
    primary_version: { version: champion, weight: 100 },
  });
  expect(await readRegistry(loop, name)).toMatchObject({ champion, challenger: null, lock: null });
  expect(await askService(loop, name)).toBe(champion);
}

async function terminate(name: string): Promise<void> {
  const { services } = loop.emulator.client;
  await services.terminate((await serviceOf(name))?.id ?? "");
  await until("the end of the service", async () => (await serviceOf(name))?.current_state === "TERMINATED", 30_000);
}

/** Deploys a version that no pipeline has trained; with all traffic it becomes the primary one. */
async function deployHotfix(name: string, percent: number): Promise<void> {
  const { services } = loop.emulator.client;
  const {
    ray_serve_config: config,
    build_id: build,
    compute_config_id: compute,
  } = (await serviceOf(name))?.primary_version ?? {};
  await services.apply({
    name: serviceName(name),
    version: "hotfix",
    ray_serve_config: config,
    build_id: build,
    compute_config_id: compute,
    canary_percent: percent,
  } as Parameters<typeof services.apply>[0]);
  await until(
    "the hotfix",
    async () => {
      const service = await serviceOf(name);
      return percent === 100
        ? service?.primary_version?.version === "hotfix" && service.canary_version === null
        : service?.canary_version?.weight === percent;
    },
    30_000,
  );
}

describe.concurrent("a service that somebody has terminated", () => {
  it("serves the champion again by the command in the error, and the one before by a plain order", async () => {
    const name = "gone";
    await aRunningPipeline(name);
    await terminate(name);
    // Nobody has judged the third version: it must not be alone with the users.
    const failure = await failureOf(await startRollout(loop, name, { version: 3 }));
    expect(failure).toContain("serves nothing, not the champion gone-2");
    const command = commandIn(failure, "tuneloop");
    expect(command).toBe('tuneloop rollout rollback gone --to gone-2 --reason "why"');
    await paste(command);
    expect(await rollBackOf(name, 1).result()).toEqual({ outcome: "rolled-back", champion: "gone-2" });
    await expectChampion(name, "gone-2");
    const refused = paste(command).then(() => rollBackOf(name, 2).result());
    await expect(refused).rejects.toMatchObject({ cause: { message: "to: gone-2 is champion and has all traffic" } });

    await terminate(name);
    await paste('tuneloop rollout rollback gone --reason "too many complaints"');
    expect(await rollBackOf(name, 3).result()).toEqual({ outcome: "rolled-back", champion: "gone-1" });
    await expectChampion(name, "gone-1");
    expect(await weightsAsked(loop, name, "gone-3")).toEqual([]);
  });
});

describe.concurrent("a rollout that was terminated", () => {
  it("is taken back to the champion of now by the plain order, with what it left", async () => {
    const name = "left";
    await aRunningPipeline(name);
    const rollout = await startRollout(loop, name, { version: 3, policy: { soakSeconds: 3600 } });
    await reached(rollout, { phase: "step", percent: 50 });
    await rollout.terminate("for the test");
    const traffic = ask(loop, name);
    await paste('tuneloop rollout rollback left --reason "too many complaints"');
    expect(await rollBackOf(name, 1).result()).toEqual({ outcome: "rolled-back", champion: "left-2" });
    await expectChampion(name, "left-2");
    expect((await traffic.stop()).filter(({ problem }) => problem !== null)).toEqual([]);
  });
});

describe.concurrent("a service where somebody else's version serves", () => {
  it("is left as it is, until the alert's command replaces it without a failed request", async () => {
    const name = "foreign";
    await aRunningPipeline(name);
    await deployHotfix(name, 100);
    await paste('tuneloop rollout rollback foreign --reason "too many complaints"');
    const failure = await failureOf(rollBackOf(name, 1));
    expect(failure).toContain("hotfix, which foreign has not trained");
    expect(await serviceOf(name)).toMatchObject({ primary_version: { version: "hotfix", weight: 100 } });
    const [alert] = await until(
      "the alert",
      () => {
        const found = alertsOf(loop, rollBackOf(name, 1).workflowId);
        return found.length > 0 && found;
      },
      30_000,
    );
    const command = 'tuneloop rollout rollback foreign --to foreign-1 --replace-others --reason "why"';
    expect(JSON.stringify(alert)).toContain(JSON.stringify(command).slice(1, -1));
    expect(commandIn(failure, "tuneloop")).toBe(command);

    const [traffic, eye] = [ask(loop, name), watchWeights(loop, name)];
    await paste(command);
    await rollBackOf(name, 2).result();
    await expectChampion(name, "foreign-1");
    for (const { weights } of await eye.stop())
      expect(Object.values(weights).reduce((sum, weight) => sum + weight, 0)).toBe(100);
    expect((await traffic.stop()).filter(({ problem }) => problem !== null)).toEqual([]);
  });

  it("has the champion alone again by the command of the rollout that stopped", async () => {
    const name = "beside";
    await aRunningPipeline(name);
    const rollout = await startRollout(loop, name, { version: 3, policy: { soakSeconds: 3600 } });
    await reached(rollout, { phase: "step", percent: 50 });
    await deployHotfix(name, 20);
    expect(await failureOf(rollout)).toMatch(/^ServiceChanged: /);
    const [alert] = await until(
      "the alert",
      () => {
        const found = alertsOf(loop, rollout.workflowId);
        return found.length > 0 && found;
      },
      30_000,
    );
    const command = 'tuneloop rollout rollback beside --to beside-2 --replace-others --reason "why"';
    expect(JSON.stringify(alert)).toContain(JSON.stringify(command).slice(1, -1));
    expect(await serviceOf(name)).toMatchObject({ canary_version: { version: "hotfix", weight: 20 } });
    await paste(command);
    await rollBackOf(name, 1).result();
    await expectChampion(name, "beside-2");
  });
});

describe("a cycle whose champion is rolled back", () => {
  const name = "overtaken";
  const cycle = `retrain/${name}/2`;
  const state = () => loop.client.workflow.getHandle<typeof pipeline>(workflowIds.pipeline(name)).query(stateQuery);

  it("ends while it waits for an approval, with nothing open and nobody's request failed", async () => {
    await copyPipeline(loop, ORIGIN, name, [1, 1.2]);
    await (await startRollout(loop, name, { version: 1.2 })).result();
    const approval = { deadlineSeconds: 3600 };
    const rollout = { steps: [50, 100], soakSeconds: 3600, bakeSeconds: 0 };
    const overrides = { decide: { floor: 0, guards: [], approval }, rollout };
    for (const [version, count] of [
      [1, 60],
      [2, 240],
    ] as const) {
      await deliver(loop, `${name}/${version}.jsonl`, sampleLines({ seed: version, count }));
      await (await startUpdate(loop, aPipeline(loop, { name }), version)).result();
    }
    await startPipeline(name, overrides);
    await until("an approval", async () => (await state()).approval?.cycle === `${name}-2`, 120_000);
    expect(await serviceOf(name)).toMatchObject({ canary_version: { version: `${name}-2`, weight: 0 } });

    const [traffic, eye] = [ask(loop, name), watchWeights(loop, name)];
    await paste(`tuneloop rollout rollback ${name} --reason "too many complaints" --by ann`);
    expect(await rollBackOf(name, 1).result()).toEqual({ outcome: "rolled-back", champion: `${name}-1` });
    const why = `${name}-2 was taken down by roll-back/${name}/1/roll-out: ${name}-1 takes its place: rolled back by ann: too many complaints`;
    expect(await failureOf(loop.client.workflow.getHandle(cycle))).toBe(`ServiceChanged: ${why}`);
    await until("the end of the cycle", async () => (await state()).cycle === null);
    expect(await state()).toMatchObject({
      approval: null,
      champion: `${name}-1`,
      lastOutcome: `${cycle}: ServiceChanged: ${why}`,
    });
    await expectChampion(name, `${name}-1`);
    expect((await traffic.stop()).filter(({ problem }) => problem !== null)).toEqual([]);
    expect((await eye.stop()).every(({ weights }) => (weights[`${name}-2`] ?? 0) === 0)).toBe(true);
    const report = await loop.store.get(`reports/${name}-2/report.json`);
    const written = JSON.parse(report?.body.toString() ?? "null") as CycleReport;
    expect(written).toMatchObject({ outcome: "failed", failure: `ServiceChanged: ${why}`, approval: null });
    const [alert] = await until(
      "the alert",
      () => {
        const found = alertsOf(loop, cycle).filter(({ kind }) => kind === "failed");
        return found.length > 0 && found;
      },
      30_000,
    );
    expect(JSON.stringify(alert)).toContain("rolled back by ann: too many complaints");
    const shown = await paste(`tuneloop state ${name}`);
    expect(shown).toContain(`rollback  roll-back/${name}/1: ${name}-1 is champion again`);
  });

  it("is sent back by each of the commands that refuse a rollback while users meet it", async () => {
    const handle = loop.client.workflow.getHandle<typeof pipeline>(workflowIds.pipeline(name));
    for (const [repeat, program] of [
      [2, "tuneloop"],
      [3, "temporal"],
    ] as const) {
      const model = `${name}-2.${repeat}`;
      const rolloutId = `retrain/${name}/2.${repeat}/roll-out`;
      await handle.executeUpdate(runNowUpdate, { args: [{}] });
      await until("an approval", async () => (await state()).approval?.cycle === model, 120_000);
      await handle.executeUpdate(approveUpdate, { args: [{ reason: "for the test", by: "ann" }] });
      await reached(loop.client.workflow.getHandle(rolloutId), { phase: "step", percent: 50 });
      const refusal = await paste(`tuneloop rollout rollback ${name} --to ${name}-1.2 --reason x`).catch(String);
      expect(refusal).toContain(`${rolloutId} is moving users' traffic of ${name}`);
      await until("the list to have it", async () =>
        (await paste(`tuneloop state ${name}`)).includes(`${model} beside`),
      );
      expect(await paste(`tuneloop state ${name}`)).toContain(`tuneloop rollout watch ${name}`);
      await paste(commandIn(refusal.slice(refusal.indexOf(rolloutId)), program));
      expect(await failureOf(loop.client.workflow.getHandle(rolloutId))).toMatch(
        /^RolledBack: .* was rolled back.*: why$/,
      );
      await until("the end of the cycle", async () => (await state()).cycle === null);
      await expectChampion(name, `${name}-1`);
    }
  });
});
