import { predictionSchema, type Evaluation, type Prediction } from "../src/domain/evaluation-schema.ts";
import { TypedFailure } from "../src/domain/failures.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import type { ObjectStore } from "../src/ports.ts";
import { parseLine } from "./documents.ts";

/** Predictions as an object of that name has them. Throws InvalidData naming the line. */
export function parsePredictions(name: string, body: Buffer): Prediction[] {
  const lines = body.toString("utf8").trimEnd().split("\n");
  return lines.map((line, index) => parseLine(predictionSchema, line, { key: name, number: index + 1 }));
}

/**
 * All predictions of an evaluation in the order of its questions, in the memory of one shard. Throws NotFound when a shard
 * is missing, InvalidData naming a line that is no prediction.
 */
export async function* predictionsOf(
  store: ObjectStore,
  { key, shards }: Pick<Evaluation, "key" | "shards">,
): AsyncGenerator<Prediction> {
  for (let shard = 0; shard < shards; shard++) {
    const name = objectKeys.predictions(key, shard);
    const object = await store.get(name);
    if (object === null) throw new TypedFailure("NotFound", `evaluation ${key} has no shard ${shard}`);
    yield* parsePredictions(name, object.body);
  }
}
