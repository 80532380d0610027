/** The text of every alert. Ids and numbers, never records or secrets. */
import type { Alert } from "./alert-schema.ts";
import { nameSome } from "./reading.ts";
import { leakWarning, missingSources, summary } from "./report.ts";
import type { CycleReport } from "./report-schema.ts";

/** What people are told of a cycle's end, whichever it is. */
export function cycleAlert(report: CycleReport, reportUri: string): Alert {
  const said = [...(report.decision?.reasons ?? []), leakWarning(report), missingSources(report), report.failure];
  const reasons = said.filter((reason) => reason !== null);
  return {
    severity: severityOf(report),
    pipeline: report.pipeline,
    workflowId: report.workflowId,
    title: summary(report).replaceAll("*", ""),
    text: [...reasons, `Report: ${reportUri}`],
  };
}

/** A cycle could not even begin. */
export function notOpenedAlert(pipeline: string, workflowId: string, reason: string): Alert {
  const title = `${pipeline}: a cycle could not begin`;
  return {
    severity: "error",
    pipeline,
    workflowId,
    title,
    text: [reason, "Nothing was trained, no traffic was moved."],
  };
}

/** A dataset update that a pipeline started has failed. */
export function updateFailedAlert(pipeline: string, workflowId: string, reason: string): Alert {
  const title = `${pipeline}: the dataset could not be updated`;
  const text = [reason, "Nothing was lost: every source goes on where it was with the next update."];
  return { severity: "error", pipeline, workflowId, title, text };
}

/** Sources failed that were read well before; the rest goes on without them. */
export function sourcesFailedAlert(pipeline: string, workflowId: string, failed: Record<string, string>): Alert {
  const sources = Object.keys(failed);
  return {
    severity: "warning",
    pipeline,
    workflowId,
    title: `${pipeline}: ${sources.length === 1 ? "a source" : `${sources.length} sources`} could not be read: ${nameSome(sources)}`,
    text: [
      ...Object.entries(failed).map(([source, reason]) => `${source}: ${reason}`),
      "The others go on. Each update tries again, from where the last good one ended; you hear of it once.",
    ],
  };
}

/** A pipeline cannot read what it knows, and tries again. */
export function unreadableAlert(pipeline: string, workflowId: string, reason: string): Alert {
  const title = `${pipeline}: the dataset or the registry cannot be read`;
  const text = [reason, "The pipeline tries again every minute and goes on by itself when it can."];
  return { severity: "error", pipeline, workflowId, title, text };
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
