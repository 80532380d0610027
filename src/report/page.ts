/** The report as one HTML file that loads nothing, sends nothing and runs one small script known by its hash. */
import { createHash } from "node:crypto";
import { html, raw } from "hono/html";
import { timeText } from "../domain/report-numbers.ts";
import type { Report } from "../domain/report-schema.ts";
import { changesSection } from "./changes-section.ts";
import { dataSection, lineageSection } from "./data-section.ts";
import { filterScript } from "./filter-script.ts";
import { none, type Html } from "./html.ts";
import { metricsSection, slicesSection } from "./metrics-section.ts";
import { pageHeader, reasonsSection } from "./outcome-section.ts";
import { rolloutSection } from "./rollout-section.ts";
import { oneLine } from "./text.ts";
import { styleSheet } from "./theme.ts";
import { learningSection, timeSection } from "./training-section.ts";

/** Nothing may be loaded or sent; style and script only as they were written here. */
const policy = [
  "default-src 'none'",
  `style-src '${hashOf(styleSheet)}'`,
  `script-src '${hashOf(filterScript)}'`,
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

/** A whole page. */
export async function reportPage(report: Report): Promise<string> {
  const parts = partsOf(report).filter(({ body }) => body !== none);
  // Text of style and script is hashed as it stands between its tags.
  const [style, script] = [raw(`<style>${styleSheet}</style>`), raw(`<script>${filterScript}</script>`)];
  const page = await html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${raw(policy)}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="referrer" content="no-referrer" />
        <meta name="color-scheme" content="light dark" />
        <title>${oneLine(`${report.pipeline}, cycle ${report.cycle}: ${report.outcome}`)}</title>
        ${style}
      </head>
      <body>
        ${pageHeader(report, parts)}
        <main>${parts.map(({ body }) => body)}</main>
        <footer>${footer(report)}</footer>
        ${script}
      </body>
    </html> `;
  return page.toString();
}

function partsOf(report: Report): { id: string; title: string; body: Html }[] {
  const bucketNote = `Everything below is in the pipeline's bucket; this page is made of reports/${oneLine(report.cycle)}/report.json.`;
  return [
    { id: "why", title: "Why", body: reasonsSection(report) },
    { id: "metrics", title: "Metrics", body: metricsSection(report) },
    { id: "slices", title: "Slices", body: slicesSection(report) },
    { id: "changes", title: "Better and worse", body: changesSection(report) },
    { id: "rollout", title: "Users' traffic", body: rolloutSection(report) },
    { id: "learning", title: "Learning", body: learningSection(report) },
    { id: "data", title: "Data", body: dataSection(report) },
    { id: "time", title: "Time and cost", body: timeSection(report) },
    { id: "lineage", title: "Where everything is", body: lineageSection(report, bucketNote) },
  ];
}

function footer({ cycle, endedAt }: Report): string {
  return `Report of cycle ${oneLine(cycle)}, ${timeText(endedAt)}. Nothing in it is loaded from elsewhere.`;
}

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
