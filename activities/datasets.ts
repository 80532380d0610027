import { createHash } from "node:crypto";
import { cancellationSignal } from "@temporalio/activity";
import type { z } from "zod";
import { datasetVersionSchema } from "../src/domain/dataset-version-schema.ts";
import type { TestRecord } from "../src/domain/evaluation-schema.ts";
import { TypedFailure } from "../src/domain/failures.ts";
import { datasetVersionId } from "../src/domain/ids.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import { canonicalMessages, questionAndAnswer, whyNotTrainable } from "../src/domain/record.ts";
import type { Message } from "../src/domain/record-schema.ts";
import { emptyRegistry } from "../src/domain/registry.ts";
import { registrySchema } from "../src/domain/registry-schema.ts";
import type { Ports } from "../src/ports.ts";
import { commitVersion, countRecords, newestVersion } from "./commit-version.ts";
import { needDocument, updateDocument, writeDocument } from "./documents.ts";
import { ingest, ingestSmall } from "./ingest.ts";
import type { DatasetActivities } from "./interfaces.ts";
import { partRecords } from "./records.ts";
import { learnVersionVocabulary } from "./vocabulary.ts";

type DatasetPorts = Pick<Ports, "store" | "sources" | "readChatFile" | "authorKey">;

export function createDatasetActivities(ports: DatasetPorts): DatasetActivities {
  const { store } = ports;
  return {
    async readDatasetHead({ dataset, sources }) {
      const head = await newestVersion(store, dataset);
      if (head === null) return { version: 0, records: 0, cursors: {} };
      const cursors = Object.fromEntries(
        sources.flatMap((source) => {
          const cursor = head.cursors[source];
          return cursor === undefined ? [] : [[source, cursor]];
        }),
      );
      return { version: head.version, records: countRecords(head), cursors };
    },

    ingest: (request) => ingest(ports, request),
    ingestSmall: (request) => ingestSmall(ports, request),
    commitVersion: (request) => commitVersion(store, request),

    async freezeTestSet({ pipeline, version, uri }) {
      const frozen = (await updateDocument(store, objectKeys.registry(pipeline), registrySchema, keepOrStart(pipeline)))
        .testSet;
      if (frozen !== null) return frozen;
      const records = uri === null ? await testSplit(ports, pipeline, version) : await testFile(ports, uri);
      const body = records.map((record) => `${JSON.stringify(record)}\n`).join("");
      const sha256 = createHash("sha256").update(body).digest("hex");
      const key = objectKeys.testSet(pipeline, sha256);
      await store.put(key, body, { contentType: "application/jsonl" });
      const registry = await updateDocument(store, objectKeys.registry(pipeline), registrySchema, (current) => {
        const known = current ?? emptyRegistry(pipeline);
        return known.testSet === null ? { ...known, testSet: { key, sha256, records: records.length } } : known;
      });
      return registry.testSet ?? { key, sha256, records: records.length };
    },

    async learnVocabulary({ dataset, version }) {
      const key = objectKeys.vocabulary(dataset, version);
      if ((await store.get(key)) !== null) return { key };
      const manifest = await needDocument(store, objectKeys.version(dataset, version), datasetVersionSchema);
      await writeDocument(store, key, await learnVersionVocabulary(store, manifest));
      return { key };
    },
  };
}

const keepOrStart =
  (pipeline: string) =>
  (current: z.infer<typeof registrySchema> | null): z.infer<typeof registrySchema> =>
    current ?? emptyRegistry(pipeline);

async function testSplit(ports: DatasetPorts, dataset: string, version: number): Promise<TestRecord[]> {
  const manifest = await needDocument(ports.store, objectKeys.version(dataset, version), datasetVersionSchema);
  const records: TestRecord[] = [];
  for (const part of manifest.parts.filter(({ split }) => split === "test")) {
    for await (const { id, messages } of partRecords(ports.store, part)) records.push(toTestRecord(id, messages));
  }
  if (records.length === 0) {
    throw new TypedFailure(
      "InvalidData",
      `${datasetVersionId(dataset, version)} has no test records: name a file in dataset.testSet or raise dataset.split.test`,
    );
  }
  return records.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

/**
 * A test set with a bad line is refused whole: a score over what happens to parse would be another score. A record that
 * is there twice is asked once: it would count as two pieces of evidence.
 */
async function testFile(ports: DatasetPorts, uri: string): Promise<TestRecord[]> {
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
  if (records.size === 0) throw new TypedFailure("InvalidData", `dataset.testSet ${uri}: no records`);
  return [...records.values()];
}

function toTestRecord(id: string, messages: readonly Message[]): TestRecord {
  const { question, answer } = questionAndAnswer(messages);
  return { id, question, expected: answer };
}
