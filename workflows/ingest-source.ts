/**
 * Reads one source from its cursor to its end and leaves a batch on S3, for the dataset update that started it to
 * commit. Nothing of it counts until then, so it can be repeated. No messages. A source that brings little is read at
 * once; a longer reading goes on behind its last chunk after a crash of its worker.
 */
import { isCancellation, log, proxyActivities, proxyLocalActivities, setCurrentDetails } from "@temporalio/workflow";
import type { DatasetActivities, IngestResult, InputActivities } from "../activities/interfaces.ts";
import type { IngestSourceInput } from "../src/domain/workflow-input-schema.ts";
import { local, onceLocally, streaming } from "./activity-options.ts";
import { labelUnlessGiven } from "./search-attributes.ts";
import { checked, reasonOf } from "./steps.ts";

const { checkIngestSource } = proxyLocalActivities<InputActivities>(local);
const { ingestSmall } = proxyLocalActivities<DatasetActivities>(onceLocally);
const { ingest } = proxyActivities<DatasetActivities>(streaming);

export async function ingestSource(input: IngestSourceInput): Promise<IngestResult> {
  const request = await checked(() => checkIngestSource(input));
  labelUnlessGiven({ dataset: request.dataset, stage: "ingest" });
  const batch =
    (await tryAtOnce(request)) ?? (await ingest.executeWithOptions({ summary: request.source.id }, [request]));
  setCurrentDetails(`${batch.received} items received, ${batch.quarantined} of them refused.`);
  return batch;
}

/** Null when the source is not small, or not well: reading with patience is the other activity's job. */
async function tryAtOnce(request: IngestSourceInput): Promise<IngestResult | null> {
  try {
    return await ingestSmall(request);
  } catch (error) {
    if (isCancellation(error)) throw error;
    log.info("the source is read with patience", { source: request.source.id, reason: reasonOf(error) });
    return null;
  }
}
