import { z } from "zod";
import type { DatasetVersion } from "../src/domain/dataset-version-schema.ts";
import { learnVocabulary, type Vocabulary } from "../src/domain/functional-representation.ts";
import { questionAndAnswer } from "../src/domain/record.ts";
import type { ObjectStore } from "../src/ports.ts";
import { partRecords } from "./records.ts";

/** Names seen in training data, `datasets/<name>/vocabularies/<000012>.json`. */
export const vocabularySchema = z.object({ functions: z.array(z.string()), attributeTypes: z.array(z.string()) });

/**
 * Function and attribute names in the training records of a version. Reads every training record, and so also finds out
 * whether each of its objects is still what was written.
 */
export async function learnVersionVocabulary(store: ObjectStore, manifest: DatasetVersion): Promise<Vocabulary> {
  const functions = new Set<string>();
  const attributeTypes = new Set<string>();
  for (const part of manifest.parts.filter(({ split }) => split === "train")) {
    const answers: string[] = [];
    for await (const { messages } of partRecords(store, part)) answers.push(questionAndAnswer(messages).answer);
    const seen = learnVocabulary(answers);
    for (const name of seen.functions) functions.add(name);
    for (const name of seen.attributeTypes) attributeTypes.add(name);
  }
  return { functions: [...functions].toSorted(), attributeTypes: [...attributeTypes].toSorted() };
}
