/** What a report says of answers: metrics of every arm, tables, and the answers that changed. */
import { setImmediate } from "node:timers/promises";
import { listChanges } from "../src/domain/changes.ts";
import type { Comparison } from "../src/domain/comparison-schema.ts";
import { compareArms } from "../src/domain/comparison.ts";
import type { DecisionRecord } from "../src/domain/decision-record-schema.ts";
import { armOf } from "../src/domain/decision-record.ts";
import { summarise, tablesOf, type ScoredAnswers } from "../src/domain/evaluation.ts";
import type { MetricPack } from "../src/domain/metrics/metric.ts";
import { changedRecords, choiceOf, reportChanges, shownChange } from "../src/domain/report-changes.ts";
import { reportMetrics, unusableMetrics } from "../src/domain/report-metrics.ts";
import type { ArmName, ChangedAnswer, Report, StandingOut } from "../src/domain/report-schema.ts";
import { subsetsOf } from "../src/domain/subsets.ts";
import type { ObjectStore, Ports } from "../src/ports.ts";
import { answeredQuestions } from "./arm-answers.ts";
import { openBasis, predictionsAt } from "./decision-basis.ts";

/** What comes of the answers. */
export type ReportedAnswers = Pick<Report, "metrics" | "beyondChance" | "tables" | "changes" | "unknown">;

/** Rows and columns of a table of a metric pack; larger ones help nobody. */
const mostCells = { rows: 200, columns: 50 };

/** Scores the stored answers of a decision's arms once more, in the memory of their values and one shard of each. */
export async function reportAnswers(
  ports: Pick<Ports, "store" | "metrics">,
  record: DecisionRecord,
): Promise<ReportedAnswers> {
  const { packs, score } = await openBasis(ports, record);
  const champion = armOf(record.arms, "champion");
  const scored = new Map<ArmName, ScoredAnswers>();
  for (const arm of record.arms) {
    if (arm.predictions.length > 0) scored.set(arm.name, await score(arm, arm.name === "challenger" ? champion : null));
  }
  const metrics = reportMetrics({
    policy: record.policy,
    comparisons: record.comparisons,
    base: {
      base: await compareAlone(scored.get("base"), packs, record),
      "base-few-shot": await compareAlone(scored.get("base-few-shot"), packs, record),
    },
    metrics: packs.flatMap((pack) => pack.metrics),
    ofAnswered: Object.fromEntries([...scored].map(([name, of]) => [name, summarise(of, packs)])),
  });
  return {
    metrics,
    beyondChance: beyondChance(record),
    tables: tables(scored, packs),
    changes: await changes(ports.store, record, scored, packs),
    unknown: unusableMetrics(record.comparisons),
  };
}

/** A model by itself, in the numbers that the challenger has in a comparison. */
async function compareAlone(
  scored: ScoredAnswers | undefined,
  packs: readonly MetricPack[],
  { policy }: DecisionRecord,
): Promise<Comparison[]> {
  if (scored === undefined) return [];
  const comparisons: Comparison[] = [];
  for (const comparison of compareArms({ champion: null, challenger: scored, packs, alpha: policy.alpha })) {
    comparisons.push(comparison);
    // Resampling takes its time: heartbeats and other activities of this worker get theirs.
    await setImmediate();
  }
  return comparisons;
}

/** Null where there is nobody to compare with. */
function beyondChance({ comparisons, policy }: DecisionRecord): Report["beyondChance"] {
  const { looked, better, worse } = listChanges(comparisons, policy.alpha);
  const named = ({ comparison: { metric, subset }, p }: (typeof better)[number]): StandingOut => ({
    metric,
    subset,
    p,
  });
  return looked === 0 ? null : { looked, better: better.map(named), worse: worse.map(named) };
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
  scored: ReadonlyMap<ArmName, ScoredAnswers>,
  packs: readonly MetricPack[],
): Promise<Report["changes"]> {
  const [defending, challenging] = [armOf(arms, "champion"), armOf(arms, "challenger")];
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
  const both = [predictionsAt(store, challenging), predictionsAt(store, defending)];
  for await (const { record, predictions } of answeredQuestions(store, testSet, both)) {
    const change = chosen.get(record.id);
    const [now, before] = predictions;
    if (!change || !now || !before) continue;
    const subsets = subsetsOf(record, slices).filter((subset) => subset !== "test");
    shown.push(shownChange({ change, record, subsets, champion: before, challenger: now }));
  }
  return reportChanges(all, shown);
}
