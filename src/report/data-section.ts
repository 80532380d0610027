/** Where the training data came from, what was refused, and how everything hangs together. */
import { html } from "hono/html";
import { countText } from "../domain/report-numbers.ts";
import type { LineageStep, Report } from "../domain/report-schema.ts";
import { code, link, none, outside, section, table, type Html } from "./html.ts";

/** Sources of the dataset version and what was refused of them. */
export function dataSection({ data, datasetVersion, recordsPerSource }: Report): Html {
  const inAll = Object.entries(recordsPerSource);
  if (data === null && inAll.length === 0) return none;
  return section("data", "What it was trained on", [
    data === null
      ? html`<p>Dataset version ${code(datasetVersion)}.</p>`
      : html`<p>${splitText(datasetVersion, data.records)}</p>`,
    data === null ? none : receivedTable(data),
    data === null || data.otherSources === 0
      ? none
      : html`<p class="note">And ${countText(data.otherSources)} more sources: see the manifest.</p>`,
    table(
      "Records of each source in the whole dataset",
      [
        { head: "source", as: "text" },
        { head: "records", as: "number" },
      ],
      inAll.map(([source, records]) => [outside(source), countText(records)]),
    ),
    data === null ? none : quarantine(data),
  ]);
}

/** The chain from data to decision, by keys and hashes, and pages elsewhere. */
export function lineageSection(report: Report, bucketNote: string): Html {
  const { lineage, links, job, workflowId } = report;
  return section("lineage", "Where everything is", [
    html`<ul class="sentences">
      <li>Workflow: ${link(links.workflow, code(workflowId))}</li>
      ${job === null ? none : html`<li>Training job: ${link(links.job, code(job.id))}</li>`}
      <li>${bucketNote}</li>
    </ul>`,
    table(
      "From data to decision",
      [
        { head: "what" },
        { head: "name", as: "text" },
        { head: "in the bucket", as: "hash" },
        { head: "hash", as: "hash" },
      ],
      lineage.map(lineageRow),
    ),
  ]);
}

function splitText(version: string, { train, valid, test }: { train: number; valid: number; test: number }): Html {
  return html`Dataset version ${code(version)} holds ${countText(train + valid + test)} records: ${countText(train)} to
  train on, ${countText(valid)} to validate and ${countText(test)} to test. This is what the version brought:`;
}

function receivedTable({ sources }: NonNullable<Report["data"]>): Html {
  const hasFailed = sources.some(({ failure }) => failure !== null);
  return table(
    "New in this version, by source",
    [
      { head: "source", as: "text" },
      ...["received", "accepted", "duplicates", "refused"].map((head) => ({ head, as: "number" }) as const),
      ...(hasFailed ? [{ head: "could not be read", as: "text" } as const] : []),
    ],
    sources.map(({ source, received, accepted, duplicates, quarantined, failure }) => [
      outside(source),
      ...[received, accepted, duplicates, quarantined].map(countText),
      ...(hasFailed ? [failure === null ? none : outside(failure)] : []),
    ]),
  );
}

function quarantine({ quarantine, quarantineUnknown }: NonNullable<Report["data"]>): Html {
  if (quarantine.length === 0 && quarantineUnknown === 0) return html`<p>Nothing was refused.</p>`;
  return html`${table(
    "Why items were refused",
    [
      { head: "reason", as: "text" },
      { head: "items", as: "number" },
      { head: "for example", as: "hash" },
    ],
    quarantine.map(({ reason, items, example }) => [outside(reason), countText(items), code(example)]),
  )}${
    quarantineUnknown === 0
      ? none
      : html`<p class="note">${countText(quarantineUnknown)} refused items more, whose reasons are not listed here.</p>`
  }`;
}

function lineageRow({ what, name, key, hash }: LineageStep): Html[] {
  return [html`${what}`, code(name), key === null ? html`elsewhere` : code(key), hash === null ? none : code(hash)];
}
