/** The words of alerts of a cycle, and what every alert is made of. Ids and numbers, never records or secrets. */
import { describeAnswer } from "./approval.ts";
import type { AwaitedApproval } from "./approval-schema.ts";
import type { Alert, AlertKind } from "./alert-schema.ts";
import { duration } from "./reading.ts";
import { leakWarning, missingSources, sharesInOrder, summary } from "./report.ts";
import { usdText } from "./report-numbers.ts";
import type { CycleReport } from "./report-schema.ts";
import { rollBackIn } from "./roll-back.ts";
import { shellWord } from "./shell.ts";

/** An alert before it is known when and by which run it is sent. */
export type AlertDraft = Omit<Alert, "format" | "at" | "runId">;

type Step = Alert["next"][number];

/** Sentences of one alert; more are to be found in the report, or where it leads to. */
export const mostSentences = 20;
/** Characters of one sentence: reasons of failures can be long, and histories hold alerts. */
const longestSentence = 1000;
/** Metrics shown at a glance. */
const mostMetrics = 5;
/** The same of shares of the traffic. */
const mostShares = 5;

/**
 * What people are told of a cycle's end, whichever it is.
 *
 * @param isOfPipeline whether a running pipeline has started the cycle, and not somebody by hand
 */
export function cycleAlert(report: CycleReport, reportUri: string | null, isOfPipeline: boolean): AlertDraft {
  const { outcome, decision, approval, pipeline, cycle, workflowId, job } = report;
  return draft({
    kind: outcome,
    pipeline,
    cycle,
    workflowId,
    title: titleOf(report),
    text: [
      ...(decision?.reasons ?? []),
      approval === null ? null : sentence(describeAnswer(approval)),
      leakWarning(report),
      missingSources(report),
      outcome === "cancelled" ? null : report.failure,
      reportUri === null ? "The report could not be written." : null,
    ],
    facts: factsOf(report),
    next: [...(reportUri === null ? [] : [readReport(cycle)]), ...nextOf(report, isOfPipeline)],
    links: [
      ...(reportUri === null ? [] : [{ name: "report", uri: reportUri }]),
      ...(job?.url ? [{ name: "training job", uri: job.url }] : []),
    ],
  });
}

/** How far a cycle is, for those who keep one message up to date. */
export function phaseAlert(report: CycleReport, phase: string): AlertDraft {
  const { pipeline, cycle, workflowId, champion, job } = report;
  return draft({
    kind: "phase",
    pipeline,
    cycle,
    workflowId,
    title: `${cycle}: ${phase}`,
    text: [`Cycle ${cycle} of ${pipeline} is under way; its end is told here.`],
    facts: [
      { name: "phase", value: phase },
      { name: "champion", value: champion?.version ?? "none yet" },
    ],
    links: job?.url ? [{ name: "training job", uri: job.url }] : [],
  });
}

/** A challenger has won and waits for somebody to agree. */
export function approvalAlert(of: {
  pipeline: { name: string };
  champion: string | null;
  decision: { reasons: string[] };
  awaited: AwaitedApproval;
}): AlertDraft {
  const { cycle, workflowId, until, onDeadline } = of.awaited;
  const command = (name: string): string => `tuneloop ${name} ${of.pipeline.name} --cycle ${cycle} --reason "why"`;
  const update = (name: string): string => {
    const input = JSON.stringify({ cycle, reason: "why", by: "your name" });
    return `temporal workflow update execute --workflow-id ${shellWord(workflowId)} --name ${name} --input '${input}'`;
  };
  const otherwise = onDeadline === "promote" ? "it is rolled out" : "the champion stays";
  return draft({
    kind: "approval-wanted",
    pipeline: of.pipeline.name,
    cycle,
    workflowId,
    title: `${cycle} has won and waits for an approval.`,
    text: [...of.decision.reasons, `When nobody has answered by ${until}, ${otherwise}.`],
    facts: [
      { name: "champion", value: of.champion ?? "none yet" },
      { name: "until", value: until },
    ],
    next: [
      explain(cycle),
      { what: "Roll it out", command: command("approve") },
      { what: "Keep the champion", command: command("reject") },
      { what: "Roll it out, by Temporal's CLI", command: update("approve") },
      { what: "Keep the champion, by Temporal's CLI", command: update("reject") },
    ],
  });
}

/** Nothing has happened: somebody tries whether alerts get through. */
export function testAlert(pipeline: string, at: string): Alert {
  const tried = draft({
    kind: "test",
    pipeline,
    workflowId: `pipeline/${pipeline}`,
    title: `${pipeline}: a test alert`,
    text: ["Nothing has happened. Alerts of this pipeline get here."],
    facts: [{ name: "pipeline", value: pipeline }],
    next: [state(pipeline)],
  });
  return { ...tried, format: 1, runId: null, at };
}

/** How much it matters: an error wants somebody to do something. */
export function severityOf(kind: AlertKind): Alert["severity"] {
  switch (kind) {
    case "promoted":
    case "phase":
    case "test":
      return "info";
    case "kept":
    case "inconclusive":
    case "cancelled":
    case "sources-failed":
    case "approval-wanted":
    case "rollout-held":
    case "step-approval-wanted":
    case "rollout-back":
    case "reaped":
      return "warning";
    case "rolled-back":
    case "failed":
    case "not-begun":
    case "update-failed":
    case "unreadable":
    case "rollback-fails":
    case "champion-silent":
    case "not-reaped":
      return "error";
  }
}

type Said = Pick<AlertDraft, "kind" | "pipeline" | "workflowId" | "title"> &
  Partial<Pick<AlertDraft, "cycle" | "facts" | "next" | "links">> & { text: (string | null)[] };

/** An alert of what is said: sentences that are too many or too long are cut. */
export function draft({ text, ...said }: Said): AlertDraft {
  const sentences = text.filter((one) => one !== null).map(shortened);
  const left = sentences.length - mostSentences;
  return {
    cycle: null,
    facts: [],
    next: [],
    links: [],
    ...said,
    severity: severityOf(said.kind),
    title: shortened(said.title),
    text: left > 0 ? [...sentences.slice(0, mostSentences), `And ${left} more.`] : sentences,
  };
}

/** What a challenger had of the users' traffic, and for how long: `10 % for 5 min, 50 % for 14 min`; the newest shares. */
export function sharesText(shares: NonNullable<CycleReport["rollout"]>): string {
  const met = sharesInOrder(shares.filter(({ percent }) => percent > 0)).slice(-mostShares);
  return met.map(({ percent, seconds }) => `${percent} % for ${duration(seconds)}`).join(", ") || "not yet";
}

/** One line that names the cycle: people read it among those of others. */
function titleOf(report: CycleReport): string {
  const said = summary(report).replaceAll("*", "");
  return said.includes(report.cycle) ? said : `${report.cycle}: ${said}`;
}

/** The numbers of the decision, and what the cycle was made of. */
function factsOf(report: CycleReport): Alert["facts"] {
  const { champion, challenger, testSet, job, costUsd, datasetVersion, decision, rollout } = report;
  // Whole words: the name of one metric can be a part of another's.
  const words = new Set((decision?.reasons ?? []).flatMap((reason) => reason.split(/\W+/)));
  const decisive = Object.entries(challenger?.metrics ?? {}).filter(([name]) => words.has(name));
  const shown = (value: number | null | undefined): string => (typeof value === "number" ? rounded(value) : "?");
  const seconds = (Date.parse(report.endedAt) - Date.parse(report.startedAt)) / 1000;
  return [
    ...decisive.slice(0, mostMetrics).map(([name, value]) => ({
      name,
      value: champion === null ? shown(value) : `${shown(champion.metrics[name])} → ${shown(value)}`,
    })),
    ...(rollout === null ? [] : [{ name: "met users", value: sharesText(rollout) }]),
    { name: "dataset", value: datasetVersion },
    ...(testSet === null ? [] : [{ name: "test set", value: `${testSet.records} records` }]),
    ...(job === null ? [] : [{ name: "trained on", value: `${job.trainedRecords} records` }]),
    ...(costUsd === null ? [] : [{ name: "cost", value: usdText(costUsd) }]),
    { name: "took", value: duration(seconds) },
  ];
}

/** Three decimals, the half up as in the decision's sentences: 0.9225 is 0.923 beside 92.3 %. */
function rounded(value: number): string {
  return (Math.round(value * 1000) / 1000).toFixed(3);
}

function nextOf(report: CycleReport, isOfPipeline: boolean): Step[] {
  const { outcome, cycle, pipeline, workflowId, decision } = report;
  const why = decision === null ? [] : [explain(cycle)];
  const back = backFirst(report);
  const again = isOfPipeline ? [back.length === 0 ? tryAgain(pipeline) : thenTrain(pipeline)] : [];
  switch (outcome) {
    case "promoted":
      return [...why, { what: "Check the decision", command: `tuneloop decision verify ${cycle}` }];
    case "kept":
      return why;
    case "inconclusive":
      return [...why, ...again];
    case "rolled-back":
      return [...back, ...why, look(`${workflowId}/roll-out`), ...again];
    case "failed":
      return [...back, ...why, look(workflowId), ...again];
    case "cancelled":
      return [...why, ...again];
  }
}

/** Where the champion does not serve, no cycle gets further before it does: the failure names the command for that. */
function backFirst({ pipeline, failure }: CycleReport): Step[] {
  if (!failure?.startsWith("ServiceChanged:")) return [];
  const command = rollBackIn(pipeline, failure);
  return command === null ? [] : [{ what: "Bring the champion back", command }];
}

function thenTrain(pipeline: string): Step {
  return { ...tryAgain(pipeline), what: "Then train once more" };
}

function explain(cycle: string): Step {
  return { what: "See why, and what would change it", command: `tuneloop explain ${cycle}` };
}

function readReport(cycle: string): Step {
  return { what: "Open the report", command: `tuneloop report ${cycle} --open` };
}

/** How to see what became of a workflow. */
export function look(workflowId: string): Step {
  return { what: "See what happened", command: `temporal workflow show --workflow-id ${shellWord(workflowId)}` };
}

/** How to see what a pipeline does. */
export function state(pipeline: string): Step {
  return { what: "See how the pipeline stands", command: `tuneloop state ${shellWord(pipeline)}` };
}

/** How to have the pipeline, which must be running, start a cycle. */
export function tryAgain(pipeline: string): Step {
  const id = shellWord(`pipeline/${pipeline}`);
  const command = `temporal workflow update execute --workflow-id ${id} --name runNow --input '{"reason": "once more"}'`;
  return { what: "Train once more", command };
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function shortened(text: string): string {
  if (text.length <= longestSentence) return text;
  // Not in the middle of a character.
  return `${text.slice(0, longestSentence - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}
