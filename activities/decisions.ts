import { isDeepStrictEqual } from "node:util";
import {
  decisionRecordSchema,
  type DecidedArm,
  type DecidedJudgement,
  type DecisionRecord,
  type HashedObject,
} from "../src/domain/decision-record-schema.ts";
import { countAnswers } from "../src/domain/evaluation.ts";
import type { TestSet } from "../src/domain/evaluation-schema.ts";
import { TypedFailure } from "../src/domain/failures.ts";
import type { Judged } from "../src/domain/judgement-schema.ts";
import { countReplies } from "../src/domain/metrics/judgements.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import type { ObjectStore, Ports } from "../src/ports.ts";
import { hashNeeded, hashObject, needBody, sha256, weigh } from "./decision-basis.ts";
import { readChosen } from "./checkpoints.ts";
import { needDocument, readDocument, writeOnce } from "./documents.ts";
import type { AskedArm, DecidedCycle, DecisionActivities } from "./comparison-interfaces.ts";
import { parseJudgements } from "./judgement-shard.ts";
import { parsePredictions } from "./predictions.ts";
import { questionsOf } from "./questions.ts";

type DecisionPorts = Pick<Ports, "store" | "metrics" | "code">;
type CycleToDecide = Parameters<DecisionActivities["decideCycle"]>[0];

export function createDecisionActivities(ports: DecisionPorts): DecisionActivities {
  const { store, metrics } = ports;
  return {
    async settleChoices({ testSet, evaluate, decide }) {
      const expected: string[] = [];
      for await (const record of questionsOf(store, testSet)) {
        if (record.set === "test") expected.push(record.expected);
      }
      const { metrics: chosen, policy } = await metrics.resolve({ evaluate, decide }, expected);
      const context = { vocabulary: { functions: [], attributeTypes: [] }, prices: evaluate.prices };
      const packs = await metrics.open(chosen, context);
      const judging = new Set(packs.filter(({ judge }) => judge !== undefined).map(({ name }) => name));
      return { metrics: chosen, policy, judges: chosen.filter(({ pack }) => judging.has(pack)) };
    },

    async decideCycle(request) {
      const key = objectKeys.decision(request.cycle);
      const decided = await readDocument(store, key, decisionRecordSchema);
      if (decided !== null) return answered(store, decided.value, request);
      const record = await makeRecord(ports, request);
      const isMine = await writeOnce(store, key, record);
      return answered(store, isMine ? record : await needDocument(store, key, decisionRecordSchema), request);
    },
  };
}

async function makeRecord(ports: DecisionPorts, request: CycleToDecide): Promise<DecisionRecord> {
  const { store, code } = ports;
  const { cycle, pipeline, testSet, evaluate, policy, judging } = request;
  const arms: DecidedArm[] = [];
  for (const arm of request.arms) arms.push(await decidedArm(store, pipeline, arm, testSet));
  const judgements: DecidedJudgement[] = [];
  for (const judged of judging.judged) judgements.push(await decidedJudgement(store, judged));
  const basis = {
    testSet,
    arms,
    judgements,
    judgeFailure: judging.failure,
    vocabulary: await hashNeeded(store, request.vocabulary),
    packs: request.metrics,
    slices: evaluate.slices,
    prices: evaluate.prices,
    policy,
  };
  const { comparisons, decision } = await weigh(ports, basis);
  const decidedAt = new Date().toISOString();
  return { format: 1, cycle, pipeline, decidedAt, code, ...basis, comparisons, decision };
}

/** A decision is found by its cycle's name alone, so it is looked at whether it answers the same question. */
async function answered(store: ObjectStore, record: DecisionRecord, request: CycleToDecide): Promise<DecidedCycle> {
  const key = objectKeys.decision(record.cycle);
  const was = [
    record.arms.filter(({ name }) => decides(name)).map(({ evaluation }) => evaluation),
    record.testSet.sha256,
    record.vocabulary.key,
    record.packs,
    record.policy,
  ];
  const is = [
    request.arms.filter(({ name }) => decides(name)).map(({ evaluation }) => evaluation?.key ?? null),
    request.testSet.sha256,
    request.vocabulary,
    request.metrics,
    request.policy,
  ];
  if (!isDeepStrictEqual(was, is)) {
    throw new TypedFailure("InvalidInput", `${key} was decided from other answers or by another policy: raise repeat`);
  }
  return { ...record.decision, ...(await hashNeeded(store, key)) };
}

function decides(name: AskedArm["name"]): boolean {
  return name === "champion" || name === "challenger";
}

async function decidedArm(
  store: ObjectStore,
  pipeline: string,
  { name, model, evaluation, failure }: AskedArm,
  testSet: TestSet,
): Promise<DecidedArm> {
  const own = decides(name) ? await ownObjects(store, pipeline, model) : { manifest: null, checkpoint: null };
  if (evaluation === null) {
    const answers = { asked: testSet.records, failed: testSet.records };
    return { name, model, evaluation: null, predictions: [], answers, failure, ...own };
  }
  if (evaluation.testSet.sha256 !== testSet.sha256) {
    throw new TypedFailure("InvalidData", `${model} was asked ${evaluation.testSet.key}, not ${testSet.key}`);
  }
  const answers = { asked: 0, failed: 0 };
  const predictions: HashedObject[] = [];
  for (let shard = 0; shard < evaluation.shards; shard++) {
    const key = objectKeys.predictions(evaluation.key, shard);
    const body = await needBody(store, key);
    const { asked, failed } = countAnswers(parsePredictions(key, body));
    answers.asked += asked;
    answers.failed += failed;
    predictions.push(await kept(store, key, body, failed === 0));
  }
  if (answers.asked !== evaluation.records) {
    const found = `${model} has ${answers.asked} stored answers, and ${evaluation.records} were asked for`;
    throw new TypedFailure("InvalidData", `evaluation ${evaluation.key}: ${found}`);
  }
  return { name, model, evaluation: evaluation.key, predictions, answers, failure: null, ...own };
}

/** What a model version consists of, and which of its checkpoints answers. */
async function ownObjects(
  store: ObjectStore,
  pipeline: string,
  model: string,
): Promise<Pick<DecidedArm, "manifest" | "checkpoint">> {
  const manifest = await hashObject(store, objectKeys.modelManifest(pipeline, model));
  const choice = await hashObject(store, objectKeys.checkpointChoice(pipeline, model));
  const chosen = choice && (await readChosen(store, { pipeline, model }));
  return { manifest, checkpoint: choice && chosen && { ...choice, chosen } };
}

/** Counts anew: between judging and deciding another cycle may have had a reply that there was not. */
async function decidedJudgement(store: ObjectStore, judged: Judged): Promise<DecidedJudgement> {
  const counts = { asked: 0, failed: 0 };
  const replies: HashedObject[] = [];
  for (let shard = 0; shard < judged.shards; shard++) {
    const key = objectKeys.judgements(judged.evaluation, judged.judge, shard);
    const body = await needBody(store, key);
    const { asked, failed } = countReplies(parseJudgements(key, body.toString("utf8")));
    counts.asked += asked;
    counts.failed += failed;
    replies.push(await kept(store, key, body, failed === 0));
  }
  return { ...judged, ...counts, replies };
}

/** What has no answer yet is asked again by a later cycle, which changes the object: then the decision keeps a copy. */
async function kept(store: ObjectStore, key: string, body: Buffer, isFinal: boolean): Promise<HashedObject> {
  const object = { key, sha256: sha256(body) };
  if (isFinal) return object;
  const copy = objectKeys.decided(key, object.sha256);
  await store.put(copy, body, { contentType: "application/jsonl" });
  return { ...object, key: copy };
}
