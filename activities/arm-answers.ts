import type { Prediction, TestRecord, TestSet } from "../src/domain/evaluation-schema.ts";
import { TypedFailure } from "../src/domain/failures.ts";
import type { ObjectStore } from "../src/ports.ts";
import { questionsOf } from "./questions.ts";

/** A question that was asked, with what each arm answered; null for an arm that was not asked it. */
export interface AnsweredQuestion {
  record: TestRecord;
  predictions: (Prediction | null)[];
}

/**
 * The questions of a test set that the first arm was asked, with the predictions of all arms, in the memory of one. Each
 * arm's predictions come in the order of the questions. Throws InvalidData when an arm has a prediction that is of no
 * question there.
 */
export async function* answeredQuestions(
  store: ObjectStore,
  testSet: TestSet,
  arms: readonly AsyncIterable<Prediction>[],
): AsyncGenerator<AnsweredQuestion> {
  const heads = arms.map((arm) => arm[Symbol.asyncIterator]());
  const next: (Prediction | null)[] = [];
  for (const head of heads) next.push(await after(head));
  for await (const record of questionsOf(store, testSet)) {
    const predictions: (Prediction | null)[] = [];
    for (const [index, head] of heads.entries()) {
      const prediction = next[index] ?? null;
      const isOfIt = prediction?.id === record.id;
      predictions.push(isOfIt ? prediction : null);
      if (isOfIt) next[index] = await after(head);
    }
    if (predictions[0] !== null) yield { record, predictions };
  }
  const stray = next.find((prediction) => prediction !== null);
  if (stray) throw new TypedFailure("InvalidData", `${testSet.key} has no question ${stray.id} in its place`);
}

async function after(head: AsyncIterator<Prediction>): Promise<Prediction | null> {
  const result = await head.next();
  return result.done === true ? null : result.value;
}
