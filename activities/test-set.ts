import { createHash } from "node:crypto";
import { cancellationSignal } from "@temporalio/activity";
import { datasetVersionSchema } from "../src/domain/dataset-version-schema.ts";
import { fewestRecords } from "../src/domain/judgement.ts";
import type { TestRecord, TestSet } from "../src/domain/evaluation-schema.ts";
import { TypedFailure } from "../src/domain/failures.ts";
import { datasetVersionId } from "../src/domain/ids.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import { whyNotTrainable } from "../src/domain/record.ts";
import { emptyRegistry } from "../src/domain/registry.ts";
import { registrySchema, type FrozenTestSet } from "../src/domain/registry-schema.ts";
import type { ObjectStore, Ports } from "../src/ports.ts";
import { needDocument, readDocument, updateDocument } from "./documents.ts";
import { partRecords } from "./records.ts";
import { testItemOf, testRecordOf, type TestSetName } from "./test-records.ts";

type TestSetPorts = Pick<Ports, "store" | "readChatFile" | "authorKey">;

/** What a pipeline's test set is made of. */
export interface TestSetSources {
  pipeline: string;
  /** Whose test split becomes the test set where `uri` is null. */
  version: number;
  uri: string | null;
  /** `s3://` URI of questions of old skills; null for none. */
  retention: string | null;
}

/** A test set that is too small would stay so for ever. */
const needed = `and ${fewestRecords} are needed to compare models`;

/**
 * The pipeline's frozen test set, made from `uri` or, when that is null, from the version's test split, and from
 * `retention`, if there is none yet. Throws InvalidData when that has fewer records than a decision needs, and
 * InvalidInput when the test set was frozen from something else.
 */
export async function freezeTestSet(
  ports: TestSetPorts,
  { pipeline, version, uri, retention }: TestSetSources,
): Promise<TestSet> {
  const { store } = ports;
  const registryKey = objectKeys.registry(pipeline);
  const known = await readDocument(store, registryKey, registrySchema);
  if (known?.value.testSet) return asDefined(known.value.testSet, { uri, retention });
  const tested = uri === null ? await testSplit(ports, pipeline, version) : await testFile(ports, uri);
  const kept = retention === null ? [] : await retentionFile(ports, retention, tested);
  const records = [...tested, ...kept];
  const made: FrozenTestSet = { ...(await storeQuestions(store, pipeline, records)), uri, retention };
  const { testSet } = await updateDocument(store, registryKey, registrySchema, (current) => {
    const registry = current ?? emptyRegistry(pipeline);
    return registry.testSet === null ? { ...registry, testSet: made } : registry;
  });
  return asDefined(testSet ?? made, { uri, retention });
}

/** The frozen test set, unless the definition wants another: scores on two test sets say nothing about two models. */
function asDefined(
  { uri: frozen, retention: kept, ...testSet }: FrozenTestSet,
  { uri, retention }: Pick<TestSetSources, "uri" | "retention">,
): TestSet {
  if (frozen !== uri) throw frozenOtherwise("dataset.testSet", frozen, uri, "null (the test split)");
  if (kept !== retention) throw frozenOtherwise("evaluate.retentionSet", kept, retention, "null (no old skills)");
  return testSet;
}

function frozenOtherwise(field: string, frozen: string | null, uri: string | null, none: string): TypedFailure {
  const [has, wants] = [frozen ?? none, uri ?? none];
  return new TypedFailure(
    "InvalidInput",
    `${field}: is ${wants}, but the questions of this pipeline were frozen with ${has}, and its models are compared on them: put that back, or give the pipeline another name, under which it freezes new questions and has no champion yet`,
  );
}

/** A split of a dataset version as questions, in the order of their ids. */
export async function splitQuestions(
  store: ObjectStore,
  { dataset, version, split }: { dataset: string; version: number; split: "valid" | "test" },
): Promise<TestRecord[]> {
  const manifest = await needDocument(store, objectKeys.version(dataset, version), datasetVersionSchema);
  const records: TestRecord[] = [];
  for (const part of manifest.parts.filter((part) => part.split === split)) {
    for await (const record of partRecords(store, part)) records.push(testRecordOf(record, "test"));
  }
  return records.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

/** Writes questions under the name of their content. */
export async function storeQuestions(
  store: ObjectStore,
  pipeline: string,
  records: readonly TestRecord[],
): Promise<TestSet> {
  const body = records.map((record) => `${JSON.stringify(record)}\n`).join("");
  const sha256 = createHash("sha256").update(body).digest("hex");
  const key = objectKeys.testSet(pipeline, sha256);
  await store.put(key, body, { contentType: "application/jsonl" });
  return { key, sha256, records: records.length };
}

async function testSplit({ store }: TestSetPorts, dataset: string, version: number): Promise<TestRecord[]> {
  const records = await splitQuestions(store, { dataset, version, split: "test" });
  if (records.length < fewestRecords) {
    throw new TypedFailure(
      "InvalidData",
      `${datasetVersionId(dataset, version)} has ${records.length} test records, ${needed}: name a file in dataset.testSet or raise dataset.split.test`,
    );
  }
  return records;
}

async function testFile(ports: TestSetPorts, uri: string): Promise<TestRecord[]> {
  const records = await readTestFile(ports, uri, "test", "dataset.testSet");
  if (records.length < fewestRecords) {
    throw new TypedFailure("InvalidData", `dataset.testSet ${uri}: has ${records.length} records, ${needed}`);
  }
  return records;
}

/** What is in the test set anyway is left to that: one record is asked once. */
async function retentionFile(ports: TestSetPorts, uri: string, tested: readonly TestRecord[]): Promise<TestRecord[]> {
  const known = new Set(tested.map(({ id }) => id));
  const records = await readTestFile(ports, uri, "retention", "evaluate.retentionSet");
  const kept = records.filter(({ id }) => !known.has(id));
  if (kept.length > 0) return kept;
  const problem = records.length === 0 ? "has no records" : "has no record that is not in the test set already";
  throw new TypedFailure("InvalidData", `evaluate.retentionSet ${uri}: ${problem}`);
}

/**
 * A file with a bad line is refused whole: a score over what happens to parse would be another score. A record that is
 * there twice is asked once: it would count as two pieces of evidence.
 */
async function readTestFile(
  { readChatFile, authorKey }: TestSetPorts,
  uri: string,
  set: TestSetName,
  field: string,
): Promise<TestRecord[]> {
  const records = new Map<string, TestRecord>();
  for await (const items of readChatFile(uri, cancellationSignal())) {
    for (const item of items) {
      const reason = "reason" in item ? item.reason : whyNotTrainable(item.chat);
      if ("reason" in item || reason !== null) {
        throw new TypedFailure("InvalidData", `${field} ${uri}: ${item.at}: ${reason}`);
      }
      const record = testItemOf(item.chat, set, authorKey);
      records.set(record.id, record);
    }
  }
  return [...records.values()];
}
