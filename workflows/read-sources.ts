/** How an update reads its sources side by side: a child workflow for each, none of which can hold up the others. */
import {
  ChildWorkflowCancellationType,
  executeChild,
  ParentClosePolicy,
  workflowInfo,
  type ChildWorkflowOptions,
} from "@temporalio/workflow";
import type { IngestResult, WithoutSources } from "../activities/interfaces.ts";
import type { Deadlines } from "../src/domain/pipeline-schema.ts";
import { graceSeconds, noteFailed, noteRead, shortReason } from "../src/domain/reading.ts";
import type { Reading } from "../src/domain/reading-schema.ts";
import type { IngestSourcesInput, IngestSourcesRequest } from "../src/domain/workflow-input-schema.ts";
import { ingestSource } from "./ingest-source.ts";
import { workflowIds } from "./names.ts";
import { labelled } from "./search-attributes.ts";
import { reasonOf, settleWithin } from "./steps.ts";

/** When a source that has not ended by itself will not, in seconds from the start of the reading. */
export function lastSecond(deadlines: Deadlines): number {
  return deadlines.readSeconds + 1.5 * graceSeconds(deadlines);
}

/** Sources as they were given, and what their readings have in common. */
export type ReadingRequest = WithoutSources<IngestSourcesInput> & Pick<IngestSourcesRequest, "sources">;

/** What became of the sources. */
export interface SourcesRead {
  /** Keys of what the sources brought. */
  batches: string[];
  /** Keys of documents that list more of these, and of failures. */
  gathered: string[];
  /** Sources that have more than they could deliver in time. */
  unfinished: string[];
  /** Every source that failed, and why. */
  failedSources: Record<string, string>;
}

/** Reads all sources at once, each in a child, and notes in `reading` how each of them ends. */
export async function readSources(
  { dataset, sources, cursors, ...common }: ReadingRequest,
  reading: Reading,
  changed: (sources: readonly string[]) => void,
): Promise<SourcesRead> {
  const results: Record<string, IngestResult> = {};
  const failedSources: Record<string, string> = {};
  await settleWithin(
    sources,
    lastSecond(common.deadlines),
    (source) =>
      executeChild(ingestSource, {
        ...readingChild(dataset, source.id, `source ${source.id} of ${dataset}`),
        args: [{ dataset, source, cursor: cursors[source.id] ?? null, ...common }],
      }),
    ({ id }, how) => {
      if (how.ok) {
        results[id] = how.value;
        noteRead(reading, id, how.value.received);
      } else {
        failedSources[id] = shortReason(reasonOf(how.error));
        noteFailed(reading, id, failedSources[id]);
      }
      changed([id]);
    },
  );
  // In the order of the definition, whichever was first: a repeat commits the same.
  const read = sources.flatMap(({ id }) => results[id] ?? []);
  return {
    batches: read.map(({ batch }) => batch),
    gathered: [],
    unfinished: read.filter(({ isComplete }) => !isComplete).map(({ source }) => source),
    failedSources,
  };
}

/** What children that read have in common. Who gives up on them does not wait for their end. */
export function readingChild(dataset: string, step: string, staticSummary: string) {
  return {
    workflowId: workflowIds.child(workflowInfo().workflowId, step),
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    cancellationType: ChildWorkflowCancellationType.TRY_CANCEL,
    staticSummary,
    typedSearchAttributes: labelled({ dataset, stage: "ingest" }),
  } satisfies ChildWorkflowOptions;
}
