import { activityInfo, cancellationSignal, heartbeat } from "@temporalio/activity";
import { decisionRecordSchema, type DecisionRecord } from "../src/domain/decision-record-schema.ts";
import { TypedFailure, isRetryable } from "../src/domain/failures.ts";
import { workflowPage } from "../src/domain/links.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import { headline } from "../src/domain/report.ts";
import { reportSchema, type CycleReport, type Report } from "../src/domain/report-schema.ts";
import type { ObjectStore, Ports } from "../src/ports.ts";
import { readChosen } from "./checkpoints.ts";
import { needDocument, writeDocument } from "./documents.ts";
import type { ReportActivities } from "./interfaces.ts";
import { reportAnswers, type ReportedAnswers } from "./report-answers.ts";
import { readManifest, readModelManifest, reportData, reportLineage, reportTraining } from "./report-data.ts";
import { learningCurve } from "./report-history.ts";

type ReportPorts = Pick<Ports, "store" | "metrics" | "reports" | "temporalUi">;

export function createReportActivities(ports: ReportPorts): ReportActivities {
  const { store, reports } = ports;
  return {
    async writeReport(cycle) {
      const key = objectKeys.reportHtml(cycle.cycle);
      const beat = setInterval(() => heartbeat(), 1000);
      try {
        const report = await assemble(ports, cycle);
        await writeDocument(store, objectKeys.reportJson(cycle.cycle), report);
        await put(store, objectKeys.reportMarkdown(cycle.cycle), reports.markdown(report), "text/markdown");
        // Last: who finds the page finds what it is made of.
        await put(store, key, await reports.html(report), "text/html");
      } finally {
        clearInterval(beat);
      }
      return { key, uri: store.uri(key) };
    },
  };
}

/** Gathers a report from the bucket. What cannot be read is left out, and the report says so: half of one helps. */
async function assemble(ports: ReportPorts, cycle: CycleReport): Promise<Report> {
  const { store, temporalUi } = ports;
  const unknown: Report["unknown"] = [];
  const attempt = async <T>(what: string, otherwise: T, read: () => Promise<T>): Promise<T> => {
    try {
      return await read();
    } catch (error) {
      // An outage passes, and with it this attempt; what is wrong for good would be wrong again.
      if (isPassing(error)) throw error;
      unknown.push({ what, reason: error instanceof Error ? error.message : String(error) });
      return otherwise;
    }
  };
  const manifest = await attempt("the dataset version", null, () => readManifest(store, cycle));
  const data = manifest && (await attempt("the training data", null, () => reportData(store, manifest)));
  const model = await attempt("the trained model", null, () => readModelManifest(store, cycle));
  const chosen = await attempt("the checkpoint that answers", null, () =>
    readChosen(store, { pipeline: cycle.pipeline, model: cycle.cycle }),
  );
  const record = await attempt("the decision", null, () => readDecision(store, cycle));
  const answers = await attempt("the answers", noAnswers, () => answersOf(ports, record));
  const primary = answers.metrics.find(({ role }) => role === "primary");
  const curve = await attempt("earlier cycles", [], () => learningCurve(store, cycle, primary));
  const { workflowExecution, workflowNamespace } = activityInfo();
  const namespace = workflowNamespace ?? "default";
  const known = {
    ...cycle,
    policy: record?.policy ?? null,
    wouldChange: record?.decision.wouldChange ?? [],
    ...answers,
  };
  const report: Report = {
    ...known,
    headline: headline(known),
    arms: armsOf(record),
    learningCurve: curve,
    training: model && reportTraining(model, chosen),
    data,
    lineage: await attempt("hashes", [], () => reportLineage(store, cycle, { manifest, record })),
    links: {
      workflow: workflowPage(temporalUi, { namespace, workflowId: cycle.workflowId, runId: workflowExecution?.runId }),
      job: cycle.job?.url ?? null,
    },
    unknown: [...unknown, ...unasked(record), ...answers.unknown],
  };
  return reportSchema.parse(report);
}

const noAnswers: ReportedAnswers = { metrics: [], beyondChance: null, tables: [], changes: null, unknown: [] };

/** Attempts after which a report is made of what can be read. */
const patientAttempts = 5;

function isPassing(error: unknown): boolean {
  if (cancellationSignal().aborted) return true;
  return error instanceof TypedFailure && isRetryable(error.type) && activityInfo().attempt < patientAttempts;
}

async function readDecision(store: ObjectStore, { decision }: CycleReport): Promise<DecisionRecord | null> {
  return decision === null ? null : needDocument(store, decision.key, decisionRecordSchema);
}

async function answersOf(ports: ReportPorts, record: DecisionRecord | null): Promise<ReportedAnswers> {
  return record === null ? noAnswers : reportAnswers(ports, record);
}

/** Models that could not be asked. */
function unasked(record: DecisionRecord | null): Report["unknown"] {
  return (record?.arms ?? []).flatMap(({ name, model, failure }) =>
    failure === null ? [] : [{ what: `answers of ${name} ${model}`, reason: failure }],
  );
}

function armsOf(record: DecisionRecord | null): Report["arms"] {
  return (record?.arms ?? []).map(({ name, model, evaluation, answers, failure }) => ({
    name,
    model,
    evaluation,
    ...answers,
    failure,
  }));
}

async function put(store: ObjectStore, key: string, text: string, type: string): Promise<void> {
  await store.put(key, text, { contentType: `${type}; charset=utf-8` });
}
