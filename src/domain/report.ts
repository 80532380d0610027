import { nameSome } from "./reading.ts";
import type { CycleReport } from "./report-schema.ts";

/** A cycle's report for people. Everything in it comes from the report; names from outside are escaped. */
export function reportMarkdown(report: CycleReport): string {
  return [
    `# ${report.pipeline}: cycle ${report.cycle}`,
    "",
    summary(report),
    "",
    ...section("Why", reasons(report)),
    ...section("Metrics", metrics(report)),
    ...section("Data", data(report)),
    ...section("Training", training(report)),
    ...section(
      "Time",
      table(
        ["phase", "seconds"],
        Object.entries(report.phases).map(([phase, seconds]) => [phase, seconds.toFixed(1)]),
      ),
    ),
    `Workflow ${code(report.workflowId)}, ${report.startedAt} to ${report.endedAt}.`,
    "",
  ].join("\n");
}

/** What happened, in a sentence. */
export function summary(report: CycleReport): string {
  const challenger = report.challenger?.version ?? report.cycle;
  const champion = report.champion?.version;
  switch (report.outcome) {
    case "promoted":
      return champion === undefined
        ? `**${challenger} is the first champion.**`
        : `**${challenger} is the new champion; it replaces ${champion}.**`;
    case "kept":
      return champion === undefined
        ? `**${challenger} is not good enough to be the first champion.**`
        : `**${champion} stays champion; ${challenger} got no traffic.**`;
    case "inconclusive":
      return `**It cannot be told whether ${challenger} is good enough; ${stays(champion)}.**`;
    case "rolled-back":
      return `**${challenger} won but could not be rolled out; ${stays(champion)}.**`;
    case "failed":
      return `**The cycle failed; ${stays(champion)}.**`;
    case "cancelled":
      return `**The cycle was cancelled; ${stays(champion)}.**`;
  }
}

function stays(champion: string | undefined): string {
  return champion === undefined ? "there is no champion yet" : `${champion} stays champion`;
}

function reasons({ decision, failure, leaked }: CycleReport): string[] {
  const said = [...(decision?.reasons ?? []), leakWarning({ leaked }), failure].filter((reason) => reason !== null);
  return said.map((reason) => `- ${escapeMarkdown(reason)}`);
}

function metrics({ champion, challenger, testSet }: CycleReport): string[] {
  const measured = [champion, challenger].filter((model) => model !== null);
  const names = [...new Set(measured.flatMap((model) => Object.keys(model.metrics)))];
  if (names.length === 0) return [];
  const rows = names.map((name) => [
    name,
    ...measured.map((model) => {
      const ratio = model.metrics[name];
      return typeof ratio === "number" ? ratio.toFixed(3) : "not measured";
    }),
  ]);
  const who = measured.length === 1 ? "On" : "Both on the same";
  const on = testSet === null ? [] : ["", `${who} ${testSet.records} records of ${code(testSet.key)}.`];
  return [...table(["metric", ...measured.map(({ version }) => version)], rows), ...on];
}

/** A warning when models were trained on what they are asked, or null. */
export function leakWarning({ leaked }: Pick<CycleReport, "leaked">): string | null {
  if (leaked === null || leaked === 0) return null;
  return `${leaked} training records ask a question of the test set: scores of models trained on them say too much.`;
}

/** Which sources had failed when the dataset version was made, or null. */
export function missingSources({ failedSources }: Pick<CycleReport, "failedSources">): string | null {
  const sources = Object.keys(failedSources);
  return sources.length === 0 ? null : `The dataset version was made without the newest of ${nameSome(sources)}.`;
}

function data({ datasetVersion, recordsPerSource, failedSources }: CycleReport): string[] {
  const rows = Object.entries(recordsPerSource).map(([source, records]) => [source, String(records)]);
  if (rows.length === 0) return [];
  const failures = Object.entries(failedSources);
  return [
    `Dataset version ${code(datasetVersion)}.`,
    "",
    ...table(["source", "records"], rows),
    ...(failures.length === 0 ? [] : ["", "Made without the newest of these, which failed:", ""]),
    ...table(["source", "reason"], failures),
  ];
}

function training({ job, costUsd }: CycleReport): string[] {
  const cost = costUsd === null ? [] : [`It has cost ${costUsd.toFixed(2)} USD.`];
  if (job === null) return cost;
  const id = code(job.id);
  const where = job.url !== null && plainUrl.test(job.url) ? `[${id}](${job.url})` : id;
  return [`Job ${where}: ${job.trainedRecords} records in ${job.trainSeconds.toFixed(1)} s.`, ...cost];
}

function section(title: string, lines: string[]): string[] {
  return lines.length === 0 ? [] : [`## ${title}`, "", ...lines, ""];
}

function table(head: string[], rows: string[][]): string[] {
  if (rows.length === 0) return [];
  const line = (cells: string[]): string => `| ${cells.map(escapeMarkdown).join(" | ")} |`;
  return [line(head), `|${head.map(() => " --- |").join("")}`, ...rows.map(line)];
}

/** A web address that is one word and cannot end its link early. */
const plainUrl = /^https?:\/\/[^\s()<>[\]`]+$/;

/** What would end a line or turn its direction round; C0 and C1 controls, separators and bidirectional marks. */
const unprintable = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** Text from outside shows as it is: no markup, no links with another text, no images, no control characters. */
function escapeMarkdown(text: string): string {
  return text.replace(unprintable, " ").replace(/[\\`*[\]<>|!#~&]|\b_|_\b/g, "\\$&");
}

/** A code span; backticks in it, which would end it, show as apostrophes. */
function code(text: string): string {
  return `\`${text.replace(unprintable, " ").replaceAll("`", "'")}\``;
}
