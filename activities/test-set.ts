import { createHash } from "node:crypto";
import { cancellationSignal } from "@temporalio/activity";
import { datasetVersionSchema } from "../src/domain/dataset-version-schema.ts";
import { fewestRecords } from "../src/domain/decision.ts";
import type { TestRecord, TestSet } from "../src/domain/evaluation-schema.ts";
import { TypedFailure } from "../src/domain/failures.ts";
import { datasetVersionId } from "../src/domain/ids.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import { canonicalMessages, questionAndAnswer, whyNotTrainable } from "../src/domain/record.ts";
import type { Message } from "../src/domain/record-schema.ts";
import { emptyRegistry } from "../src/domain/registry.ts";
import { registrySchema, type FrozenTestSet } from "../src/domain/registry-schema.ts";
import type { Ports } from "../src/ports.ts";
import { needDocument, readDocument, updateDocument } from "./documents.ts";
import { partRecords } from "./records.ts";

type TestSetPorts = Pick<Ports, "store" | "readChatFile">;

/** A test set that is too small would stay so for ever. */
const needed = `and ${fewestRecords} are needed to compare models`;

/**
 * The pipeline's frozen test set, made from `uri` or, when that is null, from the version's test split, if there is none
 * yet. Throws InvalidData when that has fewer records than a decision needs, and InvalidInput when the test set was
 * frozen from something else.
 */
export async function freezeTestSet(
  ports: TestSetPorts,
  { pipeline, version, uri }: { pipeline: string; version: number; uri: string | null },
): Promise<TestSet> {
  const { store } = ports;
  const registryKey = objectKeys.registry(pipeline);
  const known = await readDocument(store, registryKey, registrySchema);
  if (known?.value.testSet) return asDefined(known.value.testSet, uri);
  const records = uri === null ? await testSplit(ports, pipeline, version) : await testFile(ports, uri);
  const body = records.map((record) => `${JSON.stringify(record)}\n`).join("");
  const sha256 = createHash("sha256").update(body).digest("hex");
  const key = objectKeys.testSet(pipeline, sha256);
  await store.put(key, body, { contentType: "application/jsonl" });
  const made: FrozenTestSet = { key, sha256, records: records.length, uri };
  const { testSet } = await updateDocument(store, registryKey, registrySchema, (current) => {
    const registry = current ?? emptyRegistry(pipeline);
    return registry.testSet === null ? { ...registry, testSet: made } : registry;
  });
  return asDefined(testSet ?? made, uri);
}

/** The frozen test set, unless the definition wants another: scores on two test sets say nothing about two models. */
function asDefined({ uri: frozen, ...testSet }: FrozenTestSet, uri: string | null): TestSet {
  if (frozen === uri) return testSet;
  const [has, wants] = [frozen, uri].map((from) => from ?? "null (the test split)");
  throw new TypedFailure(
    "InvalidInput",
    `dataset.testSet: is ${wants}, but the models of this pipeline are compared on what was frozen from ${has}: put that back, or give the pipeline another name`,
  );
}

async function testSplit(ports: TestSetPorts, dataset: string, version: number): Promise<TestRecord[]> {
  const manifest = await needDocument(ports.store, objectKeys.version(dataset, version), datasetVersionSchema);
  const records: TestRecord[] = [];
  for (const part of manifest.parts.filter(({ split }) => split === "test")) {
    for await (const { id, messages } of partRecords(ports.store, part)) records.push(toTestRecord(id, messages));
  }
  if (records.length < fewestRecords) {
    throw new TypedFailure(
      "InvalidData",
      `${datasetVersionId(dataset, version)} has ${records.length} test records, ${needed}: name a file in dataset.testSet or raise dataset.split.test`,
    );
  }
  return records.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

/**
 * A test set with a bad line is refused whole: a score over what happens to parse would be another score. A record that
 * is there twice is asked once: it would count as two pieces of evidence.
 */
async function testFile(ports: TestSetPorts, uri: string): Promise<TestRecord[]> {
  const records = new Map<string, TestRecord>();
  for await (const items of ports.readChatFile(uri, cancellationSignal())) {
    for (const item of items) {
      const reason = "reason" in item ? item.reason : whyNotTrainable(item.chat);
      if ("reason" in item || reason !== null) {
        throw new TypedFailure("InvalidData", `dataset.testSet ${uri}: ${item.at}: ${reason}`);
      }
      const { messages } = item.chat;
      const id = createHash("sha256").update(canonicalMessages(messages)).digest("hex");
      records.set(id, toTestRecord(id, messages));
    }
  }
  if (records.size < fewestRecords) {
    throw new TypedFailure("InvalidData", `dataset.testSet ${uri}: has ${records.size} records, ${needed}`);
  }
  return [...records.values()];
}

function toTestRecord(id: string, messages: readonly Message[]): TestRecord {
  const { question, answer } = questionAndAnswer(messages);
  return { id, question, expected: answer };
}
