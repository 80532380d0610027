/**
 * Brings a dataset up to date: reads all its sources side by side, a child workflow each, and commits what they brought
 * as one new version. A source that fails keeps its cursor and is read again next time; the rest goes on when the quorum
 * is met. No messages. Safe to repeat and to run twice at once: versions form a chain and nothing counts twice.
 */
import {
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  executeChild,
  getExternalWorkflowHandle,
  log,
  ParentClosePolicy,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  workflowInfo,
} from "@temporalio/workflow";
import type { CommitResult, DatasetActivities, InputActivities } from "../activities/interfaces.ts";
import type { UpdateDatasetInput } from "../src/domain/workflow-input-schema.ts";
import { computing, local, quick } from "./activity-options.ts";
import { ingestSource } from "./ingest-source.ts";
import { workflowIds } from "./names.ts";
import { datasetUpdatedSignal } from "./pipeline-messages.ts";
import { labelled, labelUnlessGiven } from "./search-attributes.ts";
import { checked, reasonOf, regardless, settleAll } from "./steps.ts";

const { checkUpdateDataset } = proxyLocalActivities<InputActivities>(local);
const { readDatasetHead } = proxyLocalActivities<DatasetActivities>(quick);
const { commitVersion } = proxyActivities<DatasetActivities>(computing);

/** Children at once: more of them only queue up on two cores. */
const sourcesAtOnce = 100;

export async function updateDataset(input: UpdateDatasetInput): Promise<UpdateDatasetResult> {
  const update = await checked(() => checkUpdateDataset(input));
  const { dataset, sources, quorum } = update;
  labelUnlessGiven({ dataset, stage: "ingest" });
  const head = await readDatasetHead({ dataset, sources: sources.map(({ id }) => id), split: update.split });
  setCurrentDetails(`Reading ${sources.length} sources of ${dataset}, newest version ${head.version}.`);

  const batches: string[] = [];
  const failedSources: Record<string, string> = {};
  const readings = await settleAll(sources, sourcesAtOnce, (source) =>
    executeChild(ingestSource, {
      workflowId: workflowIds.child(workflowInfo().workflowId, source.id),
      args: [{ dataset, source, cursor: head.cursors[source.id] ?? null, split: update.split }],
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      staticSummary: `source ${source.id} of ${dataset}`,
      typedSearchAttributes: labelled({ dataset, stage: "ingest" }),
    }),
  );
  for (const [index, reading] of readings.entries()) {
    if (reading.ok) batches.push(reading.value.batch);
    else if (CancellationScope.current().consideredCancelled) throw reading.error;
    else failedSources[sources[index]?.id ?? ""] = reasonOf(reading.error).slice(0, 200);
  }
  if (batches.length < quorum.sources) throw quorumNotMet(batches.length, quorum.sources, failedSources);

  if (CancellationScope.current().consideredCancelled) throw new CancelledFailure(`update of ${dataset} cancelled`);
  // What has been read is committed and announced also when the update is cancelled meanwhile.
  const commit = await regardless(async () => {
    const made = await commitVersion.executeWithOptions(
      { summary: `${batches.length} batches after ${dataset}@${head.version}` },
      [{ dataset, parent: head.version, batches, failedSources, leastRecords: quorum.records }],
    );
    // Announcing an old version again costs nothing, and heals an announcement that was lost.
    const newest = made.version ?? head.version;
    if (newest > 0) await notify(update, newest);
    return made;
  });
  setCurrentDetails(describe(dataset, commit, failedSources));
  return { dataset, ...commit, failedSources };
}

/** What an update did; `version` is null when no source had anything new. */
export interface UpdateDatasetResult extends CommitResult {
  dataset: string;
  failedSources: Record<string, string>;
}

/** Tells those who wait. A workflow that is not running loses nothing: it reads the newest version when it starts. */
async function notify({ dataset, notify }: UpdateDatasetInput, version: number): Promise<void> {
  for (const workflowId of new Set([workflowIds.pipeline(dataset), ...notify])) {
    try {
      await getExternalWorkflowHandle(workflowId).signal(datasetUpdatedSignal, {
        updateId: `${dataset}@${version}`,
        dataset,
        version,
      });
    } catch {
      log.info("nobody to tell of the new dataset version", { workflowId, dataset, version });
    }
  }
}

function quorumNotMet(delivered: number, needed: number, failed: Record<string, string>): ApplicationFailure {
  const reasons = Object.entries(failed).map(([source, reason]) => `${source}: ${reason}`);
  return ApplicationFailure.nonRetryable(
    `${delivered} sources delivered, ${needed} are needed (${reasons.slice(0, 3).join("; ")})`,
    "QuorumNotMet",
  );
}

function describe(dataset: string, commit: CommitResult, failed: Record<string, string>): string {
  const without =
    Object.keys(failed).length === 0 ? "" : ` Without ${Object.keys(failed).slice(0, 5).join(", ")}: failed.`;
  return commit.version === null
    ? `Nothing new for ${dataset}.${without}`
    : `${dataset}@${commit.version}: ${commit.added} records added, ${commit.records} in all.${without}`;
}
