import { activityInfo } from "@temporalio/activity";
import { z } from "zod";
import type { IngestSourceInput } from "../src/domain/workflow-input-schema.ts";
import type { Ports } from "../src/ports.ts";
import { ingest } from "./ingest.ts";
import type { IngestResult } from "./interfaces.ts";
import type { ProgressReports } from "./progress-reports.ts";
import { ReadingWatch } from "./reading-watch.ts";

/** What an earlier attempt says it has kept. */
const keptSchema = z.object({ received: z.int(), cursor: z.string().nullable() });

/**
 * Reads a source to its end or to its deadline, and lets the workflows that wait for it know how far it is. Fails as
 * TooLate when nothing comes in time.
 */
export async function ingestInTime(
  ports: Pick<Ports, "store" | "sources" | "authorKey">,
  reports: ProgressReports,
  request: IngestSourceInput,
): Promise<IngestResult> {
  const { source, deadlines, reportTo } = request;
  const { scheduledTimestampMs: askedMs, heartbeatDetails, workflowExecution } = activityInfo();
  const kept = keptSchema.safeParse(heartbeatDetails).data ?? { received: 0, cursor: request.cursor };
  const hasMoved = kept.received > 0 || kept.cursor !== request.cursor;
  const watch = new ReadingWatch(ports.sources[source.kind], deadlines, { askedMs, ...kept, hasMoved });
  const listeners = [workflowExecution?.workflowId, reportTo].filter((workflowId) => typeof workflowId === "string");
  const forget = reports.follow(listeners, { source: source.id, askedMs, progress: () => watch.progress() });
  try {
    const read = await ingest({ ...ports, sources: { ...ports.sources, [source.kind]: watch } }, request);
    return watch.isCut ? { ...read, isComplete: false } : read;
  } finally {
    forget();
  }
}
