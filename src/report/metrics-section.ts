/** How good the models are: every metric with its intervals, and slices of the test set. */
import { html } from "hono/html";
import {
  countText,
  differenceIntervalText,
  differenceText,
  intervalText,
  shareText,
  valueText,
} from "../domain/report-numbers.ts";
import { beyondChanceSentence, confidenceSentence } from "../domain/report.ts";
import type { ArmName, Measured, Report, ReportMetric } from "../domain/report-schema.ts";
import {
  armNumbers,
  armOrder,
  armsSpec,
  armTitles,
  differenceNumbers,
  differenceSpec,
  domainOf,
  slicesSpec,
  type Domain,
} from "./chart-specs.ts";
import { code, figure, none, outside, section, sentence, table, type Html } from "./html.ts";
import { oneLine } from "./text.ts";

/** Metrics that get charts, the deciding ones first; tables have the rest. */
const mostCharts = 16;
/** Slices in one chart. */
const mostSlices = 40;
/** Rows of a table of slices, and of one of a metric pack's own. */
const mostRows = 100;

/** The metrics over the whole test set and the set of old skills; nothing when none was measured. */
export function metricsSection(report: Report): Html {
  const whole = report.metrics.filter(({ subset }) => !isSlice(subset));
  if (whole.length === 0) return none;
  const shown = whole.slice(0, mostCharts);
  const beyondChance = beyondChanceSentence(report);
  const rows = shown.map((metric) => metricRow(metric, domainsOf(metric, shown)));
  return section("metrics", "How good are the models", [
    html`<p class="note">${explanation(report)}</p>`,
    beyondChance === null ? none : html`<p>${sentence(beyondChance)}</p>`,
    ...rows,
    numbersTable("All metrics in numbers", whole),
    ...report.tables.map(packTable),
  ]);
}

/** How the models compare on parts of the test set; nothing when it has none. */
export function slicesSection(report: Report): Html {
  const slices = report.metrics.filter(({ subset }) => isSlice(subset));
  const [primary] = report.metrics;
  if (slices.length === 0 || primary === undefined) return none;
  const charted = slices.filter(({ metric, difference }) => metric === primary.metric && difference !== null);
  const drawnSlices = charted.toSorted((a, b) => b.total - a.total).slice(0, mostSlices);
  const domain = domainOf(drawnSlices.flatMap(differenceNumbers));
  const spec = domain === null ? null : slicesSpec(drawnSlices, domain);
  const label = `${primary.title}: difference of challenger and champion in ${drawnSlices.length} slices; the table has the numbers`;
  const deciding = slices.filter(({ role, metric }) => role !== "reported" || metric === primary.metric);
  return section("slices", "How good are they on parts of the questions", [
    html`<p class="note">
      A slice has fewer questions than the whole, so its intervals are wider: where one reaches over zero, the
      difference may be chance. Of slices without any difference, about ${shareText(report.policy?.alpha ?? 0.05)} look
      different by chance alone.
    </p>`,
    spec === null ? none : figure({ spec, label }, html`${outside(primary.title)}, by slice.`),
    numbersTable("Slices in numbers", (deciding.length > 0 ? deciding : slices).slice(0, mostRows)),
    deciding.length < slices.length || slices.length > mostRows
      ? html`<p class="note">Further metrics of slices are in ${code("report.json")}.</p>`
      : none,
  ]);
}

function isSlice(subset: string): boolean {
  return subset !== "test" && subset !== "retention";
}

function explanation(report: Report): Html {
  const { champion, arms, leaked } = report;
  const heard = arms.filter(({ failure }) => failure === null);
  const asked = `${countText(Math.max(0, ...heard.map((arm) => arm.asked)))} `;
  const who = heard.length > 1 ? "All were asked the same" : "It was asked";
  const unseen = leaked === 0 ? ", none of which is among the training data" : "";
  const difference =
    champion === null
      ? ""
      : " On the right is the difference, question by question: right of zero, the challenger has more.";
  return html`${who} ${asked}questions${unseen}. A dot is what was measured; the line through it is where the true value
  may well lie.${difference} ${confidenceSentence(report)}`;
}

/** Charts of one unit share their ends, so that they can be compared by looking. */
function domainsOf(
  { unit }: ReportMetric,
  all: readonly ReportMetric[],
): { arms: Domain | null; difference: Domain | null } {
  const alike = all.filter((other) => other.unit === unit);
  const within: Domain = unit === "ratio" ? [-2, 102] : [-Infinity, Infinity];
  return {
    arms: domainOf(alike.flatMap(armNumbers), within),
    difference: domainOf(alike.filter(({ difference }) => difference !== null).flatMap(differenceNumbers)),
  };
}

function metricRow(metric: ReportMetric, domains: { arms: Domain | null; difference: Domain | null }): Html {
  const { title, difference, total } = metric;
  const differences = domains.difference === null ? null : differenceSpec(metric, domains.difference);
  const name = oneLine(title, 80);
  return html`<div class="metric">
    <div>
      <h3>${outside(title)} ${roleBadge(metric)}</h3>
      <p class="path">${code(metric.metric)}${metric.subset === "retention" ? " on the set of old skills" : ""}</p>
      <p class="note">${countText(total)} questions${changedText(metric)}${betterText(metric)}</p>
    </div>
    ${
      domains.arms === null || armNumbers(metric).length === 0
        ? html`<p class="note">No model has a value of its own here.</p>`
        : figure(
            { spec: armsSpec(metric, domains.arms), label: `${name}: ${armsText(metric)}` },
            sentence(armsText(metric)),
          )
    }
    ${
      differences === null || difference === null
        ? none
        : figure(
            { spec: differences, label: `${name}, difference: ${differenceSentence(metric)}` },
            sentence(differenceSentence(metric)),
          )
    }
  </div>`;
}

function roleBadge({ role }: ReportMetric): Html {
  switch (role) {
    case "primary":
      return html`<span class="badge">decides</span>`;
    case "guard":
      return html`<span class="badge">guard</span>`;
    case "reported":
      return none;
  }
}

function changedText({ changed, kind, better }: ReportMetric): string {
  if (changed === null) return "";
  if (changed.gained + changed.lost === 0) return "; the same for both models on each";
  const [gained, lost] = [countText(changed.gained), countText(changed.lost)];
  if (kind === "preference") return `; the challenger's answer was preferred for ${gained}, the champion's for ${lost}`;
  if (better === "higher") return `; ${gained} became right, ${lost} became wrong`;
  return `; true of the challenger only for ${gained}, of the champion only for ${lost}`;
}

function betterText({ better }: ReportMetric): string {
  return better === "neither" ? "" : `; ${better} is better`;
}

function armsText({ arms, unit }: ReportMetric): string {
  const said = (valueOf: (measured: Measured) => number | null): string[] =>
    armOrder.flatMap((name) => {
      const measured = arms[name];
      const value = measured === undefined ? null : valueOf(measured);
      return value === null ? [] : [`${armTitles[name]} ${valueText(value, unit)}`];
    });
  const answered = said(({ ofAnswered }) => ofAnswered);
  const ofAnswered = answered.length === 0 ? "" : ` Of the answered questions alone: ${answered.join(", ")}.`;
  return `${said(({ value }) => value).join(", ")}.${ofAnswered}`;
}

function differenceSentence({ difference, unit, threshold, role }: ReportMetric): string {
  if (difference === null) return "";
  const range =
    difference.interval === null
      ? ""
      : `, ${differenceIntervalText(difference.interval, unit)} with ${shareText(difference.confidence)} confidence`;
  const line =
    threshold === null || role === "reported"
      ? ""
      : ` Dashed: ${role === "primary" ? "the least gain wanted" : "the loss allowed"}, ${differenceText(threshold, unit)}.`;
  return `${differenceText(difference.value, unit)}${range}.${line}`;
}

function numbersTable(caption: string, metrics: readonly ReportMetric[]): Html {
  const names = armOrder.filter((name) => metrics.some(({ arms }) => arms[name] !== undefined));
  const hasSubsets = metrics.some(({ subset }) => subset !== "test");
  const hasDifference = metrics.some(({ difference }) => difference !== null);
  const columns = [
    { head: "metric", as: "text" } as const,
    ...(hasSubsets ? [{ head: "on" }] : []),
    ...names.map((name) => ({ head: armTitles[name], as: "number" }) as const),
    ...(hasDifference ? [{ head: "difference", as: "number" } as const] : []),
    { head: "questions", as: "number" } as const,
  ];
  const rows = metrics.map((metric) => [
    html`${outside(metric.title)}`,
    ...(hasSubsets ? [outside(metric.subset === "test" ? "all" : metric.subset)] : []),
    ...names.map((name) => measuredCell(metric, name)),
    ...(hasDifference ? [differenceCell(metric)] : []),
    countText(metric.total),
  ]);
  return table(caption, columns, rows);
}

function measuredCell({ arms, unit }: ReportMetric, name: ArmName): Html {
  const measured = arms[name];
  if (measured === undefined) return html`<span class="note">not measured</span>`;
  const interval =
    measured.interval === null ? none : html`<br /><span class="note">${intervalText(measured.interval, unit)}</span>`;
  return html`${valueText(measured.value, unit)}${interval}`;
}

function differenceCell({ difference, unit }: ReportMetric): Html {
  if (difference === null) return html`<span class="note">none</span>`;
  const interval =
    difference.interval === null
      ? none
      : html`<br /><span class="note">${differenceIntervalText(difference.interval, unit)}</span> <br /><span
            class="note"
            >at ${shareText(difference.confidence)}</span
          >`;
  return html`${differenceText(difference.value, unit)}${interval}`;
}

function packTable({ arm, title, head, rows }: Report["tables"][number]): Html {
  const isNumber = head.map((_, index) => rows.every((row) => typeof row[index] === "number"));
  const columns = head.map((name, index) => ({
    head: oneLine(name, 60),
    as: isNumber[index] ? ("number" as const) : ("text" as const),
  }));
  const cells = rows
    .slice(0, mostRows)
    .map((row) => row.map((value) => (typeof value === "number" ? numberText(value) : outside(value))));
  return table(`${oneLine(title, 100)} (${armTitles[arm]})`, columns, cells);
}

function numberText(value: number): string {
  return Number.isInteger(value) ? countText(value) : String(Number(value.toPrecision(3)));
}
