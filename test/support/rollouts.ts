/** Rollouts on a local stack: models that need no training, users that never stop asking, and an eye on the weights. */
import type { WorkflowHandle } from "@temporalio/client";
import { setTimeout as delay } from "node:timers/promises";
import type { z } from "zod";
import { LookReader, readLooks } from "../../activities/look-record.ts";
import type { AlertChoice } from "../../src/domain/alert-choice-schema.ts";
import { serviceName } from "../../src/domain/ids.ts";
import { objectKeys } from "../../src/domain/object-keys.ts";
import type { Observation, rolloutPolicySchema } from "../../src/domain/rollout-schema.ts";
import type { RolloutView } from "../../src/domain/rollout.ts";
import { taskQueues } from "../../workflows/names.ts";
import type { rollOut } from "../../workflows/roll-out.ts";
import { rolloutQuery } from "../../workflows/roll-out-messages.ts";
import { until } from "./emulator.ts";
import { askService, readRegistry, type Loop } from "./loop.ts";

/** A running or ended rollout. */
export type Rollout = WorkflowHandle<typeof rollOut>;

/**
 * Makes a pipeline of this name with a champion that serves, `<name>-1`, and equal models that do not: copies of what the
 * pipeline `origin` has trained. Nothing else in the bucket may have origin's name in its own.
 */
export async function copyPipeline(loop: Loop, origin: string, name: string, versions = [1, 2]): Promise<void> {
  const { store } = loop;
  for (const version of versions) {
    for await (const { key } of store.list(`${objectKeys.models(origin)}${origin}-1/`)) {
      const body = (await store.get(key))?.body ?? Buffer.alloc(0);
      const renamed = (text: string): string =>
        text.replaceAll(`${origin}-1`, `${name}-${version}`).replaceAll(origin, name);
      const isAboutIt = /(model|claim|choice)\.json$/.test(key);
      await store.put(renamed(key), isAboutIt ? renamed(body.toString()) : body);
    }
  }
  const registry = await readRegistry(loop, origin);
  const own = { ...registry, name, champion: `${name}-1`, history: [], lock: null, lastCycle: null };
  await store.put(objectKeys.registry(name), JSON.stringify(own));
  await (await startRollout(loop, name, { version: 1 })).result();
}

/** Starts the promotion of a version, the second one unless told otherwise, without waits unless told otherwise. */
export async function startRollout(
  { client, store }: Loop,
  name: string,
  {
    version = 2,
    policy = {},
    workflowId = `rollout/${name}/${version}/${Date.now()}`,
    alerts = [{ kind: "log" }],
  }: {
    version?: number;
    policy?: z.input<typeof rolloutPolicySchema>;
    workflowId?: string;
    alerts?: AlertChoice[];
  } = {},
): Promise<Rollout> {
  const registry = JSON.parse((await store.get(objectKeys.registry(name)))?.body.toString() ?? "null");
  const { key, sha256, records } = registry.testSet;
  const quick = { steps: [50, 100], soakSeconds: 0, bakeSeconds: 0, probeSeconds: 1 };
  return client.workflow.start<typeof rollOut>("rollOut", {
    workflowId,
    taskQueue: taskQueues.main,
    args: [
      {
        pipeline: name,
        model: `${name}-${version}`,
        target: "promoted",
        reason: "the test says so",
        recipe: { name: "embedded", baseModel: null, hyperparameters: {} },
        testSet: { key, sha256, records },
        policy: { ...quick, ...policy },
        alerts,
      } as unknown as Parameters<typeof rollOut>[0],
    ],
  });
}

/** Waits until a rollout is where it should be. */
export function reached(
  rollout: Pick<Rollout, "query" | "workflowId">,
  where: Partial<Pick<RolloutView, "phase" | "percent">>,
): Promise<RolloutView> {
  return until(
    `${rollout.workflowId} at ${JSON.stringify(where)}`,
    async () => {
      const view = await rollout.query(rolloutQuery).catch(() => null);
      return (
        view !== null && Object.entries(where).every(([field, value]) => Reflect.get(view, field) === value) && view
      );
    },
    60_000,
  );
}

/** What a rollout has seen at its looks. */
export async function looksOf({ store }: Loop, name: string, rollout: Rollout): Promise<Observation[]> {
  const { execution } = (await rollout.describe()).raw.workflowExecutionInfo ?? {};
  const of = { pipeline: name, model: `${name}-2`, runId: execution?.runId ?? "" };
  return new LookReader(store).newest(of, (await readLooks(store, of)).looks, Infinity);
}

/** What a closed-loop client has been answered, in order, and by whom; null for a request that failed. */
export interface Traffic {
  answers: { at: number; model: string | null; problem: string | null }[];
  stop(): Promise<Traffic["answers"]>;
}

/** A user who asks the service through its URL, one question after the other, until told to stop. */
export function ask(loop: Loop, name: string): Traffic {
  const answers: Traffic["answers"] = [];
  const over = new AbortController();
  const work = (async () => {
    while (!over.signal.aborted) {
      const asked = await askService(loop, name).then(
        (model) => ({ model, problem: null }),
        (error: unknown) => ({ model: null, problem: String(error) }),
      );
      answers.push({ at: Date.now(), ...asked });
    }
  })();
  const stop = async () => {
    over.abort();
    await work;
    return answers;
  };
  return { answers, stop };
}

/** A service at one moment: who has which share, and who runs. */
export interface Moment {
  at: number;
  weights: Record<string, number>;
  running: string[];
}

/** Looks at a service every 100 ms until told to stop. */
export function watchWeights({ emulator }: Loop, name: string): { moments: Moment[]; stop(): Promise<Moment[]> } {
  const moments: Moment[] = [];
  const over = new AbortController();
  const work = (async () => {
    for (; !over.signal.aborted; await delay(100)) {
      const service = await emulator.client.services.find(serviceName(name));
      const shown = [service?.primary_version, service?.canary_version].flatMap((version) => version ?? []);
      moments.push({
        at: Date.now(),
        weights: Object.fromEntries(shown.map(({ version, weight }) => [version, weight])),
        running: shown.flatMap(({ version, current_state: state }) => (state === "RUNNING" ? [version] : [])),
      });
    }
  })();
  const stop = async () => {
    over.abort();
    await work;
    return moments;
  };
  return { moments, stop };
}

/** Takes back all faults that were ordered and not used up. */
export async function clearFaults({ emulator, stack }: Loop): Promise<void> {
  const token = stack.environment["ANYSCALE_CLI_TOKEN"] ?? "";
  const response = await fetch(`${emulator.url}/emulator/faults`, {
    method: "DELETE",
    headers: { cookie: `cli_token=${token}` },
  });
  if (!response.ok) throw new Error(`faults: ${response.status}`);
}
