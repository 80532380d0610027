/** The metric pack for answers that are one of a set of labels. */
import type { Metric, MetricPackKind, MetricTable, MetricValue, Statistic } from "./metric.ts";
import { most } from "./most.ts";
import { normalisationOptions, normalised, readNormalisation } from "./normalised-match.ts";
import { readOptions } from "./options.ts";

/** Longest text that can be a label, in characters of its normalised form. */
const longestLabel = 100;
/** Longest answer that can be a label, in characters as it came. */
const longestText = 10_000;
/** Most labels that a confusion matrix shows, those most expected; the others are one row and one column. */
const mostShown = 20;

const metrics: readonly Metric[] = [
  { name: "accuracy", title: "Accuracy", unit: "ratio", better: "higher", kind: "binary", unanswered: false },
  { name: "macro_f1", title: "Macro F1", unit: "ratio", better: "higher", kind: "statistic", unanswered: null },
];

/**
 * Answers that are labels. Label of an answer is its normalised text, of at most 100 characters. The set of labels is that
 * of the expected answers.
 */
export const classification: MetricPackKind = {
  name: "classification",
  description: "answers that are one of a set of labels: accuracy, macro F1, confusion matrix",
  options: normalisationOptions,
  create(options) {
    const ignored = readNormalisation(readOptions("classification", options, Object.keys(normalisationOptions)));
    const labelOf = (text: string): string | null => {
      if (text.length > longestText) return null;
      const label = normalised(text, ignored);
      return label.length > longestLabel ? null : label;
    };
    return {
      name: "classification",
      policy: { primary: "accuracy", guards: [{ metric: "macro_f1", margin: 0.05 }] },
      metrics,
      score({ expected }, { answer }) {
        const pair = [labelOf(expected) ?? expected, labelOf(answer)];
        return { accuracy: pair[0] === pair[1], macro_f1: pair };
      },
      unanswered: ({ expected }) => ({ accuracy: false, macro_f1: [labelOf(expected) ?? expected, null] }),
      statistics: { macro_f1: macroF1 },
      tables: ({ macro_f1: pairs = [] }) => [confusionMatrix(pairs), labelTable(pairs)],
    };
  },
  fits: (expected) =>
    new Set(expected.map((answer) => normalised(answer))).size <= expected.length / 2 &&
    most(expected, (answer) => answer.trim().length <= longestLabel && !answer.trim().includes("\n")),
};

/**
 * Mean of the labels' F1 = 2 tp / (2 tp + fp + fn), each label that is expected at least once counting the same.
 * Source: Sokolova and Lapalme, Information Processing & Management 45 (2009) 427-437, table 3, in the form of the mean of
 * F1s (Opitz and Burst, arXiv:1911.03347, show how the F1 of means differs); scikit-learn's `f1_score(average="macro")`
 * over the expected labels. An answer that is none of them is a miss of the expected label and nothing else.
 */
export function macroF1(pairs: readonly MetricValue[]): Statistic {
  const { labels, wanted, given } = indexed(pairs);
  const [expected, answered, hit] = [0, 1, 2].map(() => new Float64Array(labels.length));
  return (weights) => {
    if (expected === undefined || answered === undefined || hit === undefined) return null;
    for (const counts of [expected, answered, hit]) counts.fill(0);
    for (let index = 0; index < wanted.length; index++) {
      const weight = weights === undefined ? 1 : (weights[index] ?? 0);
      const [want = 0, give = -1] = [wanted[index], given[index]];
      expected[want] = (expected[want] ?? 0) + weight;
      if (give >= 0) answered[give] = (answered[give] ?? 0) + weight;
      if (give === want) hit[want] = (hit[want] ?? 0) + weight;
    }
    let sum = 0;
    let counted = 0;
    for (let label = 0; label < labels.length; label++) {
      const support = expected[label] ?? 0;
      if (support === 0) continue;
      counted++;
      sum += (2 * (hit[label] ?? 0)) / (support + (answered[label] ?? 0));
    }
    return counted === 0 ? null : sum / counted;
  };
}

/** Labels in order of how often they are expected; of each pair the places of its labels, -1 for none of them. */
function indexed(pairs: readonly MetricValue[]): { labels: string[]; wanted: Int32Array; given: Int32Array } {
  const counts = new Map<string, number>();
  for (const pair of pairs) counts.set(labelAt(pair, 0), (counts.get(labelAt(pair, 0)) ?? 0) + 1);
  const labels = [...counts].toSorted((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([label]) => label);
  const places = new Map(labels.map((label, place) => [label, place]));
  const placesOf = (side: 0 | 1): Int32Array =>
    Int32Array.from(pairs, (pair) => (isLabelAt(pair, side) ? (places.get(labelAt(pair, side)) ?? -1) : -1));
  return { labels, wanted: placesOf(0), given: placesOf(1) };
}

function isLabelAt(pair: MetricValue, side: 0 | 1): boolean {
  return Array.isArray(pair) && typeof pair[side] === "string";
}

function labelAt(pair: MetricValue, side: 0 | 1): string {
  const label = Array.isArray(pair) ? pair[side] : "";
  return typeof label === "string" ? label : "";
}

function confusionMatrix(pairs: readonly MetricValue[]): MetricTable {
  const { labels, wanted, given } = indexed(pairs);
  const shown = labels.slice(0, mostShown);
  const hasOthers = labels.length > shown.length;
  const heads = [...shown, ...(hasOthers ? ["(other labels)"] : []), "(no label)"];
  const placeOf = (label: number): number => (label < 0 ? heads.length - 1 : Math.min(label, shown.length));
  const rows = heads.slice(0, -1).map(() => heads.map(() => 0));
  for (let index = 0; index < wanted.length; index++) {
    const row = rows[placeOf(wanted[index] ?? 0)];
    const column = placeOf(given[index] ?? -1);
    if (row !== undefined) row[column] = (row[column] ?? 0) + 1;
  }
  return {
    title: "Confusion matrix: expected labels down, answered ones across",
    head: ["expected", ...heads],
    rows: rows.map((row, index) => [heads[index] ?? "", ...row]),
  };
}

function labelTable(pairs: readonly MetricValue[]): MetricTable {
  const { labels, wanted, given } = indexed(pairs);
  const rows = labels.slice(0, mostShown).map((label, place) => {
    const isHit = (index: number): boolean => wanted[index] === place && given[index] === place;
    const hits = wanted.filter((_, index) => isHit(index)).length;
    const expected = wanted.filter((want) => want === place).length;
    const answered = given.filter((give) => give === place).length;
    const ratio = (of: number): string => (of === 0 ? "-" : (hits / of).toFixed(3));
    return [label, expected, ratio(answered), ratio(expected), ((2 * hits) / (expected + answered)).toFixed(3)];
  });
  return { title: "Labels, the most expected first", head: ["label", "expected", "precision", "recall", "F1"], rows };
}
