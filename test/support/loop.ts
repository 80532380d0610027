/** The whole loop on a local stack: what its users do with it, and what they can see of it from outside. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Client, WorkflowHandle } from "@temporalio/client";
import { tsToDate } from "@temporalio/common/lib/time.js";
import type { z } from "zod";
import { createS3Client, S3ObjectStore } from "../../src/adapters/s3-object-store.ts";
import { findBinary } from "../../src/dev/binaries.ts";
import { temporalCli } from "../../src/dev/pinned-servers.ts";
import { generateSample, type SampleOptions } from "../../src/dev/sample-data.ts";
import { STACK_SERVICES } from "../../src/dev/stack-plan.ts";
import { waitFor } from "../../src/dev/wait.ts";
import { datasetVersionSchema, type DatasetVersion } from "../../src/domain/dataset-version-schema.ts";
import { anyscaleName, serviceName } from "../../src/domain/ids.ts";
import { objectKeys } from "../../src/domain/object-keys.ts";
import { pipelineSchema, type PipelineDefinition } from "../../src/domain/pipeline-schema.ts";
import { registrySchema, type Registry } from "../../src/domain/registry-schema.ts";
import { loadState } from "../../src/emulator/state.ts";
import { connect } from "../../src/temporal/client.ts";
import { taskQueues, workflowIds } from "../../workflows/names.ts";
import type { retrain } from "../../workflows/retrain.ts";
import type { updateDataset, UpdateDatasetResult } from "../../workflows/update-dataset.ts";
import { runCommand, TUNELOOP, type CommandResult } from "./command.ts";
import { emulatorAt, type EmulatorHandle } from "./emulator.ts";
import { startTestStack, type TestStack } from "./stack.ts";

/** A running stack with everything that reaches into it. */
export interface Loop {
  stack: TestStack;
  client: Client;
  store: S3ObjectStore;
  emulator: EmulatorHandle;
  /** Runs the `temporal` CLI against the stack. */
  temporal(...args: string[]): Promise<CommandResult>;
  /** Runs the `tuneloop` CLI against the stack. */
  tuneloop(...args: string[]): Promise<CommandResult>;
  stop(): Promise<void>;
}

/** A running or ended cycle. */
export type Cycle = WorkflowHandle<typeof retrain>;

/** Starts the whole stack, with more environment for its emulator and worker; `stop()` it in `afterAll`. */
export async function startLoop(more: Record<string, string> = {}): Promise<Loop> {
  const stack = await startTestStack({ services: STACK_SERVICES, environment: more });
  const { environment, fullEnvironment } = stack;
  const client = await connect(fullEnvironment);
  // S3 may be one that the environment names.
  const s3 = createS3Client({
    endpoint: fullEnvironment["AWS_ENDPOINT_URL"] ?? null,
    region: fullEnvironment["AWS_REGION"] ?? null,
    credentials: {
      accessKeyId: fullEnvironment["AWS_ACCESS_KEY_ID"] ?? "",
      secretAccessKey: fullEnvironment["AWS_SECRET_ACCESS_KEY"] ?? "",
    },
  });
  const binary = await findBinary(temporalCli, { environment: process.env, report: () => {} });
  return {
    stack,
    client,
    store: new S3ObjectStore(s3, fullEnvironment["TUNELOOP_S3_URI"] ?? ""),
    emulator: emulatorAt(environment["ANYSCALE_HOST"] ?? "", environment["ANYSCALE_CLI_TOKEN"]),
    temporal: (...args) => runCommand(binary, args, { environment: fullEnvironment }),
    tuneloop: (...args) => runCommand(process.execPath, [TUNELOOP, ...args], { environment: fullEnvironment }),
    async stop() {
      s3.destroy();
      await client.connection.close();
      await stack.stop();
    },
  };
}

/** Generated records, a JSON line each. */
export function sampleLines(options: Omit<SampleOptions, "split"> & { split?: SampleOptions["split"] }): string[] {
  return generateSample({ split: "train", ...options }).map((item) => JSON.stringify(item));
}

/** Key of the test set that all pipelines of {@link aPipeline} share. */
const TEST_SET = "given/test.jsonl";

/** What the shared test set is made of: 300 questions, two shards. */
export const TEST_SAMPLE = { seed: 4, count: 300, split: "test" } as const;

/** Fewer questions, and enough to tell a model of 240 records from one of 60. */
export const FEW_QUESTIONS = { ...TEST_SAMPLE, count: 120 } as const;

/** Writes the shared test set. */
export async function giveTestSet({ store }: Loop, sample: SampleOptions = TEST_SAMPLE): Promise<void> {
  await store.put(TEST_SET, sampleLines(sample).join("\n"));
}

/** Gives a source of a pipeline an object with these lines. */
export async function deliver({ store }: Loop, key: string, lines: readonly string[]): Promise<void> {
  await store.put(`given/${key}`, lines.join("\n"));
}

/** A pipeline with one source, `given/<name>/`, which promotes whatever is better, and waits for nothing. */
export function aPipeline(
  { store }: Loop,
  overrides: { name: string } & Partial<z.input<typeof pipelineSchema>>,
): PipelineDefinition {
  return pipelineSchema.parse({
    sources: [{ id: overrides.name, kind: "s3-jsonl", uri: store.uri(`given/${overrides.name}/`) }],
    dataset: { split: { valid: 0, test: 0 }, testSet: store.uri(TEST_SET) },
    recipe: { name: "embedded" },
    decide: { floor: 0, guards: [] },
    rollout: { steps: [50, 100], soakSeconds: 0, bakeSeconds: 0 },
    ...overrides,
  });
}

/** Starts an update of a pipeline's dataset; the number tells one from the other. */
export function startUpdate(
  { client }: Loop,
  { name, sources, dataset }: PipelineDefinition,
  number: number,
): Promise<WorkflowHandle<typeof updateDataset>> {
  return client.workflow.start<typeof updateDataset>("updateDataset", {
    workflowId: `update/${name}/${number}`,
    taskQueue: taskQueues.main,
    args: [{ dataset: name, sources, split: dataset.split, quorum: dataset.quorum, notify: [] }],
  });
}

/** Starts the cycle of a dataset version. */
export function startCycle({ client }: Loop, pipeline: PipelineDefinition, version: number): Promise<Cycle> {
  return client.workflow.start<typeof retrain>("retrain", {
    workflowId: workflowIds.retrain(pipeline.name, version, 1),
    taskQueue: taskQueues.main,
    args: [{ pipeline, version, repeat: 1 }],
  });
}

/** Delivers lines, brings the dataset up to date and starts the cycle of its new version. */
export async function feed(
  loop: Loop,
  pipeline: PipelineDefinition,
  version: number,
  lines: readonly string[],
): Promise<{ update: UpdateDatasetResult; cycle: Cycle }> {
  await deliver(loop, `${pipeline.name}/${version}.jsonl`, lines);
  const update = await (await startUpdate(loop, pipeline, version)).result();
  if (update.version !== version) throw new Error(`made version ${update.version}, not ${version}`);
  return { update, cycle: await startCycle(loop, pipeline, version) };
}

/** A pipeline's registry. */
export async function readRegistry({ store }: Loop, name: string): Promise<Registry> {
  const object = await store.get(objectKeys.registry(name));
  return registrySchema.parse(JSON.parse(object?.body.toString() ?? "null"));
}

/** A dataset version's manifest. */
export async function readManifest({ store }: Loop, name: string, version: number): Promise<DatasetVersion> {
  const object = await store.get(objectKeys.version(name, version));
  return datasetVersionSchema.parse(JSON.parse(object?.body.toString() ?? "null"));
}

/** Jobs that were created for the cycle of a version, by the ledger. */
export async function createdJobs({ emulator }: Loop, name: string, version: number): Promise<(string | null)[]> {
  const entries = await emulator.ledger(anyscaleName(`${workflowIds.retrain(name, version, 1)}/fine-tune`));
  return entries.filter(({ path, acted }) => path.endsWith("/create") && acted === 200).map(({ id }) => id);
}

/** Weights that were asked for a model version, in order, by the ledger. */
export async function weightsAsked({ emulator }: Loop, name: string, model: string): Promise<number[]> {
  const entries = await emulator.ledger(serviceName(name));
  return entries
    .filter(({ path, request }) => path.endsWith("/apply") && request["version"] === model)
    .map(({ request }) => Number(request["canary_percent"] ?? 100));
}

/** Asks a pipeline's service, as users do; answers the version that answered. Throws when none does. */
export async function askService({ emulator }: Loop, name: string, label?: "primary" | "canary"): Promise<string> {
  const service = await emulator.client.services.find(serviceName(name));
  const [item] = generateSample({ seed: 5, count: 1, split: "test" });
  const response = await fetch(`${service?.base_url}/v1/chat/completions`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${service?.auth_token}`,
      "content-type": "application/json",
      ...(label === undefined ? {} : { "x-anyscale-version": label }),
    },
    body: JSON.stringify({ model: name, messages: item?.messages.slice(0, 2) }),
  });
  if (!response.ok) throw new Error(`${name} answered ${response.status}: ${await response.text()}`);
  return ((await response.json()) as { model: string }).model;
}

/** Alerts that a workflow has sent to the worker's log. */
export function alertsOf({ stack }: Loop, workflowId: string): Record<string, unknown>[] {
  return readFileSync(join(stack.stateDirectory, "logs", "worker.log"), "utf8")
    .split("\n")
    .filter((line) => line.startsWith("{") && line.endsWith("}") && line.includes('"alert":true'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter((alert) => alert["workflowId"] === workflowId);
}

/** A process group of the emulator that can be stopped as by a busy machine, and let go on. */
export interface HeldProcess {
  hold(): void;
  release(): void;
}

/** The process of the newest job or service version for which `pick` finds one, once it runs. */
async function runningProcess(
  { stack }: Loop,
  pick: (state: ReturnType<typeof loadState>) => { pid: number } | null | undefined,
): Promise<HeldProcess> {
  const pid = await waitFor(
    () => {
      const found = pick(loadState(join(stack.stateDirectory, "emulator")));
      if (!found) throw new Error("it does not run");
      return found.pid;
    },
    { timeoutMs: 60_000, intervalMs: 10 },
  );
  return {
    hold: () => process.kill(-pid, "SIGSTOP"),
    release: () => process.kill(-pid, "SIGCONT"),
  };
}

/** The process of a pipeline's training job. */
export function jobProcess(loop: Loop, name: string, version: number): Promise<HeldProcess> {
  const jobName = anyscaleName(`${workflowIds.retrain(name, version, 1)}/fine-tune`);
  return runningProcess(
    loop,
    ({ jobs }) =>
      jobs
        .all()
        .find(({ request }) => request.name === jobName)
        ?.attempts.at(-1)?.process,
  );
}

/** The process that serves a model version, once it has been probed and waits to be asked. */
export async function servingProcess(loop: Loop, name: string, model: string): Promise<HeldProcess> {
  await waitFor(
    async () => {
      const { champion, challenger } = await readRegistry(loop, name);
      if (![champion, challenger].includes(model)) throw new Error(`${model} is not up`);
    },
    { timeoutMs: 60_000, intervalMs: 20 },
  );
  return runningProcess(loop, ({ services }) => {
    const service = services.all().find((candidate) => candidate.name === serviceName(name));
    return [service?.canary, service?.primary].find((version) => version?.version === model)?.replicas[0]?.process;
  });
}

/** Waits until an activity of this type is under way in a workflow. */
export async function pendingActivity({ client }: Loop, workflowId: string, type: string): Promise<void> {
  await waitFor(
    async () => {
      const { raw } = await client.workflow.getHandle(workflowId).describe();
      const pending = raw.pendingActivities?.map(({ activityType }) => activityType?.name) ?? [];
      if (!pending.includes(type)) throw new Error(`${workflowId} waits for ${pending.join(" and ")}, not ${type}`);
    },
    { timeoutMs: 60_000 },
  );
}

/** When a workflow first asked for an activity of this type. Throws when it has not yet. */
export async function activityScheduled({ client }: Loop, workflowId: string, type: string): Promise<Date> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  const scheduled = events?.find((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === type);
  if (!scheduled?.eventTime) throw new Error(`${workflowId} has not asked for ${type}`);
  return tsToDate(scheduled.eventTime);
}
