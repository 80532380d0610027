import { createHash } from "node:crypto";
import { datasetVersionSchema } from "../src/domain/dataset-version-schema.ts";
import { countRecords } from "../src/domain/dataset-version.ts";
import type { Examples } from "../src/domain/evaluation-schema.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import type { ObjectStore, Ports } from "../src/ports.ts";
import { assertShares, commitVersion, newestVersion } from "./commit-version.ts";
import { mergeCounts } from "./counts.ts";
import { gatherBatches, withGathered } from "./gathered-batches.ts";
import { needDocument, writeDocument } from "./documents.ts";
import { ingestSmall } from "./ingest.ts";
import type { DatasetActivities } from "./interfaces.ts";
import { ingestInTime } from "./ingest-in-time.ts";
import { ProgressReports } from "./progress-reports.ts";
import { freezeTestSet } from "./test-set.ts";
import { readTrainingData, type TrainingData } from "./vocabulary.ts";

/** Sources whose counts an answer names: more do not belong into history. */
const mostPerSource = 200;

type DatasetPorts = Pick<Ports, "store" | "sources" | "readChatFile" | "authorKey" | "workflows" | "counts">;

export function createDatasetActivities(ports: DatasetPorts): DatasetActivities {
  const { store } = ports;
  const reports = new ProgressReports(ports.workflows);
  return {
    async readDatasetHead({ dataset, sources, split }) {
      const head = await newestVersion(store, dataset);
      if (head === null) return { version: 0, records: 0, cursors: {} };
      assertShares(dataset, head.split, split);
      const cursors = Object.fromEntries(
        sources.flatMap((source) => {
          const cursor = head.cursors[source];
          return cursor === undefined ? [] : [[source, cursor]];
        }),
      );
      return { version: head.version, records: countRecords(head), cursors };
    },

    ingest: (request) => ingestInTime(ports, reports, request),
    ingestSmall: (request) => ingestSmall(ports, request),
    gatherBatches: (request) => gatherBatches(store, request),

    async commitVersion({ gathered, ...request }) {
      const result = await commitVersion(store, await withGathered(store, request, gathered));
      return Object.keys(result.perSource).length > mostPerSource ? { ...result, perSource: {} } : result;
    },

    mergeCounts: (request) => mergeCounts(ports, request),
    freezeTestSet: (request) => freezeTestSet(ports, request),

    async readTraining({ dataset, version, testSet, ...draw }) {
      const key = objectKeys.vocabulary(dataset, version);
      const manifest = await needDocument(store, objectKeys.version(dataset, version), datasetVersionSchema);
      const { vocabulary, leaked, examples } = await readTrainingData(store, manifest, testSet, draw);
      await writeDocument(store, key, vocabulary);
      return { vocabulary: key, leaked, examples: await keepExamples(store, dataset, examples) };
    },
  };
}

/** Keeps examples under a name made of what they are; null when there are none. */
async function keepExamples(
  store: ObjectStore,
  dataset: string,
  examples: TrainingData["examples"],
): Promise<Examples | null> {
  if (examples.length === 0) return null;
  const sha256 = createHash("sha256").update(JSON.stringify(examples)).digest("hex");
  const key = objectKeys.examples(dataset, sha256);
  await writeDocument(store, key, examples);
  return { key, sha256, count: examples.length };
}
