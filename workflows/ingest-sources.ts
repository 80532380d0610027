/**
 * Reads up to 100 of an update's many sources, a child workflow each, and leaves a list of what they brought: so the
 * history of the update stays short however many sources it has. Query `state`. Can be repeated like the reading itself.
 */
import { proxyLocalActivities, setCurrentDetails, setHandler } from "@temporalio/workflow";
import type { DatasetActivities, InputActivities } from "../activities/interfaces.ts";
import { beginReading, describeReading, firstReasons, namedSources } from "../src/domain/reading.ts";
import type { Reading } from "../src/domain/reading-schema.ts";
import type { IngestSourcesRequest } from "../src/domain/workflow-input-schema.ts";
import { local, quick } from "./activity-options.ts";
import { readSources } from "./read-sources.ts";
import { readingQuery } from "./reading-messages.ts";
import { labelUnlessGiven } from "./search-attributes.ts";
import { checked } from "./steps.ts";

const { checkIngestSources } = proxyLocalActivities<InputActivities>(local);
const { readDatasetHead, gatherBatches } = proxyLocalActivities<DatasetActivities>(quick);

/** What became of a group of sources. */
export interface GroupRead extends Pick<Reading, "read" | "failed" | "received"> {
  /** Of the document that lists what they brought, and every failure. */
  key: string;
  /** Why the first 20 failed. */
  failedSources: Record<string, string>;
  /** The first 20 that have more than they could deliver in time. */
  unfinished: string[];
}

export async function ingestSources(input: IngestSourcesRequest): Promise<GroupRead> {
  const reading = beginReading(0);
  setHandler(readingQuery, () => reading);
  const request = { ...(await checked(() => checkIngestSources(input))), sources: input.sources };
  const { dataset, sources, split } = request;
  labelUnlessGiven({ dataset, stage: "ingest" });
  reading.sources = sources.length;
  const { cursors } = await readDatasetHead({ dataset, sources: sources.map(({ id }) => id), split });
  const show = (): void => setCurrentDetails(describeReading(reading));
  show();
  const result = await readSources({ ...request, cursors: { ...cursors, ...request.cursors } }, reading, show);
  const { batches, failedSources, unfinished } = result;
  const { key } = await gatherBatches({ format: 1, dataset, batches, failedSources });
  const { read, failed, received } = reading;
  return {
    key,
    read,
    failed,
    received,
    failedSources: firstReasons(failedSources),
    unfinished: unfinished.slice(0, namedSources),
  };
}
