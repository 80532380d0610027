/** How `tuneloop evaluate` shows what it found, and how far it is. */
import { describeAsking } from "../domain/asking.ts";
import type { AskingProgress } from "../domain/evaluation-schema.ts";
import type { MeasuredMetric } from "../domain/measure.ts";
import { intervalText, secondsText, shareText, valueText } from "../domain/report-numbers.ts";
import { countText, cut, printable, wrapped } from "./printable.ts";
import { progressLine } from "./progress-line.ts";
import { table } from "./table.ts";

/** What an evaluation found; what `--json` prints. */
export interface EvaluationFound {
  model: string;
  /** Of the endpoint; null for a model version. */
  url: string | null;
  records: number;
  failed: number;
  /** Why questions have no answer, and how many. */
  failures: Record<string, number>;
  /** Null where an endpoint does not count them. */
  promptTokens: number | null;
  completionTokens: number | null;
  seconds: number;
  metrics: MeasuredMetric[];
  /** Metrics that have no value, and why. */
  unusable: Record<string, string>;
}

/** Confidence of the intervals. */
const confidence = 0.95;
/** Without a terminal, how often a line says how far it is, in milliseconds. */
const lineMs = 5000;
const widestBar = 30;
/** Fewer columns than this and there is no bar. */
const narrowest = 60;

/** What an evaluation found, for people: a table for each subset, or a list where the terminal is too narrow for it. */
export function describeFound(found: EvaluationFound, width: number): string {
  const { model, url, records, failed, seconds, metrics, unusable } = found;
  const of = url === null ? "" : ` at ${url}`;
  const asked = `${countText(records)} questions in ${secondsText(seconds)}; ${countText(failed)} have no answer.`;
  const head = [
    `${printable(model + of)} was asked ${asked}`,
    ...Object.entries(found.failures).map(([why, count]) => `${countText(count)} of them: ${printable(why)}`),
    ...tokensOf(found),
  ];
  const notes = Object.entries(unusable).map(([metric, why]) => printable(`${metric} has no value: ${why}`));
  const usable = metrics.filter(({ metric }) => !Object.hasOwn(unusable, metric));
  const subsets = Map.groupBy(usable, ({ subset }) => subset);
  return [
    paragraph(head, width),
    ...[...subsets].flatMap(([subset, of]) => ["\n", titleOf(subset), tableOf(of, width)]),
    ...(notes.length === 0 ? [] : ["\n", paragraph(notes, width)]),
  ].join("");
}

function titleOf(subset: string): string {
  return subset === "test" ? "" : `${printable(subset)}:\n`;
}

function tableOf(metrics: readonly MeasuredMetric[], width: number): string {
  const isSplit = metrics.some(({ ofAnswered }) => ofAnswered !== null);
  const columns = [
    "metric",
    "value",
    `${shareText(confidence)} interval`,
    ...(isSplit ? ["of answered"] : []),
    "questions",
  ];
  const rows = metrics.map(({ metric, unit, value, interval, ofAnswered, records }) => [
    metric,
    value === null ? "-" : valueText(value, unit),
    interval === null ? "-" : intervalText(interval, unit),
    ...(isSplit ? [ofAnswered === null ? "" : valueText(ofAnswered, unit)] : []),
    countText(records),
  ]);
  const aligned = columns.map((head, index) => ({ head, align: index === 0 ? ("left" as const) : ("right" as const) }));
  return table(aligned, rows, width);
}

function paragraph(lines: readonly string[], width: number): string {
  return lines
    .flatMap((line) => wrapped(line, width))
    .map((line) => `${line}\n`)
    .join("");
}

function tokensOf({ promptTokens, completionTokens }: EvaluationFound): string[] {
  if (promptTokens === null || completionTokens === null) return [];
  return [`Tokens: ${countText(promptTokens)} in the questions, ${countText(completionTokens)} in the answers.`];
}

/** Shows how far an evaluation is. */
export interface ShownProgress {
  show: (progress: AskingProgress) => void;
  /** A line that is not about counts. */
  say: (text: string) => void;
  end: () => void;
}

/** A bar at a terminal, elsewhere a line now and then. */
export function askingProgress(output: NodeJS.WriteStream): ShownProgress {
  const line = progressLine(output);
  let saidMs = Date.now();
  return {
    show(progress) {
      if (output.isTTY) {
        line.show(barOf(progress, output.columns || 80));
        return;
      }
      if (Date.now() - saidMs < lineMs) return;
      saidMs = Date.now();
      output.write(`${describeAsking(progress)}\n`);
    },
    say(text) {
      line.clear();
      output.write(`${text}\n`);
    },
    end: () => line.clear(),
  };
}

/** How far it is, in one line of a terminal. */
export function barOf(progress: AskingProgress, columns: number): string {
  const { records, answered, failed, lastFailure } = progress;
  const why = lastFailure === null ? "" : ` (${printable(lastFailure)})`;
  const text = describeAsking(progress) + why;
  // The last column is left free: a cursor behind it begins a new line on some terminals.
  if (columns < narrowest) return cut(text, columns - 1);
  const share = records === 0 ? 0 : (answered + failed) / records;
  const width = Math.min(widestBar, Math.floor(columns / 4));
  const full = Math.floor(share * width);
  const bar = "█".repeat(full) + "░".repeat(width - full);
  return cut(`${bar} ${Math.floor(share * 100)} %  ${text}`, columns - 1);
}
