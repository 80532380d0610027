/** The report as Markdown, for terminals, chats and pull requests. Texts from outside show as they are and do nothing. */
import {
  countText,
  differenceText,
  intervalText,
  secondsText,
  sureIntervalText,
  timeText,
  usdText,
  valueText,
} from "../domain/report-numbers.ts";
import { describeAnswer } from "../domain/approval.ts";
import {
  beyondChanceSentence,
  chosenSentence,
  confidenceSentence,
  leakWarning,
  missingSources,
} from "../domain/report.ts";
import type { Answer, ArmName, CutText, Report, ReportMetric } from "../domain/report-schema.ts";
import { armOrder, armTitles } from "./chart-specs.ts";
import { shareHead, shareRows, uncounted } from "./rollout-section.ts";
import { isPlainUrl, oneLine } from "./text.ts";

/** Changed answers of each direction; the page has more. */
const mostAnswers = 5;
/** Rows of a table. */
const mostRows = 100;

/** All of a report but its charts. */
export function reportMarkdown(report: Report): string {
  const [happened = "", ...rest] = report.headline;
  return [
    `# ${escapeMarkdown(report.pipeline)}: cycle ${escapeMarkdown(report.cycle)}`,
    "",
    `**${escapeMarkdown(happened)}**`,
    ...rest.flatMap((sentence) => ["", escapeMarkdown(sentence)]),
    "",
    ...section("Why", why(report)),
    ...section("Metrics", metrics(report)),
    ...section("What got better and what got worse", changes(report)),
    ...section("Users' traffic", traffic(report)),
    ...section("Training", training(report)),
    ...section("Data", data(report)),
    ...section("Time and cost", time(report)),
    ...section("Where everything is", lineage(report)),
  ].join("\n");
}

function why(report: Report): string[] {
  const said = [
    ...(report.decision?.reasons ?? []),
    report.approval === null ? null : `${describeAnswer(report.approval)}.`,
    report.failure,
    leakWarning(report),
    missingSources(report),
    ...report.wouldChange,
    ...report.unknown.map(({ what, reason }) => `${what} is not known: ${reason}`),
  ];
  return said.flatMap((reason) => (reason === null ? [] : [`- ${escapeMarkdown(reason)}`]));
}

function metrics(report: Report): string[] {
  const { metrics: all, testSet } = report;
  const arms = armOrder.filter((name) => all.some(({ arms: measured }) => measured[name] !== undefined));
  const head = ["metric", "on", "questions", ...arms.map((name) => armTitles[name]), "difference"];
  const rows = all
    .slice(0, mostRows)
    .map((metric) => [
      `${metric.title}${metric.role === "reported" ? "" : ` (${metric.role === "primary" ? "decides" : "guard"})`}`,
      metric.subset === "test" ? "all" : metric.subset,
      countText(metric.total),
      ...arms.map((name) => measuredText(metric, name)),
      changeText(metric),
    ]);
  if (rows.length === 0) return [];
  const beyondChance = beyondChanceSentence(report);
  const more =
    all.length > mostRows ? ["", `${countText(all.length - mostRows)} more are in the JSON beside this.`] : [];
  const sure = ["", escapeMarkdown(confidenceSentence(report))];
  const said = beyondChance === null ? [] : ["", escapeMarkdown(beyondChance)];
  return [
    ...table(head, rows),
    ...sure,
    ...said,
    ...(testSet === null ? [] : ["", `Test set ${code(testSet.key)}.`]),
    ...more,
  ];
}

function measuredText({ arms, unit }: ReportMetric, name: ArmName): string {
  const measured = arms[name];
  if (measured === undefined) return "not measured";
  return `${valueText(measured.value, unit)}${measured.interval === null ? "" : ` (${intervalText(measured.interval, unit)})`}`;
}

function changeText({ difference, unit }: ReportMetric): string {
  if (difference === null) return "";
  const range =
    difference.interval === null ? "" : ` (${sureIntervalText(difference.interval, unit, difference.confidence)})`;
  return `${differenceText(difference.value, unit)}${range}`;
}

function changes({ changes: all }: Report): string[] {
  if (all === null) return [];
  const shown = (["better", "worse"] as const).flatMap((direction) =>
    all.shown.filter((change) => change.direction === direction).slice(0, mostAnswers),
  );
  const counts = `${countText(all.better)} better, ${countText(all.worse)} worse${shown.length > 0 ? "; some of them:" : "."}`;
  const rows = shown.map(({ direction, question, expected, champion, challenger }) => [
    direction,
    cut(question.at(-1)?.content ?? null),
    cut(expected),
    answerText(champion),
    answerText(challenger),
  ]);
  return [counts, "", ...table(["", "question", "expected", "champion", "challenger"], rows)];
}

function answerText({ answer, error }: Answer): string {
  return answer === null ? `no answer: ${error ?? ""}` : cut(answer);
}

function cut(text: CutText | null): string {
  return text === null ? "" : oneLine(text.text, 200);
}

function training(report: Report): string[] {
  const { job, training: trained, links } = report;
  if (job === null) return [];
  const where = links.job !== null && isPlainUrl(links.job) ? `[${code(job.id)}](${links.job})` : code(job.id);
  const first = `Job ${where}: ${countText(job.trainedRecords)} records in ${secondsText(job.trainSeconds)}.`;
  if (trained === null) return [first];
  const [begin, end] = [trained.loss[0], trained.loss.at(-1)];
  const loss =
    begin === undefined || end === undefined
      ? []
      : [`Loss from ${digits(begin.loss)} to ${digits(end.loss)} in ${countText(end.step)} steps.`];
  const chosen = chosenSentence(report);
  const reason = trained.taskReason === null ? [] : [escapeMarkdown(trained.taskReason)];
  return [
    first,
    `Recipe ${code(trained.recipe)}, task ${code(trained.task)}.`,
    ...reason,
    ...(chosen === null ? [] : [escapeMarkdown(chosen)]),
    ...loss,
  ];
}

function data({ data: known, datasetVersion, recordsPerSource, failedSources }: Report): string[] {
  const failures = table(["source that failed", "reason"], Object.entries(failedSources));
  const version = `Dataset version ${code(datasetVersion)}.`;
  if (known === null) {
    const rows = Object.entries(recordsPerSource).map(([source, records]) => [source, countText(records)]);
    return rows.length === 0 ? [] : [version, "", ...table(["source", "records"], rows), ...spaced(failures)];
  }
  const rows = known.sources.map(({ source, received, accepted, duplicates, quarantined }) => [
    source,
    ...[received, accepted, duplicates, quarantined].map(countText),
  ]);
  const refused = known.quarantine.map(({ reason, items, example }) => [reason, countText(items), example]);
  return [
    version,
    ...spaced(table(["source", "received", "accepted", "duplicates", "refused"], rows)),
    ...spaced(failures),
    ...spaced(table(["refused because", "items", "for example"], refused)),
  ];
}

function time({ phases, costUsd, startedAt, endedAt }: Report): string[] {
  const rows = Object.entries(phases).map(([phase, seconds]) => [phase, secondsText(seconds)]);
  const cost =
    costUsd === null ? "What the training has cost is not counted." : `The training has cost ${usdText(costUsd)}.`;
  return [...table(["phase", "time"], rows), "", `${timeText(startedAt)} to ${timeText(endedAt)}. ${cost}`];
}

function traffic(report: Report): string[] {
  const rows = shareRows(report);
  return rows.length === 0 ? [] : [...table(shareHead, rows), "", uncounted];
}

function lineage({ lineage: steps, links, workflowId }: Report): string[] {
  const { workflow } = links;
  const where = workflow !== null && isPlainUrl(workflow) ? `[${code(workflowId)}](${workflow})` : code(workflowId);
  const rows = steps.map(({ what, name, key, hash }) => [what, name, key ?? "elsewhere", hash ?? ""]);
  return [`Workflow ${where}.`, ...spaced(table(["what", "name", "in the bucket", "hash"], rows))];
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`## ${title}`, "", ...lines, ""];
}

function spaced(lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ["", ...lines];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const line = (cells: readonly string[]): string => `| ${cells.map(escapeMarkdown).join(" | ")} |`;
  return [line(head), `|${head.map(() => " --- |").join("")}`, ...rows.map(line)];
}

function digits(number: number): string {
  return String(Number(number.toPrecision(3)));
}

/**
 * Text from outside shows as it is, on one line: no markup, no links, no images, no addresses that are made links by
 * themselves, no cell that a spreadsheet would compute.
 */
function escapeMarkdown(text: string): string {
  return oneLine(text, 2000)
    .replace(/[\\`*[\]<>|!#~&]|\b_|_\b/g, "\\$&")
    .replace(/:\/\//g, ":\\//")
    .replace(/\bwww\./gi, (start) => `${start.slice(0, -1)}\\.`)
    .replace(/^[=+@-](?=.)/, "\\$&");
}

/** A code span; backticks in it, which would end it, show as apostrophes. */
function code(text: string): string {
  return `\`${oneLine(text).replaceAll("`", "'")}\``;
}
