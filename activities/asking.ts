import type { Prediction, TestRecord, TestSet } from "../src/domain/evaluation-schema.ts";
import { withExamples, type Example } from "../src/domain/asking.ts";
import type { ObjectStore } from "../src/ports.ts";
import type { AskingWatch } from "./asking-watch.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import { PredictionShard, type AskedAgain } from "./prediction-shard.ts";
import { askQuestion, questionsOf, type Asking } from "./questions.ts";
import type { Sample } from "./sample.ts";

/** Questions whose answers lie in one object. */
export const shardRecords = 250;

/** A question to be asked, and who keeps its answer. */
export interface OpenQuestion {
  record: TestRecord;
  /** Resolves when the answer is stored. */
  keep: (prediction: Prediction) => Promise<void>;
}

/**
 * Asks the questions as they come, `lanes` of them at a time, and counts the answers. Each lane goes on to its next
 * question while its last answer is being stored, and is never further ahead than that: a process that is lost loses at
 * most two questions of each lane. Throws what the first failing part throws, when nothing is on its way any more.
 */
export async function askAll(
  questions: AsyncGenerator<OpenQuestion>,
  asking: Asking & { examples: readonly Example[]; lanes: number; watch: Pick<AskingWatch, "countAsked"> },
): Promise<void> {
  const stop = new AbortController();
  const signal = AbortSignal.any([asking.signal, stop.signal]);
  const lane = async (): Promise<void> => {
    let stored: Promise<void> | null = null;
    try {
      for await (const { record, keep } of shared(questions)) {
        const { id, expected, question } = record;
        const messages = withExamples(question, asking.examples);
        const prediction = await askQuestion({ ...asking, signal }, { id, expected, messages });
        await stored;
        stored = keep(prediction);
        // Awaited in its turn; until then a failure is nobody's surprise.
        stored.catch(() => {});
        asking.watch.countAsked(prediction);
      }
      await stored;
    } catch (error) {
      stop.abort(error);
      await stored?.catch(() => {});
      throw error;
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: asking.lanes }, lane));
  await questions.return(undefined);
  asking.signal.throwIfAborted();
  if (stop.signal.aborted) throw stop.signal.reason;
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}

/** The same iteration for several readers: one that ends early ends it for nobody else. */
async function* shared<T>(items: AsyncGenerator<T>): AsyncGenerator<T> {
  for (let next = await items.next(); !next.done; next = await items.next()) yield next.value;
}

/** Where the answers to a test set go, and which of its questions are asked. */
export interface Answers {
  /** Of the evaluation. */
  key: string;
  testSet: TestSet;
  sample: Sample;
  again: AskedAgain;
}

/**
 * The questions without a final answer, shard by shard, each of which is opened while the one before is being asked. Counts
 * those that have one.
 */
export async function* openQuestions(
  store: ObjectStore,
  { key, testSet, sample, again }: Answers,
  watch: Pick<AskingWatch, "countKnown">,
): AsyncGenerator<OpenQuestion> {
  const groups = inGroups(questionsOf(store, testSet), sample);
  let shards = 0;
  const openNext = async (): Promise<{ shard: PredictionShard; group: TestRecord[] } | null> => {
    const { value: group } = await groups.next();
    if (!group) return null;
    return { shard: await PredictionShard.open(store, objectKeys.predictions(key, shards++), group, again), group };
  };
  let coming = openNext();
  try {
    for (let current = await coming; current !== null; current = await coming) {
      const { shard, group } = current;
      coming = openNext();
      // Awaited when this shard's questions have been taken.
      coming.catch(() => {});
      for (const prediction of shard.known) watch.countKnown(prediction);
      for (const index of shard.open) {
        const record = group[index];
        if (record) yield { record, keep: (prediction) => shard.add(index, prediction) };
      }
    }
  } finally {
    await coming.catch(() => {});
    await groups.return(undefined);
  }
}

async function* inGroups(records: AsyncIterable<TestRecord>, sample: Sample): AsyncGenerator<TestRecord[], undefined> {
  let group: TestRecord[] = [];
  for await (const record of records) {
    if (!sample.isDrawn(record)) continue;
    group.push(record);
    if (group.length < shardRecords) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}
