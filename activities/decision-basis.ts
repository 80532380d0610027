/** What a decision rests on, read from storage; the same for deciding and for checking a decision. */
import { createHash } from "node:crypto";
import type { DecidedArm, DecisionRecord, HashedObject } from "../src/domain/decision-record-schema.ts";
import { decideArms } from "../src/domain/decision-record.ts";
import { comparePredictions } from "../src/domain/evaluation.ts";
import { predictionSchema, type Prediction } from "../src/domain/evaluation-schema.ts";
import { TypedFailure } from "../src/domain/failures.ts";
import type { ObjectStore } from "../src/ports.ts";
import { needDocument, parseLine } from "./documents.ts";
import { vocabularySchema } from "./vocabulary.ts";

/** What a decision is made from; all of it is in its record. */
export type DecisionBasis = Pick<
  DecisionRecord,
  "testSet" | "arms" | "judgements" | "vocabulary" | "packs" | "slices" | "prices" | "policy"
>;

/** Compares the stored answers and decides. The same basis gives the same, to the last digit. */
export async function weigh(
  store: ObjectStore,
  basis: DecisionBasis,
): Promise<Pick<DecisionRecord, "comparisons" | "decision">> {
  const known = await needDocument(store, basis.vocabulary.key, vocabularySchema);
  const read = async (name: DecidedArm["name"]): Promise<Prediction[] | null> => {
    const arm = basis.arms.find((candidate) => candidate.name === name);
    return arm === undefined ? null : readArm(store, arm);
  };
  const challenger = (await read("challenger")) ?? [];
  const comparisons = comparePredictions(await read("champion"), challenger, known);
  return { comparisons, decision: decideArms(basis.arms, comparisons, basis.policy) };
}

async function readArm(store: ObjectStore, { predictions }: DecidedArm): Promise<Prediction[]> {
  const all: Prediction[] = [];
  for (const { key } of predictions) all.push(...parsePredictions(await needText(store, key), key));
  return all;
}

/** Predictions of a shard's text, in the order of its questions. Throws InvalidData naming the line. */
export function parsePredictions(text: string, key: string): Prediction[] {
  const lines = text.trimEnd().split("\n");
  return lines.map((line, index) => parseLine(predictionSchema, line, { key, number: index + 1 }));
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

/** Text of an object that must be there. Throws NotFound. */
export async function needText(store: ObjectStore, key: string): Promise<string> {
  return (await store.get(key))?.body.toString("utf8") ?? missing(store, key);
}

/** sha256 in hexadecimal. */
export function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

function missing(store: ObjectStore, key: string): never {
  throw new TypedFailure("NotFound", `${store.uri(key)}: no such object`);
}
