import { z } from "zod";
import type { DatasetVersion } from "../src/domain/dataset-version-schema.ts";
import { learnVocabulary } from "../src/domain/metrics/functional-representation.ts";
import type { Vocabulary } from "../src/domain/metrics/metric.ts";
import type { TestSet } from "../src/domain/evaluation-schema.ts";
import { canonicalMessages, questionAndAnswer } from "../src/domain/record.ts";
import type { ObjectStore } from "../src/ports.ts";
import { readQuestions } from "./questions.ts";
import { partRecords } from "./records.ts";

/** Names seen in training data, `datasets/<name>/vocabularies/<000012>.json`. */
export const vocabularySchema = z.object({ functions: z.array(z.string()), attributeTypes: z.array(z.string()) });

/**
 * Function and attribute names in the training records of a version, and how many of these ask a question of the test
 * set. Reads every training record, and so also finds out whether each of its objects is still what was written.
 */
export async function readTrainingData(
  store: ObjectStore,
  manifest: DatasetVersion,
  testSet: TestSet,
): Promise<{ vocabulary: Vocabulary; leaked: number }> {
  const tested = new Set((await readQuestions(store, testSet)).map(({ question }) => canonicalMessages(question)));
  let leaked = 0;
  const functions = new Set<string>();
  const attributeTypes = new Set<string>();
  for (const part of manifest.parts.filter(({ split }) => split === "train")) {
    const answers: string[] = [];
    for await (const { messages } of partRecords(store, part)) {
      const { question, answer } = questionAndAnswer(messages);
      answers.push(answer);
      if (tested.has(canonicalMessages(question))) leaked++;
    }
    const seen = learnVocabulary(answers);
    for (const name of seen.functions) functions.add(name);
    for (const name of seen.attributeTypes) attributeTypes.add(name);
  }
  const vocabulary = { functions: [...functions].toSorted(), attributeTypes: [...attributeTypes].toSorted() };
  return { vocabulary, leaked };
}
