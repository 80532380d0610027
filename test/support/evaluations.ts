/** Evaluations of a model, over any store and endpoint. */
import { createEvaluationActivities } from "../../activities/evaluations.ts";
import type { AskedQuestions } from "../../activities/comparison-interfaces.ts";
import { createMetricCatalog } from "../../src/adapters/metrics/catalog.ts";
import type { EvaluatePolicy } from "../../src/domain/evaluate-schema.ts";
import { evaluateSchema } from "../../src/domain/evaluate-schema.ts";
import {
  predictionSchema,
  type AskingProgress,
  type Prediction,
  type TestRecord,
  type TestSet,
} from "../../src/domain/evaluation-schema.ts";
import { objectKeys } from "../../src/domain/object-keys.ts";
import type { EvaluateModelInput } from "../../src/domain/workflow-input-schema.ts";
import type { Compute } from "../../src/compute-port.ts";
import type { ModelEndpoint, ObjectStore } from "../../src/ports.ts";
import { aTestRecord } from "./builders.ts";
import { aServed, aService, FakeCompute, fakeRecipes, fakeWorkflows, sha256 } from "./fake-ports.ts";

/** Where the names of the training data of {@link anEvaluation} lie. */
export const vocabularyKey = "datasets/games/vocabularies/000001.json";

/** A compute whose service has `games-2` up beside `games-1`. */
export function servingCompute(): FakeCompute {
  const compute = new FakeCompute();
  compute.service = aService({ canary: aServed("games-2", { weightPercent: 0 }) });
  return compute;
}

/** The activities, with secrets that say their names and short pauses; `told` gets what workflows are told. */
export function evaluationActivities(
  ports: { store: ObjectStore; endpoint: ModelEndpoint; compute?: Compute },
  told: AskingProgress[] = [],
) {
  const all = {
    compute: servingCompute(),
    recipes: fakeRecipes,
    metrics: createMetricCatalog([]),
    secret: (name: string) => `secret-of-${name}`,
    workflows: {
      ...fakeWorkflows(),
      tellAsking: async (_: string, progress: AskingProgress) => void told.push(progress),
    },
    ...ports,
  };
  return createEvaluationActivities(all, { firstPauseMs: 10 });
}

/** Freezes these records as a test set. */
export async function freeze(store: ObjectStore, records: readonly TestRecord[]): Promise<TestSet> {
  const body = records.map((record) => `${JSON.stringify(record)}\n`).join("");
  const key = objectKeys.testSet("games", sha256(body));
  await store.put(key, body);
  return { key, sha256: sha256(body), records: records.length };
}

/** Questions `q0`, `q1`, ... whose expected answers are `answer to q0` and so on. */
export function questions(count: number, overrides: Partial<TestRecord> = {}): TestRecord[] {
  return Array.from({ length: count }, (_, index) =>
    aTestRecord(`r${index}`, {
      question: [{ role: "user", content: `q${index}` }],
      expected: `answer to q${index}`,
      ...overrides,
    }),
  );
}

/** An evaluation of `games-2`, by exact match, 16 questions at a time unless told otherwise. */
export function anEvaluation(
  testSet: TestSet,
  {
    evaluate,
    ...overrides
  }: Partial<Omit<EvaluateModelInput, "evaluate">> & { evaluate?: Partial<EvaluatePolicy> } = {},
): EvaluateModelInput {
  return {
    pipeline: "games",
    model: "games-2",
    checkpoint: null,
    endpoint: null,
    examples: null,
    testSet,
    vocabulary: vocabularyKey,
    evaluate: { ...evaluateSchema.parse({ concurrency: 16, metrics: ["exact-match"] }), ...evaluate },
    ...overrides,
  };
}

/** What is stored of an evaluation, in order. */
export async function storedPredictions(store: ObjectStore, { key, shards }: AskedQuestions): Promise<Prediction[]> {
  const all: Prediction[] = [];
  for (let shard = 0; shard < shards; shard++) {
    const body = (await store.get(objectKeys.predictions(key, shard)))?.body.toString() ?? "";
    all.push(
      ...body
        .trimEnd()
        .split("\n")
        .map((line) => predictionSchema.parse(JSON.parse(line))),
    );
  }
  return all;
}
