import { createHash } from "node:crypto";
import { cancellationSignal, heartbeat } from "@temporalio/activity";
import type { DecisionRecord } from "../src/domain/decision-schema.ts";
import { decide } from "../src/domain/decision.ts";
import { comparePredictions, scorePredictions } from "../src/domain/evaluation.ts";
import {
  predictionSchema,
  type Evaluation,
  type Prediction,
  type TestRecord,
} from "../src/domain/evaluation-schema.ts";
import { TypedFailure } from "../src/domain/failures.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import type { EvaluateModelInput } from "../src/domain/workflow-input-schema.ts";
import type { ObjectStore, Ports } from "../src/ports.ts";
import { needDocument, parseLine, readDocument, writeDocument } from "./documents.ts";
import type { EvaluationActivities } from "./interfaces.ts";
import { askModel, readQuestions, servedEndpoint } from "./questions.ts";
import { vocabularySchema } from "./vocabulary.ts";
import { decisionRecordSchema } from "../src/domain/decision-schema.ts";

/** Questions of a shard: what is asked again after the loss of a worker. */
const shardRecords = 250;

type EvaluationPorts = Pick<Ports, "store" | "compute" | "endpoint">;

export function createEvaluationActivities(ports: EvaluationPorts): EvaluationActivities {
  const { store } = ports;
  return {
    async planEvaluation(request) {
      return { key: evaluationKey(request), shards: Math.ceil(request.testSet.records / shardRecords) };
    },

    async askShard({ key, shard, ...request }) {
      const stored = await readShard(store, key, shard);
      const predictions = stored ?? (await ask(ports, request, shard));
      if (stored === null) {
        const lines = predictions.map((prediction) => `${JSON.stringify(prediction)}\n`);
        await store.put(objectKeys.predictions(key, shard), lines.join(""), { contentType: "application/jsonl" });
      }
      return { records: predictions.length, failed: predictions.filter(({ answer }) => answer === null).length };
    },

    async scoreEvaluation({ key, shards, model, testSet, vocabulary }) {
      const predictions = await readPredictions(store, { key, shards });
      const known = await needDocument(store, vocabulary, vocabularySchema);
      const failed = predictions.filter(({ answer }) => answer === null).length;
      const metrics = scorePredictions(predictions, known);
      return { key, model, testSet, shards, records: predictions.length, failed, metrics };
    },

    async decideCycle({ cycle, pipeline, champion, challenger, vocabulary, policy }) {
      const key = objectKeys.decision(cycle);
      const decided = await readDocument(store, key, decisionRecordSchema);
      if (decided) return { ...decided.value.decision, key };
      if (champion !== null && champion.testSet.sha256 !== challenger.testSet.sha256) {
        throw new TypedFailure("InvalidData", "champion and challenger were not asked the same test set");
      }
      const comparisons = comparePredictions(
        champion === null ? null : await readPredictions(store, champion),
        await readPredictions(store, challenger),
        await needDocument(store, vocabulary, vocabularySchema),
      );
      const record: DecisionRecord = {
        format: 1,
        cycle,
        pipeline,
        decidedAt: new Date().toISOString(),
        champion: champion?.model ?? null,
        challenger: challenger.model,
        testSet: challenger.testSet.key,
        evaluations: { champion: champion?.key ?? null, challenger: challenger.key },
        vocabulary,
        policy,
        comparisons,
        decision: decide(comparisons, policy),
      };
      await writeDocument(store, key, record);
      return { ...record.decision, key };
    },
  };
}

/** Who is asked what and how: equal for equal questions, so that no answer is paid for twice. */
function evaluationKey({ model, testSet, evaluate }: EvaluateModelInput): string {
  const asked = { model, testSet: testSet.sha256, prompt: "question-as-recorded/1", temperature: evaluate.temperature };
  return createHash("sha256").update(JSON.stringify(asked)).digest("hex").slice(0, 32);
}

async function ask(ports: EvaluationPorts, request: EvaluateModelInput, shard: number): Promise<Prediction[]> {
  const { testSet, evaluate } = request;
  const signal = cancellationSignal();
  const served = await servedEndpoint(ports.compute, request);
  const questions = await readQuestions(ports.store, testSet, shard * shardRecords, (shard + 1) * shardRecords);
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
  return inOrderOf(questions, predictions);
}

function inOrderOf(questions: readonly TestRecord[], predictions: readonly Prediction[]): Prediction[] {
  const byId = new Map(predictions.map((prediction) => [prediction.id, prediction]));
  return questions.flatMap(({ id }) => byId.get(id) ?? []);
}

async function readShard(store: ObjectStore, key: string, shard: number): Promise<Prediction[] | null> {
  const name = objectKeys.predictions(key, shard);
  const object = await store.get(name);
  if (object === null) return null;
  const lines = object.body.toString("utf8").trimEnd().split("\n");
  return lines.map((line, index) => parseLine(predictionSchema, line, { key: name, number: index + 1 }));
}

async function readPredictions(
  store: ObjectStore,
  { key, shards }: Pick<Evaluation, "key" | "shards">,
): Promise<Prediction[]> {
  const all: Prediction[] = [];
  for (let shard = 0; shard < shards; shard++) {
    const predictions = await readShard(store, key, shard);
    if (predictions === null) throw new TypedFailure("NotFound", `evaluation ${key} has no shard ${shard}`);
    all.push(...predictions);
  }
  return all;
}
