/**
 * Reads one source from its cursor to its end and leaves a batch on S3, for the dataset update that started it to
 * commit. Nothing of it counts until then, so it can be repeated. No messages. After a crash of its worker the reading
 * goes on behind the last chunk that was written.
 */
import { proxyActivities, proxyLocalActivities, setCurrentDetails } from "@temporalio/workflow";
import type { DatasetActivities, IngestResult, InputActivities } from "../activities/interfaces.ts";
import type { IngestSourceInput } from "../src/domain/workflow-input-schema.ts";
import { local, streaming } from "./activity-options.ts";
import { labelUnlessGiven } from "./search-attributes.ts";
import { checked } from "./steps.ts";

const { checkIngestSource } = proxyLocalActivities<InputActivities>(local);
const { ingest } = proxyActivities<DatasetActivities>(streaming);

export async function ingestSource(input: IngestSourceInput): Promise<IngestResult> {
  const request = await checked(() => checkIngestSource(input));
  labelUnlessGiven({ dataset: request.dataset, stage: "ingest" });
  const batch = await ingest.executeWithOptions({ summary: request.source.id }, [request]);
  setCurrentDetails(`${batch.received} items received, ${batch.quarantined} of them refused.`);
  return batch;
}
