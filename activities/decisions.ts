import { isDeepStrictEqual } from "node:util";
import {
  decisionRecordSchema,
  type DecidedArm,
  type DecisionRecord,
  type HashedObject,
} from "../src/domain/decision-record-schema.ts";
import { countAnswers } from "../src/domain/evaluation.ts";
import type { TestSet } from "../src/domain/evaluation-schema.ts";
import { TypedFailure } from "../src/domain/failures.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import type { ObjectStore, Ports } from "../src/ports.ts";
import { hashNeeded, hashObject, needText, parsePredictions, sha256, weigh } from "./decision-basis.ts";
import { needDocument, readDocument, writeOnce } from "./documents.ts";
import type { AskedArm, DecidedCycle, DecisionActivities } from "./interfaces.ts";

export function createDecisionActivities({ store, code }: Pick<Ports, "store" | "code">): DecisionActivities {
  return {
    async decideCycle({ cycle, pipeline, arms: asked, testSet, vocabulary, evaluate, policy }) {
      const key = objectKeys.decision(cycle);
      const question = {
        evaluations: asked.map(({ evaluation }) => evaluation?.key ?? null),
        testSet: testSet.sha256,
        vocabulary,
        policy,
      };
      const decided = await readDocument(store, key, decisionRecordSchema);
      if (decided !== null) return answered(store, decided.value, question);
      for (const { evaluation } of asked) refuseOther(evaluation?.testSet ?? testSet, testSet);
      const arms: DecidedArm[] = [];
      for (const arm of asked) arms.push(await decidedArm(store, pipeline, arm, testSet));
      const basis = {
        testSet,
        arms,
        judgements: [],
        vocabulary: await hashNeeded(store, vocabulary),
        packs: [{ pack: "functional-representation", options: {}, sha256: null }],
        slices: evaluate.slices,
        prices: evaluate.prices,
        policy,
      };
      const decidedAt = new Date().toISOString();
      const record: DecisionRecord = {
        format: 1,
        cycle,
        pipeline,
        decidedAt,
        code,
        ...basis,
        ...(await weigh(store, basis)),
      };
      const isMine = await writeOnce(store, key, record);
      return answered(store, isMine ? record : await needDocument(store, key, decisionRecordSchema), question);
    },
  };
}

/** What a decision was made from, as far as a repeat can say that without reading it. */
interface Question {
  evaluations: (string | null)[];
  /** Hash. */
  testSet: string;
  vocabulary: string;
  policy: DecisionRecord["policy"];
}

/** A decision is found by its cycle's name alone, so it is looked at whether it answers the same question. */
async function answered(store: ObjectStore, record: DecisionRecord, question: Question): Promise<DecidedCycle> {
  const answers: Question = {
    evaluations: record.arms.map(({ evaluation }) => evaluation),
    testSet: record.testSet.sha256,
    vocabulary: record.vocabulary.key,
    policy: record.policy,
  };
  const key = objectKeys.decision(record.cycle);
  if (!isDeepStrictEqual(answers, question)) {
    throw new TypedFailure("InvalidInput", `${key} was decided from other answers or by another policy: raise repeat`);
  }
  return { ...record.decision, ...(await hashNeeded(store, key)) };
}

function refuseOther(asked: TestSet, testSet: TestSet): void {
  if (asked.sha256 === testSet.sha256) return;
  throw new TypedFailure("InvalidData", `${asked.key} was asked, and the cycle's test set is ${testSet.key}`);
}

async function decidedArm(
  store: ObjectStore,
  pipeline: string,
  { name, model, evaluation, failure }: AskedArm,
  testSet: TestSet,
): Promise<DecidedArm> {
  const manifest = await hashObject(store, objectKeys.modelManifest(pipeline, model));
  if (evaluation === null) {
    const answers = { asked: testSet.records, failed: testSet.records };
    return { name, model, evaluation: null, predictions: [], answers, failure, manifest };
  }
  const answers = { asked: 0, failed: 0 };
  const predictions: HashedObject[] = [];
  for (let shard = 0; shard < evaluation.shards; shard++) {
    const key = objectKeys.predictions(evaluation.key, shard);
    const text = await needText(store, key);
    const { asked, failed } = countAnswers(parsePredictions(text, key));
    answers.asked += asked;
    answers.failed += failed;
    predictions.push(await frozen(store, { key, sha256: sha256(text) }, { text, evaluation: evaluation.key, failed }));
  }
  return { name, model, evaluation: evaluation.key, predictions, answers, failure: null, manifest };
}

/** Questions without an answer are asked again by a later cycle, which changes the shard: this decision keeps its own. */
async function frozen(
  store: ObjectStore,
  object: HashedObject,
  { text, evaluation, failed }: { text: string; evaluation: string; failed: number },
): Promise<HashedObject> {
  if (failed === 0) return object;
  const key = objectKeys.decidedPredictions(evaluation, object.sha256);
  await store.put(key, text, { contentType: "application/jsonl" });
  return { key, sha256: object.sha256 };
}
