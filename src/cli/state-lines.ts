/** A pipeline's state as lines for people. */
import { describeAnswer } from "../domain/approval.ts";
import type { PipelineView } from "../domain/pipeline.ts";
import { describeProgress, tally } from "../domain/reading.ts";
import type { Reading, SourceProgress } from "../domain/reading-schema.ts";

/** Columns of a bar. */
const barWidth = 24;

/** Control characters, which a reason from elsewhere could steer a terminal with. */
const unprintable = /\p{Cc}/gu;

/** All that is known of a pipeline, a line for each matter. */
export function stateLines(view: PipelineView): string[] {
  const { dataset, signals, reading } = view;
  const rows: [string, string][] = [
    ["pipeline", view.name],
    ["status", view.status],
    ["champion", view.champion ?? "none yet"],
    ["dataset", dataset.version === null ? "no version yet" : `version ${dataset.version}, ${dataset.records} records`],
    ["new", `${view.newRecords} of ${view.minNewRecords} records since the last cycle`],
    ["cycle", view.cycle ?? "none running"],
    ["last", view.lastOutcome ?? "no cycle yet"],
    ...(view.lastDecision === null ? [] : [row("decision", decisionLine(view.lastDecision))]),
    ...(view.approval === null ? [] : [row("approval", approvalLine(view.name, view.approval))]),
    ["updates", `${signals.applied} applied, ${signals.duplicates} duplicates, ${signals.rejected} rejected`],
    ...Object.entries(view.failedSources).map(([source, reason]) => row("failed", `${source}: ${reason}`)),
    ...view.rejected.slice(-3).map((reason) => row("rejected", reason)),
    ...(reading === null ? [] : readingRows(reading)),
  ];
  return rows.map(([what, value]) => `${what.padEnd(9)} ${value.replace(unprintable, " ")}`.trimEnd());
}

/** One line that says what has changed for those who follow: where the pipeline stands, and each source that is read. */
export function changeLine({ status, reading }: PipelineView): string {
  const each = Object.entries(reading?.perSource ?? {}).map(([source, said]) => `${source}: ${describeProgress(said)}`);
  return [status, each.join("; ")].join(" ").trimEnd().replace(unprintable, " ");
}

/** A bar that is so full, from 0 to 1. */
export function bar(ratio: number): string {
  const full = Math.round(Math.min(1, Math.max(0, ratio)) * barWidth);
  return "█".repeat(full) + "░".repeat(barWidth - full);
}

function readingRows(reading: Reading): [string, string][] {
  const { sources, read, failed, perSource } = reading;
  const names = Object.keys(perSource);
  const width = Math.max(0, ...names.map(({ length }) => length));
  return [
    row("sources", `${bar(sources === 0 ? 0 : (read + failed) / sources)} ${tally(reading)}`),
    ...Object.entries(perSource).map(([source, progress]) => {
      const done = doneRatio(progress);
      const shown = done === null ? "" : `${bar(done)} `;
      return row("", `${source.padEnd(width)} ${shown}${describeProgress(progress)}`);
    }),
  ];
}

/** How much of a source has been read; null when the source cannot tell how much there is. */
function doneRatio({ received, perSecond, etaSeconds }: SourceProgress): number | null {
  if (etaSeconds === null || perSecond === 0) return null;
  const seconds = received / perSecond;
  return seconds / (seconds + etaSeconds);
}

function decisionLine({ id, outcome }: NonNullable<PipelineView["lastDecision"]>): string {
  return `${outcome}, ${id} (tuneloop explain ${id})`;
}

function approvalLine(name: string, { cycle, until, answer }: NonNullable<PipelineView["approval"]>): string {
  if (answer !== null) return `${cycle}: ${describeAnswer(answer)}`;
  return `wanted for ${cycle} until ${until}: tuneloop approve ${name} --reason WHY, or reject`;
}

function row(what: string, value: string): [string, string] {
  return [what, value];
}
