import type { BinaryComparison } from "./comparison-schema.ts";
import type { AnswerCounts } from "./decision-schema.ts";
import type { Prediction } from "./evaluation-schema.ts";
import { scoreAnswer, summarise, type Vocabulary } from "./functional-representation.ts";

/** Metrics of a model over a test set: a ratio each, null where no record counts. */
export function scorePredictions(
  predictions: readonly Prediction[],
  vocabulary: Vocabulary,
): Record<string, number | null> {
  return { ...summarise(predictions.map((prediction) => score(prediction, vocabulary))) };
}

/** How many questions were asked and how many of them got no answer, after all tries. */
export function countAnswers(predictions: readonly Prediction[]): AnswerCounts {
  return { asked: predictions.length, failed: predictions.filter(({ answer }) => answer === null).length };
}

/**
 * Both models on the same records, one entry per right-or-wrong metric. A failed answer counts as wrong: a model that
 * does not answer is no better than one that answers wrongly. Records that only one of them was asked do not count.
 */
export function comparePredictions(
  champion: readonly Prediction[] | null,
  challenger: readonly Prediction[],
  vocabulary: Vocabulary,
): BinaryComparison[] {
  const defended = new Map(champion?.map((prediction) => [prediction.id, score(prediction, vocabulary)]));
  const comparisons = new Map<string, BinaryComparison>();
  for (const prediction of challenger) {
    const defence = defended.get(prediction.id);
    if (champion !== null && defence === undefined) continue;
    for (const [metric, verdict] of Object.entries(score(prediction, vocabulary))) {
      if (metric === "failed_api_responses") continue;
      const entry = comparisons.get(metric) ?? emptyComparison(metric, champion !== null);
      add(entry, verdict === true, defence === undefined ? null : readVerdict(defence, metric));
      comparisons.set(metric, entry);
    }
  }
  return [...comparisons.values()];
}

type Scores = ReturnType<typeof scoreAnswer>;

function score({ expected, answer }: Prediction, vocabulary: Vocabulary): Scores {
  return scoreAnswer({ expected, predicted: answer }, vocabulary);
}

function readVerdict(scores: Scores, metric: string): boolean {
  return Object.entries(scores).some(([name, verdict]) => name === metric && verdict === true);
}

function emptyComparison(metric: string, hasChampion: boolean): BinaryComparison {
  return {
    metric,
    subset: "test",
    kind: "binary",
    unit: "ratio",
    better: "higher",
    total: 0,
    championRight: hasChampion ? 0 : null,
    challengerRight: 0,
    gained: 0,
    lost: 0,
  };
}

function add(entry: BinaryComparison, challengerRight: boolean, championRight: boolean | null): void {
  entry.total++;
  if (challengerRight) entry.challengerRight++;
  if (championRight === null) return;
  if (championRight) entry.championRight = (entry.championRight ?? 0) + 1;
  if (challengerRight && !championRight) entry.gained++;
  if (championRight && !challengerRight) entry.lost++;
}
