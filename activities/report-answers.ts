/** What a report says of answers: metrics of every arm, tables, and the answers that changed. */
import { setImmediate } from "node:timers/promises";
import type { Comparison } from "../src/domain/comparison-schema.ts";
import { compareArms } from "../src/domain/comparison.ts";
import type { DecidedArm, DecisionRecord } from "../src/domain/decision-record-schema.ts";
import { startScoring, summarise, tablesOf, type ScoredAnswers } from "../src/domain/evaluation.ts";
import type { Prediction } from "../src/domain/evaluation-schema.ts";
import type { MetricPack } from "../src/domain/metrics/metric.ts";
import { changedRecords, choiceOf, reportChanges, shownChange } from "../src/domain/report-changes.ts";
import { reportMetrics, unusableMetrics, type ArmValues } from "../src/domain/report-metrics.ts";
import type { ArmName, ChangedAnswer, Report } from "../src/domain/report-schema.ts";
import { subsetsOf } from "../src/domain/subsets.ts";
import type { ObjectStore, Ports } from "../src/ports.ts";
import { answeredQuestions } from "./arm-answers.ts";
import { needText, parsePredictions } from "./decision-basis.ts";
import { needDocument } from "./documents.ts";
import { vocabularySchema } from "./vocabulary.ts";

/** What comes of the answers. */
export type ReportedAnswers = Pick<Report, "metrics" | "tables" | "changes" | "unknown">;

/** Rows and columns of a table of a metric pack; larger ones help nobody. */
const mostCells = { rows: 200, columns: 50 };

type AnswerPorts = Pick<Ports, "store" | "metrics">;

/**
 * Scores the stored answers of a decision's arms once more, record by record, in the memory of one shard of each. `beat` is
 * called now and then.
 */
export async function reportAnswers(
  ports: AnswerPorts,
  record: DecisionRecord,
  beat: () => void,
): Promise<ReportedAnswers> {
  const { store, metrics: catalog } = ports;
  const vocabulary = await needDocument(store, record.vocabulary.key, vocabularySchema);
  const packs = await catalog.open(
    record.packs.map(({ sha256, ...choice }) => (sha256 === null ? choice : { ...choice, sha256 })),
    { vocabulary, prices: record.prices },
  );
  const scored = new Map<ArmName, ScoredAnswers>();
  for (const arm of record.arms) {
    if (arm.predictions.length > 0) scored.set(arm.name, await scoreArm(store, record, arm, packs, beat));
  }
  const metrics = reportMetrics({
    policy: record.policy,
    comparisons: record.comparisons,
    base: {
      base: await compareAlone(scored.get("base"), packs, record, beat),
      "base-few-shot": await compareAlone(scored.get("base-few-shot"), packs, record, beat),
    },
    metrics: packs.flatMap((pack) => pack.metrics),
    ofAnswered: Object.fromEntries([...scored].map(([name, of]) => [name, summarise(of, packs)])) satisfies ArmValues,
  });
  return {
    metrics,
    tables: tables(scored, packs),
    changes: await changes(store, record, { scored, packs, beat }),
    unknown: unusableMetrics(record.comparisons),
  };
}

async function scoreArm(
  store: ObjectStore,
  { testSet, slices, policy }: DecisionRecord,
  arm: DecidedArm,
  packs: readonly MetricPack[],
  beat: () => void,
): Promise<ScoredAnswers> {
  const scorer = startScoring({ packs, slices, wanted: policy.guards.map(({ on }) => on) });
  for await (const { record, predictions } of answeredQuestions(store, testSet, [predictionsOf(store, arm, beat)])) {
    const [prediction] = predictions;
    if (prediction) scorer.add(record, prediction);
  }
  return scorer.scored();
}

async function* predictionsOf(store: ObjectStore, arm: DecidedArm, beat: () => void): AsyncGenerator<Prediction> {
  for (const { key } of arm.predictions) {
    beat();
    yield* parsePredictions(await needText(store, key), key);
  }
}

/** A model by itself, in the numbers that the challenger has in a comparison. */
async function compareAlone(
  scored: ScoredAnswers | undefined,
  packs: readonly MetricPack[],
  { policy }: DecisionRecord,
  beat: () => void,
): Promise<Comparison[]> {
  if (scored === undefined) return [];
  const comparisons: Comparison[] = [];
  for (const comparison of compareArms({ champion: null, challenger: scored, packs, alpha: policy.alpha })) {
    comparisons.push(comparison);
    // Resampling takes its time: heartbeats and other activities of this worker get theirs.
    await setImmediate();
    beat();
  }
  return comparisons;
}

function tables(scored: ReadonlyMap<ArmName, ScoredAnswers>, packs: readonly MetricPack[]): Report["tables"] {
  return (["champion", "challenger"] as const).flatMap((arm) => {
    const of = scored.get(arm);
    if (of === undefined) return [];
    return tablesOf(of, packs).map(({ title, head, rows }) => ({
      arm,
      title,
      head: head.slice(0, mostCells.columns),
      rows: rows.slice(0, mostCells.rows).map((row) => row.slice(0, mostCells.columns)),
    }));
  });
}

/** Finds out which answers changed, then reads the texts of those that are shown. */
async function changes(
  store: ObjectStore,
  { arms, testSet, slices, policy }: DecisionRecord,
  {
    scored,
    packs,
    beat,
  }: { scored: ReadonlyMap<ArmName, ScoredAnswers>; packs: readonly MetricPack[]; beat: () => void },
): Promise<Report["changes"]> {
  const [defending, challenging] = (["champion", "challenger"] as const).map((name) =>
    arms.find((arm) => arm.name === name),
  );
  const [champion, challenger] = [scored.get("champion"), scored.get("challenger")];
  if (!defending || !challenging || !champion || !challenger) return null;
  const all = changedRecords(
    champion,
    challenger,
    packs.flatMap(({ metrics }) => metrics),
    policy.primary,
  );
  const chosen = new Map(choiceOf(all).map((change) => [change.id, change]));
  const shown: ChangedAnswer[] = [];
  const both = [predictionsOf(store, challenging, beat), predictionsOf(store, defending, beat)];
  for await (const { record, predictions } of answeredQuestions(store, testSet, both)) {
    const change = chosen.get(record.id);
    const [now, before] = predictions;
    if (!change || !now || !before) continue;
    const subsets = subsetsOf(record, slices).filter((subset) => subset !== "test");
    shown.push(shownChange({ change, record, subsets, champion: before, challenger: now }));
  }
  return reportChanges(all, shown);
}
