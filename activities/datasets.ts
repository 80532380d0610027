import { datasetVersionSchema } from "../src/domain/dataset-version-schema.ts";
import { countRecords } from "../src/domain/dataset-version.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import type { Ports } from "../src/ports.ts";
import { assertShares, commitVersion, newestVersion } from "./commit-version.ts";
import { mergeCounts } from "./counts.ts";
import { gatherBatches, withGathered } from "./gathered-batches.ts";
import { needDocument, writeDocument } from "./documents.ts";
import { ingestSmall } from "./ingest.ts";
import type { DatasetActivities } from "./interfaces.ts";
import { ingestInTime } from "./ingest-in-time.ts";
import { ProgressReports } from "./progress-reports.ts";
import { freezeTestSet } from "./test-set.ts";
import { readTrainingData } from "./vocabulary.ts";

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

    async readTraining({ dataset, version, testSet }) {
      const key = objectKeys.vocabulary(dataset, version);
      const manifest = await needDocument(store, objectKeys.version(dataset, version), datasetVersionSchema);
      const { vocabulary, leaked } = await readTrainingData(store, manifest, testSet);
      await writeDocument(store, key, vocabulary);
      return { vocabulary: key, leaked };
    },
  };
}
