/** Cycles of `games` that have been asked and wait for their decision, in any bucket. */
import { createDecisionActivities } from "../../activities/decisions.ts";
import type { AskedArm, DecidedCycle, DecisionActivities } from "../../activities/comparison-interfaces.ts";
import { createMetricCatalog } from "../../src/adapters/metrics/catalog.ts";
import { decisionPolicySchema } from "../../src/domain/decide-schema.ts";
import type { Evaluation, Prediction, TestRecord, TestSet } from "../../src/domain/evaluation-schema.ts";
import { objectKeys } from "../../src/domain/object-keys.ts";
import type { MetricCatalog, ObjectStore } from "../../src/ports.ts";
import { inActivity } from "./activity.ts";
import { aPrediction, aTestRecord } from "./answers.ts";
import { sha256 } from "./fake-ports.ts";

/** What `decideCycle` takes. */
export type CycleToDecide = Parameters<DecisionActivities["decideCycle"]>[0];

/** What a model answers to a question; null for nothing. */
export type Answering = (index: number) => string | null;

export const right = "inform(name[Portal])";
export const wrong = "request(name[Portal])";

/** Right on the first so many questions. */
export const rightOn =
  (count: number): Answering =>
  (index) =>
    index < count ? right : wrong;

const code = { version: "1.2.3", commit: "ab".repeat(20) };

/** Questions in a shard of predictions. */
const shardRecords = 250;

/** What a test says of a cycle; a model that is not named is not there. */
export interface AskedCycle {
  /** Default 400. */
  records?: number;
  champion?: Answering;
  challenger?: Answering;
  /** Default `games-2`. */
  cycle?: string;
  overrides?: Partial<CycleToDecide>;
}

/** Stores test set, answers, vocabulary and `model.json`s of a cycle; answers what is to be decided. */
export async function storeAsked(store: ObjectStore, asked: AskedCycle): Promise<CycleToDecide> {
  const { records = 400, champion, challenger, cycle = "games-2", overrides = {} } = asked;
  const questions = Array.from({ length: records }, (_, index) => aTestRecord({ id: `r${index}`, expected: right }));
  const testSet = await storeTestSet(store, questions);
  const vocabulary = objectKeys.vocabulary("games", 2);
  await store.put(vocabulary, JSON.stringify({ functions: ["inform", "request"], attributeTypes: ["name"] }));
  const arms: AskedArm[] = [];
  for (const [name, model, answers] of [
    ["challenger", cycle, challenger],
    ["champion", "games-1", champion],
  ] as const) {
    if (answers === undefined) continue;
    await store.put(objectKeys.modelManifest("games", model), JSON.stringify({ version: model }));
    arms.push({
      name,
      model,
      evaluation: await storeAnswers(store, { model, testSet, questions, answers }),
      failure: null,
    });
  }
  return {
    cycle,
    pipeline: "games",
    arms,
    testSet,
    vocabulary,
    evaluate: { slices: [], prices: null },
    metrics: [{ pack: "functional-representation", options: {} }],
    policy: decisionPolicySchema.parse({ primary: "accuracy_output_fn", guards: [] }),
    judging: { judged: [], failure: null },
    ...overrides,
  };
}

/** Decides a cycle as a worker does. */
export function decide(
  store: ObjectStore,
  request: CycleToDecide,
  metrics: MetricCatalog = createMetricCatalog([]),
): Promise<DecidedCycle> {
  return inActivity(() => createDecisionActivities({ store, metrics, code }).decideCycle(request));
}

async function storeTestSet(store: ObjectStore, questions: readonly TestRecord[]): Promise<TestSet> {
  const body = linesOf(questions);
  const key = objectKeys.testSet("games", sha256(body));
  await store.put(key, body);
  return { key, sha256: sha256(body), records: questions.length };
}

async function storeAnswers(
  store: ObjectStore,
  of: { model: string; testSet: TestSet; questions: readonly TestRecord[]; answers: Answering },
): Promise<Evaluation> {
  const { model, testSet, questions, answers } = of;
  const predictions = questions.map(({ id, expected }, index) => aPrediction({ id, expected, answer: answers(index) }));
  const key = sha256(`${model} ${testSet.sha256} ${linesOf(predictions)}`).slice(0, 32);
  const shards = Math.ceil(predictions.length / shardRecords);
  for (let shard = 0; shard < shards; shard++) {
    const part = predictions.slice(shard * shardRecords, (shard + 1) * shardRecords);
    await store.put(objectKeys.predictions(key, shard), linesOf(part));
  }
  const failed = predictions.filter(({ answer }) => answer === null).length;
  return { key, model, testSet, shards, records: predictions.length, failed, metrics: {} };
}

function linesOf(items: readonly (TestRecord | Prediction)[]): string {
  return items.map((item) => `${JSON.stringify(item)}\n`).join("");
}
