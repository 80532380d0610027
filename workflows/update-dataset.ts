/**
 * Brings a dataset up to date: reads all its sources side by side, a child workflow each, and commits what they brought
 * as one new version. A source that fails or is too late keeps its cursor and is read again next time; the rest goes on
 * when the quorum is met. Safe to repeat and to run twice at once: versions form a chain and nothing counts twice.
 * Query `state`; signal `progress`, from the workers that read.
 */
import {
  ApplicationFailure,
  getExternalWorkflowHandle,
  log,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from "@temporalio/workflow";
import type { CommitResult, DatasetActivities, InputActivities, WithoutSources } from "../activities/interfaces.ts";
import {
  beginReading,
  describeReading,
  firstReasons,
  grouped,
  hearProgress,
  nameSome,
  untilNextReport,
} from "../src/domain/reading.ts";
import type { Reading } from "../src/domain/reading-schema.ts";
import type { UpdateDatasetInput, UpdateDatasetRequest } from "../src/domain/workflow-input-schema.ts";
import { computing, dispensable, local, quick } from "./activity-options.ts";
import { workflowIds } from "./names.ts";
import { datasetUpdatedSignal } from "./pipeline-messages.ts";
import { readInGroups } from "./read-in-groups.ts";
import { readSources, type SourcesRead } from "./read-sources.ts";
import { progressSignal, readingQuery, updateProgressSignal } from "./reading-messages.ts";
import { labelUnlessGiven } from "./search-attributes.ts";
import { checked, reasonOf, regardless } from "./steps.ts";

const { checkUpdateDataset } = proxyLocalActivities<InputActivities>(local);
const { readDatasetHead } = proxyLocalActivities<DatasetActivities>(quick);
const { commitVersion } = proxyActivities<DatasetActivities>(computing);
const { mergeCounts } = proxyActivities<DatasetActivities>(dispensable);

/** More sources than these are read in groups, each with a history of its own. */
const mostAlone = 200;

/**
 * What an update did; `version` is null when there was nothing new, nor a place to go on from, or less than the quorum asks
 * for.
 */
export interface UpdateDatasetResult extends CommitResult {
  dataset: string;
  /** Sources that failed. */
  failed: number;
  /** Why the first 20 of them did. */
  failedSources: Record<string, string>;
  /** Sources that have more than they could deliver in time: the next update goes on there. Empty without a version. */
  unfinished: string[];
  /** Why the table of counts has not been written; the next version makes up for it. */
  countsFailure?: string;
}

export async function updateDataset(input: UpdateDatasetRequest): Promise<UpdateDatasetResult> {
  const reading = beginReading(0);
  const shown = showing(reading);
  setHandler(readingQuery, () => reading);
  setHandler(progressSignal, (message) => shown.hear(message));
  const update = await checked(() => checkUpdateDataset(input));
  const { dataset, quorum } = update;
  labelUnlessGiven({ dataset, stage: "ingest" });
  const sources = input.sources.filter(({ id }) => update.only?.includes(id) ?? true);
  const ids = sources.map(({ id }) => id);
  shown.begin(dataset, ids);

  const isLarge = sources.length > mostAlone;
  const head = await readDatasetHead({ dataset, sources: isLarge ? [] : ids, split: update.split });
  const request = {
    dataset,
    sources,
    split: update.split,
    deadlines: update.deadlines,
    cursors: { ...head.cursors, ...update.cursors },
    reportTo: workflowInfo().workflowId,
  };
  const read = await (isLarge ? readInGroups : readSources)(request, reading, shown.ended);
  if (reading.read < Math.min(quorum.sources, sources.length)) throw tooFewSources(reading, quorum.sources);

  // What has been read is committed and announced also when the update is cancelled meanwhile.
  const commit = await regardless(() => commitAndTell(update, head.version, read));
  if (commit.version === null && commit.added > 0 && reading.failed > 0) {
    throw tooFewRecords(reading, commit.added, quorum.records);
  }
  const result = {
    dataset,
    ...commit,
    failed: reading.failed,
    failedSources: firstReasons(reading.failedSources),
    // Without a version the next update does not go on but begins where this one did.
    unfinished: commit.version === null ? [] : read.unfinished,
    ...(await countElsewhere(update, commit.version)),
  };
  setCurrentDetails(describe(result, quorum.records));
  return result;
}

async function commitAndTell(
  update: WithoutSources<UpdateDatasetInput>,
  parent: number,
  { batches, gathered, failedSources }: SourcesRead,
): Promise<CommitResult> {
  const { dataset, quorum } = update;
  const made = await commitVersion.executeWithOptions({ summary: `what came after ${dataset}@${parent}` }, [
    { dataset, parent, batches, failedSources, gathered, leastRecords: quorum.records },
  ]);
  // Announcing an old version again costs nothing, and heals an announcement that was lost.
  const newest = made.version ?? parent;
  if (newest > 0) await notify(update, newest);
  return made;
}

/** The version is there and announced: no table elsewhere is worth an update that fails. */
async function countElsewhere(
  { dataset, countsTable }: WithoutSources<UpdateDatasetInput>,
  version: number | null,
): Promise<{ countsFailure?: string }> {
  if (countsTable === undefined || version === null) return {};
  try {
    await mergeCounts.executeWithOptions({ summary: countsTable.table }, [{ dataset, version, target: countsTable }]);
    return {};
  } catch (error) {
    const countsFailure = reasonOf(error);
    log.warn("the table of counts was not written", { dataset, version, reason: countsFailure });
    return { countsFailure };
  }
}

/** Tells those who wait. A workflow that is not running loses nothing: it reads the newest version when it starts. */
async function notify({ dataset, notify }: WithoutSources<UpdateDatasetInput>, version: number): Promise<void> {
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

/** Keeps people informed while sources are read: in the current details and, now and then, at the pipeline. */
function showing(reading: Reading) {
  const { workflowId, parent, startTime } = workflowInfo();
  const waitedFor = new Set<string>();
  let pipeline: string | null = null;
  let toldMs = startTime.getTime();
  const show = (): void => {
    setCurrentDetails(describeReading(reading));
    if (pipeline === null || Date.now() - toldMs < untilNextReport(Date.now() - startTime.getTime())) return;
    toldMs = Date.now();
    // A pipeline that has ended meanwhile does not want to know.
    getExternalWorkflowHandle(pipeline)
      .signal(updateProgressSignal, { update: workflowId, reading })
      .catch(() => {});
  };
  return {
    begin: (dataset: string, sources: string[]): void => {
      if (parent?.workflowId === workflowIds.pipeline(dataset)) pipeline = parent.workflowId;
      reading.sources = sources.length;
      for (const source of sources) waitedFor.add(source);
      show();
    },
    hear: (message: unknown): void => {
      hearProgress(reading, message, (source) => waitedFor.has(source));
      show();
    },
    ended: (sources: readonly string[]): void => {
      for (const source of sources) waitedFor.delete(source);
      show();
    },
  };
}

function tooFewSources(reading: Reading, needed: number): ApplicationFailure {
  const message = `${reading.read} sources delivered, ${needed} are needed (${firstFailures(reading)})`;
  return ApplicationFailure.nonRetryable(message, "QuorumNotMet");
}

function tooFewRecords(reading: Reading, added: number, needed: number): ApplicationFailure {
  const message = `${added} new records came, ${needed} are needed, and ${reading.failed} sources failed`;
  return ApplicationFailure.nonRetryable(`${message} (${firstFailures(reading)})`, "QuorumNotMet");
}

function firstFailures({ failedSources }: Reading): string {
  const reasons = Object.entries(failedSources).map(([source, reason]) => `${source}: ${reason}`);
  return reasons.slice(0, 3).join("; ");
}

function describe(result: UpdateDatasetResult, leastRecords: number): string {
  const { dataset, version, added, records, failed, failedSources, unfinished, countsFailure } = result;
  const without = failed === 0 ? "" : ` ${failed} failed: ${nameSome(Object.keys(failedSources))}.`;
  const more = unfinished.length === 0 ? "" : ` More to come from ${nameSome(unfinished)}.`;
  const counts = countsFailure === undefined ? "" : ` Its counts were not published: ${countsFailure}.`;
  return `${outcome()}${without}${more}${counts}`;

  function outcome(): string {
    if (version !== null) return `${dataset}@${version}: ${grouped(added)} records added, ${grouped(records)} in all.`;
    return added === 0
      ? `Nothing new for ${dataset}.`
      : `${grouped(added)} new records of ${dataset} wait until there are ${grouped(leastRecords)}.`;
  }
}
