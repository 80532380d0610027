import { predictionSchema, type Evaluation, type Prediction } from "../src/domain/evaluation-schema.ts";
import { TypedFailure } from "../src/domain/failures.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import type { ObjectStore } from "../src/ports.ts";
import { parseLine } from "./documents.ts";

/** Predictions of a shard, in the order of its questions; null when none are stored. Throws InvalidData naming the line. */
export async function readShard(store: ObjectStore, key: string, shard: number): Promise<Prediction[] | null> {
  const name = objectKeys.predictions(key, shard);
  const object = await store.get(name);
  if (object === null) return null;
  const lines = object.body.toString("utf8").trimEnd().split("\n");
  return lines.map((line, index) => parseLine(predictionSchema, line, { key: name, number: index + 1 }));
}

/** All predictions of an evaluation. Throws NotFound when a shard is missing. */
export async function readPredictions(
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
