import type { CycleReport } from "./report-schema.ts";

/** A report of a cycle that has just begun; it counts as failed until something better is known. */
export function emptyReport(
  of: Pick<CycleReport, "cycle" | "pipeline" | "workflowId" | "startedAt" | "datasetVersion" | "recordsPerSource"> &
    Partial<Pick<CycleReport, "failedSources">> & { champion: string | null },
): CycleReport {
  const { champion, ...known } = of;
  return {
    format: 1,
    failedSources: {},
    ...known,
    outcome: "failed",
    endedAt: of.startedAt,
    job: null,
    costUsd: null,
    champion: champion === null ? null : { version: champion, metrics: {} },
    challenger: null,
    testSet: null,
    decision: null,
    approval: null,
    rollout: null,
    leaked: null,
    failure: null,
    phases: {},
  };
}
