import { z } from "zod";
import type { DatasetVersion } from "../src/domain/dataset-version-schema.ts";
import { learnVocabulary } from "../src/domain/metrics/functional-representation.ts";
import type { Vocabulary } from "../src/domain/metrics/metric.ts";
import type { exampleListSchema, TestSet } from "../src/domain/evaluation-schema.ts";
import { canonicalMessages, questionAndAnswer } from "../src/domain/record.ts";
import type { ObjectStore } from "../src/ports.ts";
import { questionsOf } from "./questions.ts";
import { partRecords } from "./records.ts";
import { rankOf } from "./sample.ts";

/** Names seen in training data, `datasets/<name>/vocabularies/<000012>.json`. */
export const vocabularySchema = z.object({ functions: z.array(z.string()), attributeTypes: z.array(z.string()) });

/** What the training records of a version say. */
export interface TrainingData {
  vocabulary: Vocabulary;
  /** Records that ask a question of the test set. */
  leaked: number;
  /** Drawn from the other records. */
  examples: z.infer<typeof exampleListSchema>;
}

/**
 * Reads every training record of a version, and so also finds out whether each of its objects is still what was written.
 * Examples are drawn by the hash of seed and id: the same always, whatever the order of the records.
 */
export async function readTrainingData(
  store: ObjectStore,
  manifest: DatasetVersion,
  testSet: TestSet,
  draw: { fewShot: number; seed: number },
): Promise<TrainingData> {
  const tested = new Set<string>();
  for await (const { question } of questionsOf(store, testSet)) tested.add(canonicalMessages(question));
  let leaked = 0;
  const functions = new Set<string>();
  const attributeTypes = new Set<string>();
  const drawn = new Draw(draw);
  for (const part of manifest.parts.filter(({ split }) => split === "train")) {
    const answers: string[] = [];
    for await (const { id, messages } of partRecords(store, part)) {
      const { question, answer } = questionAndAnswer(messages);
      answers.push(answer);
      if (tested.has(canonicalMessages(question))) leaked++;
      else drawn.offer({ id, question, answer });
    }
    const seen = learnVocabulary(answers);
    for (const name of seen.functions) functions.add(name);
    for (const name of seen.attributeTypes) attributeTypes.add(name);
  }
  const vocabulary = { functions: [...functions].toSorted(), attributeTypes: [...attributeTypes].toSorted() };
  return { vocabulary, leaked, examples: drawn.records };
}

/** Keeps the records that come first by the hash of seed and id. */
class Draw {
  readonly #fewShot: number;
  readonly #seed: number;
  #kept: { rank: number; record: TrainingData["examples"][number] }[] = [];

  constructor({ fewShot, seed }: { fewShot: number; seed: number }) {
    this.#fewShot = fewShot;
    this.#seed = seed;
  }

  offer(record: TrainingData["examples"][number]): void {
    if (this.#fewShot === 0) return;
    const rank = rankOf(this.#seed, record.id);
    const isFull = this.#kept.length === this.#fewShot;
    if (isFull && rank >= (this.#kept.at(-1)?.rank ?? 0)) return;
    this.#kept = [...this.#kept, { rank, record }].toSorted((a, b) => a.rank - b.rank).slice(0, this.#fewShot);
  }

  get records(): TrainingData["examples"] {
    return this.#kept.map(({ record }) => record);
  }
}
