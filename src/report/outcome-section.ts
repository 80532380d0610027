/** The head of the page: what happened, why, and what would have led elsewhere. */
import { html } from "hono/html";
import { countText, secondsText, timeText, usdText } from "../domain/report-numbers.ts";
import { leakWarning, missingSources, policySentences } from "../domain/report.ts";
import { describeAnswer } from "../domain/approval.ts";
import type { CycleOutcome, Report, ReportMetric } from "../domain/report-schema.ts";
import { none, outside, section, sentence, sentences, type Html } from "./html.ts";

const badges: Record<CycleOutcome, { text: string; kind: "good" | "bad" | "unsure" }> = {
  promoted: { text: "promoted", kind: "good" },
  kept: { text: "not promoted", kind: "unsure" },
  inconclusive: { text: "undecided", kind: "unsure" },
  "rolled-back": { text: "rolled back", kind: "bad" },
  failed: { text: "failed", kind: "bad" },
  cancelled: { text: "cancelled", kind: "unsure" },
};

/** The title, the three sentences and a few facts. */
export function pageHeader(report: Report, parts: readonly { id: string; title: string }[]): Html {
  const { text, kind } = badges[report.outcome];
  const [happened = "", ...rest] = report.headline;
  return html`<header>
    <p class="over">
      ${outside(report.pipeline)}, cycle ${outside(report.cycle)} <span class="badge ${kind}">${text}</span>
    </p>
    <h1>${outside(happened)}</h1>
    ${rest.map((said) => html`<p class="lead">${sentence(said)}</p>`)}
    <dl class="facts">
      ${facts(report).map(
        ([name, value]) =>
          html`<div>
            <dt>${name}</dt>
            <dd>${value}</dd>
          </div>`,
      )}
    </dl>
    <nav aria-label="Parts of this report">
      <ul>
        ${parts.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}
      </ul>
    </nav>
  </header>`;
}

/** Why it was decided so, by what policy, and what would have changed it. */
export function reasonsSection(report: Report): Html {
  const approval = report.approval === null ? null : `${describeAnswer(report.approval)}.`;
  const reasons = [...(report.decision?.reasons ?? []), approval, report.failure].filter((reason) => reason !== null);
  const warnings = [leakWarning(report), missingSources(report)].filter((warning) => warning !== null);
  const policy = report.policy === null ? [] : policySentences(report.policy, metricIn(report));
  if (reasons.length + warnings.length + policy.length + report.unknown.length === 0) return none;
  return section("why", "Why", [
    sentences(reasons),
    warnings.length === 0 ? none : html`<h3>To be careful about</h3>`,
    sentences(warnings),
    report.wouldChange.length === 0 ? none : html`<h3>What would change the answer</h3>`,
    sentences(report.wouldChange),
    policy.length === 0 ? none : html`<h3>What was asked of the challenger</h3>`,
    sentences(policy),
    report.unknown.length === 0 ? none : html`<h3>What this report does not know</h3>`,
    sentences(report.unknown.map(({ what, reason }) => `${what}: ${reason}`)),
  ]);
}

function metricIn({ metrics }: Report): (metric: string) => Pick<ReportMetric, "unit" | "better"> {
  return (metric) => metrics.find((measured) => measured.metric === metric) ?? { unit: "ratio", better: "higher" };
}

function facts({ endedAt, startedAt, testSet, job, costUsd }: Report): [string, string][] {
  const seconds = (Date.parse(endedAt) - Date.parse(startedAt)) / 1000;
  return [
    ["Ended", timeText(endedAt)],
    ["Took", Number.isFinite(seconds) ? secondsText(seconds) : "not known"],
    ["Trained on", job === null ? "nothing" : `${countText(job.trainedRecords)} records`],
    ["Tested on", testSet === null ? "nothing" : `${countText(testSet.records)} questions`],
    ["Training cost", costUsd === null ? "not counted" : usdText(costUsd)],
  ];
}
