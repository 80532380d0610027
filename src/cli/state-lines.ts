/** A pipeline's state as lines for people. */
import { describeAnswer } from "../domain/approval.ts";
import type { PipelineView } from "../domain/pipeline.ts";
import { describeProgress, tally } from "../domain/reading.ts";
import type { Reading, SourceProgress } from "../domain/reading-schema.ts";
import { describePause, sentenceOf, type RolloutView } from "../domain/rollout.ts";
import { bar } from "./bar.ts";
import { wrapped } from "./printable.ts";
import { rolloutChange, stepApproval } from "./rollout-lines.ts";

/** Control characters, which a reason from elsewhere could steer a terminal with. */
const unprintable = /\p{Cc}/gu;

/** Columns of what a line is about, with the space after it. */
const headWidth = 10;

/** A pipeline and the rollout that moves its users' traffic, or is about to; null when none does. */
export type ShownState = PipelineView & { rollout: (RolloutView & { workflowId: string }) | null };

/** All that is known of a pipeline, in lines of at most so many columns, the first of each matter with its name. */
export function stateLines(view: ShownState, columns: number): string[] {
  const { dataset, signals, reading, rollout } = view;
  const rows: [string, string][] = [
    ["pipeline", view.name],
    ["status", view.status],
    ["champion", view.champion ?? "none yet"],
    ["dataset", dataset.version === null ? "no version yet" : `version ${dataset.version}, ${dataset.records} records`],
    ["new", `${view.newRecords} of ${view.minNewRecords} records since the last cycle`],
    ["cycle", view.cycle ?? "none running"],
    ...(rollout === null ? [] : rolloutRows(view.name, rollout)),
    ...orderRows(view),
    ["last", view.lastOutcome ?? "no cycle yet"],
    ...(view.lastDecision === null ? [] : [row("decision", decisionLine(view.lastDecision))]),
    ...(view.approval === null ? [] : [row("approval", approvalLine(view.name, view.approval))]),
    ["updates", `${signals.applied} applied, ${signals.duplicates} duplicates, ${signals.rejected} rejected`],
    ...Object.entries(view.failedSources).map(([source, reason]) => row("failed", `${source}: ${reason}`)),
    ...view.rejected.slice(-3).map((reason) => row("rejected", reason)),
    ...(reading === null ? [] : readingRows(reading)),
  ];
  return rows.flatMap(([what, value]) =>
    wrapped(value.replace(unprintable, " "), Math.max(20, columns - headWidth)).map((line, index) =>
      `${(index === 0 ? what : "").padEnd(headWidth)}${line}`.trimEnd(),
    ),
  );
}

/**
 * One line that says what has changed for those who follow: where the pipeline stands, its rollout, and each source that is
 * read.
 */
export function changeLine({ status, reading, rollout }: ShownState): string {
  const each = Object.entries(reading?.perSource ?? {}).map(([source, said]) => `${source}: ${describeProgress(said)}`);
  const said = [...(rollout === null ? [] : [rolloutChange(rollout)]), ...each];
  return [status, said.join("; ")].join(" ").trimEnd().replace(unprintable, " ");
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

/** In short: what there is to know more is shown by the command in the last line. */
function rolloutRows(
  name: string,
  { model, champion, phase, percent, paused, gates, approvalUntil }: RolloutView,
): [string, string][] {
  const verdicts = gates.map(({ gate, verdict }) => `${gate} ${verdict}`).join(", ");
  return [
    row("rollout", `${champion === null ? model : `${model} beside ${champion}`}: ${phase}`),
    row("traffic", `${bar(percent / 100)} ${percent} %`),
    ...(paused === null ? [] : [row("", describePause(paused))]),
    ...(verdicts === "" ? [] : [row("gates", verdicts)]),
    ...(approvalUntil === null ? [] : [row("approval", stepApproval(name, approvalUntil))]),
    row("", `tuneloop rollout watch ${name}`),
  ];
}

/** Orders that were taken, and what is done about them. */
function orderRows({
  cycle,
  paused,
  pauseReason,
  pausedBy,
  runNowWanted,
  rollBack,
  rollBackWanted,
  lastRollBack,
}: ShownState): [string, string][] {
  const begun = rollBack === null ? lastRollBack : `${rollBack} is running`;
  const rollBackLine = rollBackWanted === null ? begun : `ordered: ${rollBackWanted.reason}`;
  const next = cycle === null ? "as soon as there is something to train on" : `as soon as ${cycle} has ended`;
  return [
    // Without a cycle, the status says so.
    ...(paused && cycle !== null ? [row("pipeline", sentenceOf("paused", pausedBy, pauseReason ?? ""))] : []),
    ...(runNowWanted ? [row("run now", `ordered: the next cycle begins ${next}`)] : []),
    ...(rollBackLine === null ? [] : [row("rollback", rollBackLine)]),
  ];
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
