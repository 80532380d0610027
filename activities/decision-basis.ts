/** What a decision rests on, read from storage; the same for deciding and for checking a decision. */
import { createHash } from "node:crypto";
import { setImmediate as breathe } from "node:timers/promises";
import { compareArms } from "../src/domain/comparison.ts";
import type { Comparison } from "../src/domain/comparison-schema.ts";
import type { DecidedArm, DecisionRecord, HashedObject } from "../src/domain/decision-record-schema.ts";
import { armOf, decideArms } from "../src/domain/decision-record.ts";
import type { ScoredAnswers } from "../src/domain/evaluation.ts";
import type { Prediction } from "../src/domain/evaluation-schema.ts";
import type { MetricPack } from "../src/domain/metrics/metric.ts";
import { TypedFailure } from "../src/domain/failures.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import type { ObjectStore, Ports } from "../src/ports.ts";
import { needDocument } from "./documents.ts";
import { parsePredictions } from "./predictions.ts";
import { scoreStored } from "./scoring.ts";
import { vocabularySchema } from "./vocabulary.ts";

/** What a decision is made from; all of it is in its record. */
export type DecisionBasis = Pick<
  DecisionRecord,
  "testSet" | "arms" | "judgements" | "judgeFailure" | "vocabulary" | "packs" | "slices" | "prices" | "policy"
>;

type BasisPorts = Pick<Ports, "store" | "metrics">;

/** A basis whose answers can be scored. */
export interface ScorableBasis {
  packs: MetricPack[];
  /** @param against the champion, where a judge may have compared both */
  score: (arm: DecidedArm, against: DecidedArm | null) => Promise<ScoredAnswers>;
}

/** Opens the metric packs of a basis. Throws InvalidInput when one is not the one that was chosen. */
export async function openBasis({ store, metrics }: BasisPorts, basis: DecisionBasis): Promise<ScorableBasis> {
  const { packs: choices, slices, prices, policy } = basis;
  const vocabulary = await needDocument(store, basis.vocabulary.key, vocabularySchema);
  const packs = await metrics.open(choices, { vocabulary, prices });
  const scoring = { packs, slices, wanted: policy.guards.map(({ on }) => on) };
  const replies = asRead(store, basis);
  return {
    packs,
    score: (arm, against) =>
      scoreStored(replies, {
        testSet: basis.testSet,
        predictions: predictionsAt(store, arm),
        against: against === null ? null : predictionsAt(store, against),
        judged: basis.judgements.filter(({ evaluation }) => evaluation === arm.evaluation),
        scoring,
      }),
  };
}

/** Compares the stored answers and decides. The same basis gives the same, to the last digit. */
export async function weigh(
  ports: BasisPorts,
  basis: DecisionBasis,
): Promise<Pick<DecisionRecord, "comparisons" | "decision">> {
  const { arms, policy } = basis;
  const { packs, score } = await openBasis(ports, basis);
  const [champion, challenger] = [armOf(arms, "champion"), armOf(arms, "challenger")];
  const comparisons: Comparison[] = [];
  if (challenger !== null) {
    const attack = await score(challenger, champion);
    const defence = champion === null ? null : await score(champion, null);
    const { alpha } = policy;
    for (const comparison of compareArms({ champion: defence, challenger: attack, packs, alpha })) {
      comparisons.push(comparison);
      await breathe();
    }
  }
  return { comparisons, decision: decideArms(basis, comparisons) };
}

/** An arm's predictions in the order of the questions, in the memory of one object. */
export async function* predictionsAt(store: ObjectStore, { predictions }: DecidedArm): AsyncGenerator<Prediction> {
  for (const { key } of predictions) yield* parsePredictions(key, await needBody(store, key));
}

/** Storage in which the replies of judges are those that the decision rests on, whatever was replied later. */
function asRead(store: ObjectStore, { judgements }: DecisionBasis): ObjectStore {
  const places = judgements.flatMap(({ evaluation, judge, replies }) =>
    replies.map(({ key }, shard) => [objectKeys.judgements(evaluation, judge, shard), key] as const),
  );
  const kept = new Map(places);
  return {
    uri: (key) => store.uri(key),
    get: (key, expected) => store.get(kept.get(key) ?? key, expected),
    stream: (key, expected) => store.stream(key, expected),
    put: (key, body, options) => store.put(key, body, options),
    putStream: (key, body, options) => store.putStream(key, body, options),
    list: (prefix, options) => store.list(prefix, options),
  };
}

/** An object's hash as it is now; null when it is gone. */
export async function hashObject(store: ObjectStore, key: string): Promise<HashedObject | null> {
  const object = await store.get(key);
  return object === null ? null : { key, sha256: sha256(object.body) };
}

/** The same of an object that must be there. Throws NotFound. */
export async function hashNeeded(store: ObjectStore, key: string): Promise<HashedObject> {
  return (await hashObject(store, key)) ?? missing(store, key);
}

/** An object that must be there. Throws NotFound. */
export async function needBody(store: ObjectStore, key: string): Promise<Buffer> {
  return (await store.get(key))?.body ?? missing(store, key);
}

/** sha256 in hexadecimal. */
export function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

function missing(store: ObjectStore, key: string): never {
  throw new TypedFailure("NotFound", `${store.uri(key)}: no such object`);
}
