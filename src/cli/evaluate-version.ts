/** Has a worker ask a model version, follows it, and measures the stored answers. */
import { setTimeout as delay } from "node:timers/promises";
import { WorkflowIdConflictPolicy, defaultPayloadConverter } from "@temporalio/common";
import type { Client, WorkflowHandle } from "@temporalio/client";
import { readClaim } from "../../activities/claims.ts";
import { needDocument, readDocument } from "../../activities/documents.ts";
import { predictionsOf } from "../../activities/predictions.ts";
import { questionsOf } from "../../activities/questions.ts";
import { scoreStored } from "../../activities/scoring.ts";
import { vocabularySchema } from "../../activities/vocabulary.ts";
import { readAskingProgress } from "../domain/asking.ts";
import type { EvaluatePolicy } from "../domain/evaluate-schema.ts";
import type { AskingProgress, Evaluation, Prediction, TestSet } from "../domain/evaluation-schema.ts";
import { cycleOfModel } from "../domain/ids.ts";
import { measureAlone } from "../domain/measure.ts";
import { objectKeys } from "../domain/object-keys.ts";
import { registrySchema } from "../domain/registry-schema.ts";
import type { EvaluateModelInput } from "../domain/workflow-input-schema.ts";
import type { MetricCatalog, ObjectStore } from "../ports.ts";
import type { evaluateModel } from "../../workflows/evaluate-model.ts";
import { taskQueues, workflowIds } from "../../workflows/names.ts";
import { openPacks } from "./evaluation-packs.ts";
import type { EvaluationFound } from "./evaluation-report.ts";
import { Tally } from "./prediction-tally.ts";
import { UsageError } from "./usage-error.ts";

const pollMs = 500;
/** How long nobody may have taken the work on before that is said. */
const unheardMs = 5000;

/** What is to be asked: everything but the sources comes from storage. */
export interface VersionRequest {
  model: string;
  evaluate: EvaluatePolicy;
  store: ObjectStore;
  metrics: MetricCatalog;
}

/** What people see meanwhile. */
export interface Watched {
  show: (progress: AskingProgress) => void;
  say: (text: string) => void;
}

/**
 * Starts the workflow `evaluateModel`, or joins the one that asks the same model already, and measures what came of it. Throws
 * UsageError for what is no model version, and an error with the reason when the workflow fails.
 */
export async function evaluateVersion(
  client: Client,
  request: VersionRequest,
  watched: Watched,
): Promise<EvaluationFound> {
  const input = await inputOf(request);
  const startedMs = performance.now();
  const handle = await client.workflow.start<typeof evaluateModel>("evaluateModel", {
    workflowId: workflowIds.evaluate(input.model),
    taskQueue: taskQueues.main,
    args: [input],
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    staticSummary: `evaluation of ${input.model}`,
  });
  watched.say(`${handle.workflowId} is running.`);
  await follow(handle, watched);
  const evaluation = await handle.result();
  const seconds = (performance.now() - startedMs) / 1000;
  return { model: input.model, url: null, ...(await measure(request, input, evaluation)), seconds };
}

/** The pipeline's frozen test set, and the names of the data that the version was trained on. */
async function inputOf({ model, evaluate, store }: VersionRequest): Promise<EvaluateModelInput> {
  const pipeline = /^([a-z0-9-]{1,40})-\d+(\.\d+)?$/.exec(model)?.[1] ?? "";
  const cycle = cycleOfModel(pipeline, model);
  if (cycle === null) throw new UsageError(`${model}: must be a model version such as games-12, or name --url`);
  if ((await readClaim(store, { pipeline, model })) === null)
    throw new Error(`there is no model version ${model} in ${store.uri("")}`);
  const registry = (await readDocument(store, objectKeys.registry(pipeline), registrySchema))?.value;
  const testSet = registry?.testSet ?? null;
  if (testSet === null) throw new Error(`${pipeline} has no test set yet: its first cycle freezes one`);
  const { key, sha256, records } = testSet;
  const vocabulary = objectKeys.vocabulary(pipeline, cycle.version);
  return {
    pipeline,
    model,
    checkpoint: null,
    endpoint: null,
    examples: null,
    testSet: { key, sha256, records },
    vocabulary,
    evaluate,
  };
}

/** Shows how far the worker is, as it tells Temporal each second, until the workflow ends. */
async function follow(handle: WorkflowHandle, { show, say }: Watched): Promise<void> {
  const startedMs = Date.now();
  let isHeard = false;
  for (;;) {
    const { status, raw } = await handle.describe();
    if (status.name !== "RUNNING") return;
    const payload = raw.pendingActivities?.flatMap(({ heartbeatDetails }) => heartbeatDetails?.payloads ?? [])[0];
    const progress = payload === undefined ? null : readAskingProgress(defaultPayloadConverter.fromPayload(payload));
    if (progress !== null) show(progress);
    const isTaken = progress !== null || (raw.pendingActivities ?? []).some(({ attempt }) => (attempt ?? 0) > 0);
    if (!isHeard && !isTaken && Date.now() - startedMs > unheardMs) {
      say("No worker has taken it on yet: tuneloop worker starts one.");
      isHeard = true;
    }
    await delay(pollMs);
  }
}

/** Reads the stored answers again, for what is too much for a workflow to tell. */
async function measure(
  { store, metrics: catalog }: VersionRequest,
  { testSet, vocabulary, evaluate }: EvaluateModelInput,
  evaluation: Evaluation,
): Promise<Omit<EvaluationFound, "model" | "url" | "seconds">> {
  const known = await needDocument(store, vocabulary, vocabularySchema);
  const packs = await openPacks(catalog, evaluate, { expected: await expectedOf(store, testSet), vocabulary: known });
  const tally = new Tally();
  const counted = async function* (): AsyncGenerator<Prediction> {
    for await (const prediction of predictionsOf(store, evaluation)) {
      tally.add(prediction);
      yield prediction;
    }
  };
  const scored = await scoreStored(store, {
    testSet,
    predictions: counted(),
    against: null,
    judged: [],
    scoring: { packs, slices: evaluate.slices },
  });
  return { ...tally.found(), ...measureAlone(scored, packs) };
}

/** The answers that are expected to the test set, without the old skills in it. */
async function expectedOf(store: ObjectStore, testSet: TestSet): Promise<string[]> {
  const expected: string[] = [];
  for await (const record of questionsOf(store, testSet)) if (record.set === "test") expected.push(record.expected);
  return expected;
}
