/**
 * Reads one source from its cursor to its end and leaves a batch on S3, for the dataset update that started it to
 * commit. Nothing of it counts until then, so it can be repeated. Files in a bucket that are few are read at once; a longer
 * reading goes on behind its last chunk after a crash of its worker, and delivers what it has at the deadline.
 * Signal `progress`, from the worker.
 */
import {
  isCancellation,
  log,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
} from "@temporalio/workflow";
import type { DatasetActivities, IngestResult, InputActivities } from "../activities/interfaces.ts";
import { beginReading, describeProgress, grouped, hearProgress } from "../src/domain/reading.ts";
import type { IngestSourceInput, IngestSourceRequest } from "../src/domain/workflow-input-schema.ts";
import { atOnce, local, reading } from "./activity-options.ts";
import { progressSignal } from "./reading-messages.ts";
import { labelUnlessGiven } from "./search-attributes.ts";
import { checked, reasonOf } from "./steps.ts";

const { checkIngestSource } = proxyLocalActivities<InputActivities>(local);
const { ingestSmall } = proxyLocalActivities<DatasetActivities>(atOnce);

export async function ingestSource(input: IngestSourceRequest): Promise<IngestResult> {
  setHandler(progressSignal, (message) => show(input?.source?.id ?? "", message));
  const request = await checked(() => checkIngestSource(input));
  labelUnlessGiven({ dataset: request.dataset, stage: "ingest" });
  const batch = (await tryAtOnce(request)) ?? (await readPatiently(request));
  const refused = batch.quarantined === 0 ? "" : `, ${grouped(batch.quarantined)} of them refused`;
  const rest = batch.isComplete ? "" : " More is there: the next pass goes on here.";
  setCurrentDetails(`${grouped(batch.received)} items received${refused}.${rest}`);
  return batch;
}

/** Null when the source is not small, or not well: reading with patience is the other activity's job. */
async function tryAtOnce(request: IngestSourceInput): Promise<IngestResult | null> {
  // A file may be opened in vain; a service counts its requests, and would have to answer the same once more.
  if (request.source.kind !== "s3-jsonl") return null;
  try {
    return await ingestSmall(request);
  } catch (error) {
    if (isCancellation(error)) throw error;
    log.info("the source is read with patience", { source: request.source.id, reason: reasonOf(error) });
    return null;
  }
}

async function readPatiently(request: IngestSourceInput): Promise<IngestResult> {
  const { dataset, source, deadlines } = request;
  const { ingest } = proxyActivities<DatasetActivities>(reading(deadlines, dataset));
  setCurrentDetails(`Reading **${source.id}**.`);
  try {
    return await ingest.executeWithOptions({ summary: source.id }, [request]);
  } catch (error) {
    // The type alone: what a source says is no text for a page that renders it.
    setCurrentDetails(`**${source.id}** failed: ${reasonOf(error).split(":")[0]}. Its result says why.`);
    throw error;
  }
}

function show(source: string, message: unknown): void {
  const reading = beginReading(1);
  hearProgress(reading, message, (id) => id === source);
  const progress = reading.perSource[source];
  if (progress !== undefined) setCurrentDetails(`Reading **${source}**: ${describeProgress(progress)}.`);
}
