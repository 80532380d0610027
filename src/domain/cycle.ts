import type { Alert } from "./alert-schema.ts";
import { summary } from "./report.ts";
import type { CycleReport } from "./report-schema.ts";

/** A report of a cycle that has just begun; it counts as failed until something better is known. */
export function emptyReport(
  of: Pick<CycleReport, "cycle" | "pipeline" | "workflowId" | "startedAt" | "datasetVersion" | "recordsPerSource"> & {
    champion: string | null;
  },
): CycleReport {
  const { champion, ...known } = of;
  return {
    format: 1,
    ...known,
    outcome: "failed",
    endedAt: of.startedAt,
    job: null,
    champion: champion === null ? null : { version: champion, metrics: {} },
    challenger: null,
    testSet: null,
    decision: null,
    failure: null,
    phases: {},
  };
}

/** What people are told of a cycle's end, whichever it is. */
export function cycleAlert(report: CycleReport, reportUri: string): Alert {
  const reasons = [...(report.decision?.reasons ?? []), ...(report.failure === null ? [] : [report.failure])];
  return {
    severity: severityOf(report),
    pipeline: report.pipeline,
    workflowId: report.workflowId,
    title: summary(report).replaceAll("*", ""),
    text: [...reasons, `Report: ${reportUri}`],
  };
}

/** What people are told when a cycle could not even begin. */
export function notOpenedAlert(pipeline: string, workflowId: string, reason: string): Alert {
  return {
    severity: "error",
    pipeline,
    workflowId,
    title: `${pipeline}: a cycle could not begin`,
    text: [reason, "Nothing was trained and no traffic was moved."],
  };
}

function severityOf({ outcome }: CycleReport): Alert["severity"] {
  switch (outcome) {
    case "promoted":
      return "info";
    case "kept":
    case "inconclusive":
    case "cancelled":
      return "warning";
    case "rolled-back":
    case "failed":
      return "error";
  }
}
