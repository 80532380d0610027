import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { activityInfo, cancellationSignal, heartbeat } from "@temporalio/activity";
import type { Example } from "../src/domain/asking.ts";
import { decideSchema } from "../src/domain/decide-schema.ts";
import { summarise } from "../src/domain/evaluation.ts";
import { exampleListSchema, type AskingProgress } from "../src/domain/evaluation-schema.ts";
import { TypedFailure } from "../src/domain/failures.ts";
import { untilNextReport } from "../src/domain/reading.ts";
import type { EvaluateModelInput } from "../src/domain/workflow-input-schema.ts";
import type { Ports } from "../src/ports.ts";
import { askedArm, withCheckpoint, type AskedEndpoint } from "./arms.ts";
import { askAll, openQuestions, shardRecords } from "./asking.ts";
import { AskingWatch, NoAnswers } from "./asking-watch.ts";
import { needDocument } from "./documents.ts";
import type { AskedQuestions, EvaluationActivities } from "./comparison-interfaces.ts";
import { predictionsOf } from "./predictions.ts";
import { questionsOf, type Asking } from "./questions.ts";
import { RequestGate } from "./request-gate.ts";
import { drawSample } from "./sample.ts";
import { scoreStored } from "./scoring.ts";
import { vocabularySchema } from "./vocabulary.ts";

/** Requests for one question, and how often all questions are gone through for those whose requests failed. */
const tries = 5;
const rounds = 2;
/** Between two rounds as long as the first one took, and at most so long, in milliseconds. */
const longestPauseMs = 10_000;
/** The attempt that gives up on an endpoint whose requests fail: after some minutes. */
const lastAttempt = 5;
const heartbeatMs = 1000;

type EvaluationPorts = Pick<Ports, "store" | "compute" | "recipes" | "endpoint" | "secret" | "workflows" | "metrics">;

/** @param pace default: as questions are asked everywhere */
export function createEvaluationActivities(
  ports: EvaluationPorts,
  pace: Pick<Asking, "firstPauseMs"> = {},
): EvaluationActivities {
  const { store } = ports;
  return {
    async askQuestions(given) {
      const request = await withCheckpoint(ports, given);
      // A model that is not there is found out before anything is read.
      const asked = await askedArm(ports, request);
      const examples =
        request.examples === null ? [] : await needDocument(store, request.examples.key, exampleListSchema);
      const key = evaluationKey(request);
      const { records, failed } = await withPatience(() => ask(ports, request, { key, asked, examples, ...pace }));
      return { key, shards: Math.ceil(records / shardRecords), records, failed };
    },

    async scoreEvaluation({ asked, ...request }) {
      const { model, testSet } = request;
      return { ...asked, model, testSet, metrics: await score(ports, request, asked) };
    },
  };
}

/** Who is asked what and how: equal for equal questions, so that no answer is paid for twice. */
export function evaluationKey(request: EvaluateModelInput): string {
  const { model, checkpoint, endpoint, examples, testSet, evaluate } = request;
  const { temperature, maxTokens, sampleSize, seed } = evaluate;
  const served = checkpoint === null ? model : `${model}@${checkpoint}`;
  const asked = {
    model: endpoint === null ? served : { url: endpoint.url, model: endpoint.model },
    testSet: testSet.sha256,
    prompt: "question-as-recorded/1",
    examples: examples?.sha256 ?? null,
    temperature,
    maxTokens,
    sample: sampleSize === null || sampleSize >= testSet.records ? null : { sampleSize, seed },
  };
  return createHash("sha256").update(JSON.stringify(asked)).digest("hex").slice(0, 32);
}

/** Who is asked, what they are shown, and under which name their answers are kept. */
interface Asked extends Pick<Asking, "firstPauseMs"> {
  key: string;
  asked: AskedEndpoint;
  examples: Example[];
}

/** Asks what has no answer yet; answers how many questions there are, and how many are left without one. */
async function ask(
  ports: EvaluationPorts,
  request: EvaluateModelInput,
  { key, ...whom }: Asked,
): Promise<{ records: number; failed: number }> {
  const { model, testSet, evaluate } = request;
  const { concurrency, requestsPerSecond, temperature, maxTokens, timeoutSeconds } = evaluate;
  const signal = cancellationSignal();
  let watch = new AskingWatch(model, testSet.records);
  const quiet = tellProgress(ports, () => watch.progress());
  try {
    const sample = await drawSample(ports.store, testSet, evaluate);
    const lanes = Math.min(concurrency, sample.records);
    const gate = new RequestGate({ concurrency: lanes, requestsPerSecond }, signal);
    const sampling = { temperature, maxTokens, timeoutMs: timeoutSeconds * 1000 };
    const asking = { endpoint: ports.endpoint, ...whom, tries, ...sampling, gate, lanes, signal };
    const startedMs = performance.now();
    for (let round = 1; ; round++) {
      watch = new AskingWatch(model, sample.records);
      // Who was refused a moment ago would be again.
      const answers = { key, testSet, sample, again: round === 1 ? "all" : "unavailable" } as const;
      await askAll(openQuestions(ports.store, answers, watch), { ...asking, watch });
      if (watch.passing === 0 || round === rounds) break;
      await delay(Math.min(longestPauseMs, performance.now() - startedMs), undefined, { signal });
    }
    watch.assertAnswers();
    return { records: sample.records, failed: watch.failed };
  } finally {
    quiet();
  }
}

/** Has Temporal ask an endpoint again that answers nobody, each time later, until that is a finding. */
async function withPatience<T>(ask: () => Promise<T>): Promise<T> {
  const { attempt } = activityInfo();
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof NoAnswers) || error.type !== "Unavailable") throw error;
    const { message } = error;
    if (attempt >= lastAttempt) throw new TypedFailure("ServiceFailed", message, { cause: error });
    throw new TypedFailure("Unavailable", message, { cause: error, retryAfterMs: attempt * 10_000 });
  }
}

/** Shows how far it is until the answered function is called: to Temporal each second, to people who look now and then. */
function tellProgress({ workflows }: EvaluationPorts, progress: () => AskingProgress): () => void {
  const { workflowExecution } = activityInfo();
  const startedMs = Date.now();
  let toldMs = startedMs;
  const tell = (): void => {
    heartbeat(progress());
    const now = Date.now();
    if (workflowExecution === undefined || now - toldMs < untilNextReport(now - startedMs)) return;
    toldMs = now;
    // Nothing depends on it: the next report may fare better.
    workflows.tellAsking(workflowExecution.workflowId, progress()).catch(() => {});
  };
  heartbeat(progress());
  const timer = setInterval(tell, heartbeatMs);
  return () => clearInterval(timer);
}

/** The metrics of the whole test set, without the old skills in it; a question without an answer counts as in a decision. */
async function score(
  ports: EvaluationPorts,
  { testSet, vocabulary, evaluate }: EvaluateModelInput,
  asked: AskedQuestions,
): Promise<Record<string, number | null>> {
  const { store, metrics } = ports;
  const context = { vocabulary: await needDocument(store, vocabulary, vocabularySchema), prices: evaluate.prices };
  const expected: string[] = [];
  if (evaluate.metrics === "auto") {
    for await (const record of questionsOf(store, testSet)) if (record.set === "test") expected.push(record.expected);
  }
  const chosen =
    evaluate.metrics === "auto"
      ? (await metrics.resolve({ evaluate, decide: decideSchema.parse({}) }, expected)).metrics
      : evaluate.metrics;
  const packs = await metrics.open(chosen, context);
  const scored = await scoreStored(store, {
    testSet,
    predictions: predictionsOf(store, asked),
    against: null,
    judged: [],
    scoring: { packs },
  });
  return summarise(scored, packs, "asked")["test"] ?? {};
}
