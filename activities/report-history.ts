/** How the pipeline has done over its cycles: each report carries the curve on, so that only the last one is read. */
import { z } from "zod";
import { cycleOfModel } from "../src/domain/ids.ts";
import { objectKeys } from "../src/domain/object-keys.ts";
import {
  learningPointSchema,
  type CycleReport,
  type LearningPoint,
  type ReportMetric,
} from "../src/domain/report-schema.ts";
import type { ObjectStore } from "../src/ports.ts";
import { readDocument } from "./documents.ts";

/** Cycles that the curve reaches back. */
const mostPoints = 200;

/** Of an earlier report, what the curve needs. */
const curveSchema = z.object({ learningCurve: z.array(learningPointSchema) });

/**
 * The curve with this cycle as its last point, if it has one. Points are of the same test set and metric: others cannot be
 * compared.
 */
export async function learningCurve(
  store: ObjectStore,
  report: CycleReport,
  primary: ReportMetric | undefined,
): Promise<LearningPoint[]> {
  const { testSet } = report;
  if (testSet === null || primary === undefined) return [];
  const own = pointOf(report, testSet.sha256, primary);
  const earlier = (await lastCurve(store, report)).filter(
    (point) => point.cycle !== report.cycle && point.metric === primary.metric && point.testSet === testSet.sha256,
  );
  return [...earlier, ...(own === null ? [] : [own])].slice(-mostPoints);
}

function pointOf(report: CycleReport, testSet: string, { metric, arms }: ReportMetric): LearningPoint | null {
  const { cycle, endedAt, outcome, job } = report;
  if (job === null || arms.challenger === undefined) return null;
  return { cycle, endedAt, outcome, trainedRecords: job.trainedRecords, testSet, metric, measured: arms.challenger };
}

/** The curve of the newest report before this one. */
async function lastCurve(store: ObjectStore, { pipeline, cycle }: CycleReport): Promise<LearningPoint[]> {
  const cycles = await reportedCycles(store, pipeline, cycle);
  const last = cycles.at(-1);
  if (last === undefined) return [];
  return (await readDocument(store, objectKeys.reportJson(last), curveSchema))?.value.learningCurve ?? [];
}

/** Cycles of a pipeline that have a report, the oldest first; with `before`, those before that one. */
export async function reportedCycles(store: ObjectStore, pipeline: string, before?: string): Promise<string[]> {
  const end = before === undefined ? null : cycleOfModel(pipeline, before);
  const cycles: { name: string; version: number; repeat: number }[] = [];
  for await (const { key } of store.list(objectKeys.reports(pipeline))) {
    const name = /^reports\/([^/]+)\/report\.json$/.exec(key)?.[1] ?? "";
    const of = cycleOfModel(pipeline, name);
    if (of !== null && (end === null || order(of, end) < 0)) cycles.push({ name, ...of });
  }
  return cycles.toSorted(order).map(({ name }) => name);
}

function order(a: { version: number; repeat: number }, b: { version: number; repeat: number }): number {
  return a.version - b.version || a.repeat - b.repeat;
}
