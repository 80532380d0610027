import { createHash } from "node:crypto";
import { activityInfo, cancellationSignal, heartbeat } from "@temporalio/activity";
import { countAnswers, scorePredictions } from "../src/domain/evaluation.ts";
import type { Prediction, TestRecord } from "../src/domain/evaluation-schema.ts";
import { TypedFailure } from "../src/domain/failures.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import type { EvaluateModelInput } from "../src/domain/workflow-input-schema.ts";
import type { Ports } from "../src/ports.ts";
import { needDocument } from "./documents.ts";
import type { EvaluationActivities } from "./interfaces.ts";
import { readPredictions, readShard } from "./predictions.ts";
import { askModel, readQuestions, servedEndpoint } from "./questions.ts";
import { vocabularySchema } from "./vocabulary.ts";

/** Questions of a shard: what is asked again after the loss of a worker. */
const shardRecords = 250;
/** Share of a shard that may stay without an answer at once; some questions have none, such as those too long. */
const toleratedRatio = 0.02;
/** The attempt at a shard that leaves what has no answer to the decision, which knows how much that is. */
const lastAttempt = 5;

type EvaluationPorts = Pick<Ports, "store" | "compute" | "recipes" | "endpoint">;

export function createEvaluationActivities(ports: EvaluationPorts): EvaluationActivities {
  const { store } = ports;
  return {
    async planEvaluation(request) {
      return { key: evaluationKey(request), shards: Math.ceil(request.testSet.records / shardRecords) };
    },

    async askShard(request) {
      const predictions = await askOpenQuestions(ports, request);
      const { asked, failed } = countAnswers(predictions);
      const isTolerable = failed <= toleratedRatio * asked || activityInfo().attempt >= lastAttempt;
      if (!isTolerable) throw unanswered(request.model, predictions);
      return { records: asked, failed };
    },

    async scoreEvaluation({ key, shards, model, testSet, vocabulary }) {
      const predictions = await readPredictions(store, { key, shards });
      const known = await needDocument(store, vocabulary, vocabularySchema);
      const { asked, failed } = countAnswers(predictions);
      return { key, model, testSet, shards, records: asked, failed, metrics: scorePredictions(predictions, known) };
    },
  };
}

/** Who is asked what and how: equal for equal questions, so that no answer is paid for twice. */
function evaluationKey({ model, testSet, evaluate }: EvaluateModelInput): string {
  const asked = { model, testSet: testSet.sha256, prompt: "question-as-recorded/1", temperature: evaluate.temperature };
  return createHash("sha256").update(JSON.stringify(asked)).digest("hex").slice(0, 32);
}

/**
 * A shard's predictions, the questions without a stored answer asked first, and stored. What has no answer is never
 * final: it is asked again by the next attempt, and by the next cycle.
 */
async function askOpenQuestions(
  ports: EvaluationPorts,
  { key, shard, ...request }: EvaluateModelInput & { key: string; shard: number },
): Promise<Prediction[]> {
  const { store } = ports;
  const questions = await readQuestions(store, request.testSet, shard * shardRecords, (shard + 1) * shardRecords);
  const stored = await readShard(store, key, shard);
  const answered = stored?.filter(({ answer }) => answer !== null) ?? [];
  const known = new Set(answered.map(({ id }) => id));
  const open = questions.filter(({ id }) => !known.has(id));
  if (open.length === 0) return inOrderOf(questions, answered);
  const predictions = inOrderOf(questions, [...answered, ...(await ask(ports, request, open))]);
  const lines = predictions.map((prediction) => `${JSON.stringify(prediction)}\n`);
  await store.put(objectKeys.predictions(key, shard), lines.join(""), { contentType: "application/jsonl" });
  return predictions;
}

/** One prediction for each question, in the order in which the answers came. */
async function ask(
  ports: EvaluationPorts,
  request: EvaluateModelInput,
  questions: readonly TestRecord[],
): Promise<Prediction[]> {
  const { evaluate } = request;
  const signal = cancellationSignal();
  const served = await servedEndpoint(ports, request);
  const predictions: Prediction[] = [];
  const beat = setInterval(() => heartbeat({ asked: predictions.length }), 1000);
  const left = questions.values();
  const lane = async (): Promise<void> => {
    for (const question of left)
      predictions.push(await askModel(ports.endpoint, served, question, { ...evaluate, signal }));
  };
  try {
    await Promise.all(Array.from({ length: Math.min(evaluate.concurrency, questions.length) }, lane));
  } finally {
    clearInterval(beat);
  }
  return predictions;
}

/** Fails the attempt, so that those without an answer are asked again: each time after 10 s more than the last. */
function unanswered(model: string, predictions: readonly Prediction[]): TypedFailure {
  const { asked, failed } = countAnswers(predictions);
  const why = predictions.findLast(({ answer }) => answer === null)?.error ?? "";
  const message = `${model} gave no answer to ${failed} of ${asked} questions: ${why}`;
  return new TypedFailure("Unavailable", message, { retryAfterMs: activityInfo().attempt * 10_000 });
}

function inOrderOf(questions: readonly TestRecord[], predictions: readonly Prediction[]): Prediction[] {
  const byId = new Map(predictions.map((prediction) => [prediction.id, prediction]));
  return questions.flatMap(({ id }) => byId.get(id) ?? []);
}
