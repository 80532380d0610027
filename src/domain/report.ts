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
    `Workflow \`${report.workflowId}\`, ${report.startedAt} to ${report.endedAt}.`,
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
      return `**It cannot be told whether ${challenger} is better; ${champion ?? "nothing"} stays champion.**`;
    case "rolled-back":
      return `**${challenger} won but could not be rolled out; ${champion ?? "nothing"} is champion.**`;
    case "failed":
      return `**The cycle failed; ${champion ?? "nothing"} stays champion.**`;
    case "cancelled":
      return `**The cycle was cancelled; ${champion ?? "nothing"} stays champion.**`;
  }
}

function reasons({ decision, failure }: CycleReport): string[] {
  const said = [...(decision?.reasons ?? []), ...(failure === null ? [] : [failure])];
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
  const on = testSet === null ? [] : ["", `${who} ${testSet.records} records of \`${testSet.key}\`.`];
  return [...table(["metric", ...measured.map(({ version }) => version)], rows), ...on];
}

function data({ datasetVersion, recordsPerSource }: CycleReport): string[] {
  const rows = Object.entries(recordsPerSource).map(([source, records]) => [source, String(records)]);
  return rows.length === 0 ? [] : [`Dataset version \`${datasetVersion}\`.`, "", ...table(["source", "records"], rows)];
}

function training({ job }: CycleReport): string[] {
  if (job === null) return [];
  const where = job.url === null ? `\`${job.id}\`` : `[\`${job.id}\`](${job.url})`;
  return [`Job ${where}: ${job.trainedRecords} records in ${job.trainSeconds.toFixed(1)} s.`];
}

function section(title: string, lines: string[]): string[] {
  return lines.length === 0 ? [] : [`## ${title}`, "", ...lines, ""];
}

function table(head: string[], rows: string[][]): string[] {
  if (rows.length === 0) return [];
  const line = (cells: string[]): string => `| ${cells.map(escapeMarkdown).join(" | ")} |`;
  return [line(head), `|${head.map(() => " --- |").join("")}`, ...rows.map(line)];
}

/** Text from outside shows as it is: no markup, links or images, and no control characters. */
function escapeMarkdown(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is removed
  return text.replace(/[\u0000-\u001f\u007f]/g, " ").replace(/[\\`*[\]<>|!#]|\b_|_\b/g, "\\$&");
}
