import { datasetVersionSchema, type DatasetVersion } from "../src/domain/dataset-version-schema.ts";
import { countRecords } from "../src/domain/dataset-version.ts";
import { TypedFailure } from "../src/domain/failures.ts";
import { modelVersionId } from "../src/domain/ids.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import { firstReasons } from "../src/domain/reading.ts";
import { emptyRegistry } from "../src/domain/registry.ts";
import { registrySchema } from "../src/domain/registry-schema.ts";
import type { Ports } from "../src/ports.ts";
import { newestVersion } from "./commit-version.ts";
import { needDocument, readDocument, updateDocument } from "./documents.ts";
import type { PipelineActivities } from "./interfaces.ts";
import { stillWaiting } from "./waiting.ts";

/** Sources whose records a report counts one by one. */
const namedApart = 200;

export function createPipelineActivities({ store, workflows }: Pick<Ports, "store" | "workflows">): PipelineActivities {
  return {
    async readPipeline({ name }) {
      const [head, registry] = await Promise.all([
        newestVersion(store, name),
        readDocument(store, objectKeys.registry(name), registrySchema),
      ]);
      return {
        dataset: {
          version: head?.version ?? 0,
          records: head === null ? 0 : countRecords(head),
          failedSources: firstReasons(head?.failedSources ?? {}),
        },
        champion: registry?.value.champion ?? null,
        lastCycle: registry?.value.lastCycle ?? null,
      };
    },

    async openCycle({ pipeline, workflowId, version, repeat, alerts }) {
      const manifest =
        version === null
          ? await newestVersion(store, pipeline)
          : await needDocument(store, objectKeys.version(pipeline, version), datasetVersionSchema);
      if (manifest === null) {
        throw new TypedFailure("NotFound", `dataset ${pipeline} has no version yet: run updateDataset first`);
      }
      const lastCycle = { workflowId, datasetVersion: manifest.version, repeat, records: countRecords(manifest) };
      const registry = await updateDocument(store, objectKeys.registry(pipeline), registrySchema, (current) => {
        const known = current ?? emptyRegistry(pipeline);
        const model = modelVersionId(pipeline, manifest.version, repeat);
        if (known.champion === model) {
          throw new TypedFailure("InvalidInput", `repeat: ${model} is champion already; raise repeat`);
        }
        return known.lastCycle?.workflowId === workflowId ? known : { ...known, lastCycle, alerts };
      });
      const failedSources = firstReasons(manifest.failedSources);
      return { ...lastCycle, champion: registry.champion, perSource: recordsPerSource(manifest), failedSources };
    },

    async awaitWorkflow({ workflowId }) {
      const { status, result, error } = await workflows.outcome(workflowId);
      if (status === "running") throw stillWaiting(`workflow ${workflowId}`);
      return { result: result ?? null, error: error ?? (status === "completed" ? null : status) };
    },
  };
}

/** Records of each source; of those beyond the largest 200, which do not belong into history, their sum. */
function recordsPerSource({ parts }: DatasetVersion): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { source, records } of parts) counts[source] = (counts[source] ?? 0) + records;
  const all = Object.entries(counts);
  if (all.length <= namedApart) return counts;
  const bySize = all.toSorted(([, one], [, other]) => other - one);
  const rest = bySize.slice(namedApart);
  return {
    ...Object.fromEntries(bySize.slice(0, namedApart)),
    // No source has such a name.
    [`(${rest.length} more)`]: rest.reduce((sum, [, records]) => sum + records, 0),
  };
}
