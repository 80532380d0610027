/** What a report says of the training: its data, the model it made, and where everything lies. */
import { datasetVersionSchema, type DatasetVersion } from "../src/domain/dataset-version-schema.ts";
import type { DecisionRecord } from "../src/domain/decision-record-schema.ts";
import { modelManifestSchema, type ChosenCheckpoint, type ModelManifest } from "../src/domain/model-version-schema.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import type { CycleReport, LineageStep, ReportData, Training } from "../src/domain/report-schema.ts";
import type { ObjectStore } from "../src/ports.ts";
import { hashObject } from "./decision-basis.ts";
import { needDocument, readDocument } from "./documents.ts";
import { readQuarantine } from "./quarantine.ts";

/** Sources in the report; there may be thousands. */
const mostSources = 100;
const mostReasons = 20;
const mostLossPoints = 500;

/** The manifest of a cycle's dataset version, such as `games@3`. Throws NotFound. */
export async function readManifest(store: ObjectStore, { datasetVersion }: CycleReport): Promise<DatasetVersion> {
  const [dataset = "", version = ""] = datasetVersion.split("@");
  return needDocument(store, objectKeys.version(dataset, Number(version)), datasetVersionSchema);
}

/** What the sources brought to a dataset version, and what was refused. */
export async function reportData(store: ObjectStore, manifest: DatasetVersion): Promise<ReportData> {
  const { perSource, failedSources, records } = manifest;
  const none = { received: 0, accepted: 0, duplicates: 0, quarantined: 0 };
  const sources = [
    ...Object.entries(failedSources).map(([source, failure]) => ({ source, ...none, failure })),
    ...Object.entries(perSource)
      .map(([source, counts]) => ({ source, ...counts, failure: null }))
      .toSorted((a, b) => b.received - a.received),
  ];
  const { reasons, unknown } = await readQuarantine(store, manifest);
  const rest = reasons.slice(mostReasons).reduce((sum, { items }) => sum + items, 0);
  return {
    records,
    sources: sources.slice(0, mostSources),
    otherSources: Math.max(0, sources.length - mostSources),
    quarantine: reasons.slice(0, mostReasons),
    quarantineUnknown: unknown + rest,
  };
}

/** The `model.json` of a cycle; null when its training left none. */
export async function readModelManifest(store: ObjectStore, report: CycleReport): Promise<ModelManifest | null> {
  const key = objectKeys.modelManifest(report.pipeline, report.cycle);
  return (await readDocument(store, key, modelManifestSchema))?.value ?? null;
}

/** How a model was trained. */
export function reportTraining(
  { recipe, baseModel, task, taskReason, loss }: ModelManifest,
  chosen: ChosenCheckpoint | null,
): Training {
  const every = Math.max(1, Math.ceil(loss.length / mostLossPoints));
  const points = loss.map((value, step) => ({ step: step + 1, loss: value }));
  const kept = points.filter(({ step }) => (step - 1) % every === 0 || step === points.length);
  return { recipe, baseModel, task, taskReason, chosen, loss: kept.filter((point) => Number.isFinite(point.loss)) };
}

/** The chain from the data to the decision, as far as the cycle got; hashes are of what lies there now. */
export async function reportLineage(
  store: ObjectStore,
  report: CycleReport,
  { manifest, record }: { manifest: DatasetVersion | null; record: DecisionRecord | null },
): Promise<LineageStep[]> {
  const { datasetVersion, testSet, job, cycle, pipeline, decision } = report;
  const steps: LineageStep[] = [
    {
      what: "dataset version",
      name: datasetVersion,
      key: manifest === null ? null : objectKeys.version(manifest.dataset, manifest.version),
      hash: manifest?.contentHash ?? null,
    },
  ];
  if (testSet !== null)
    steps.push({ what: "test set", name: `${testSet.records} questions`, key: testSet.key, hash: testSet.sha256 });
  if (job !== null) steps.push({ what: "training job", name: job.id, key: null, hash: null });
  const model = await hashObject(store, objectKeys.modelManifest(pipeline, cycle));
  if (model !== null) steps.push({ what: "model version", name: cycle, key: model.key, hash: model.sha256 });
  for (const { name, model: asked, evaluation } of record?.arms ?? []) {
    if (evaluation === null) continue;
    steps.push({ what: "evaluation", name: `${name} ${asked}`, key: `evaluations/${evaluation}/`, hash: evaluation });
  }
  const decided = decision === null ? null : await hashObject(store, decision.key);
  if (decision !== null)
    steps.push({ what: "decision", name: decision.outcome, key: decision.key, hash: decided?.sha256 ?? null });
  return steps;
}
