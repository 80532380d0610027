/** What users met of the challenger. */
import { html } from "hono/html";
import { sharesInOrder } from "../domain/report.ts";
import { countText, secondsText } from "../domain/report-numbers.ts";
import type { Report } from "../domain/report-schema.ts";
import { none, section, table, type Html } from "./html.ts";

/** The columns of the table of shares. */
export const shareHead = ["challenger's share", "for", "looks"] as const;

/** A row for each share of the traffic that the challenger had. */
export function shareRows({ rollout }: Pick<Report, "rollout">): string[][] {
  return sharesInOrder(rollout ?? []).map(({ percent, seconds, looks }) => [
    `${countText(percent)} %`,
    secondsText(seconds),
    countText(looks),
  ]);
}

/** How many answers that makes is the service's to count. */
export const uncounted =
  "How many requests that were is not counted: the service gives each version its share and does not tell of what.";

/** How long the challenger had which share of the traffic; nothing where users have not met it. */
export function rolloutSection(report: Report): Html {
  const rows = shareRows(report);
  if (rows.length === 0) return none;
  const [share, time, looks] = shareHead;
  const columns = [{ head: share }, { head: time, as: "number" as const }, { head: looks, as: "number" as const }];
  return section("rollout", "Users' traffic", [
    table("What the challenger had of users' traffic, in order", columns, rows),
    html`<p>${uncounted}</p>`,
  ]);
}
