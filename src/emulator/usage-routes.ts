import { zipSync } from "fflate";
import type { Hono } from "hono";
import { z } from "zod";
import { CLOUD_ID, PROJECT_ID } from "./catalog.ts";
import type { ComputeConfigs } from "./compute-configs.ts";
import type { EmulatorEnv } from "./guard.ts";
import type { JobQueues } from "./job-queues.ts";
import { page } from "./paging.ts";
import type { State } from "./state.ts";
import { type Period, usageOf, usageRow } from "./usage.ts";

const daySchema = z
  .string()
  .transform((text) => text.slice(0, 10))
  .pipe(z.iso.date());
const periodSchema = z.object({ start_date: daySchema, end_date: daySchema });
const querySchema = periodSchema.extend({
  name_contains: z.string().nullish(),
  group_by_date: z.boolean().nullish(),
  asc: z.boolean().nullish(),
});
const csvSchema = periodSchema.extend({ cloud_id: z.string().optional(), project_id: z.string().optional() });

/** What jobs cost: rows per job, the sum, and the rows as a zipped CSV. */
export function addUsage(
  app: Hono<EmulatorEnv>,
  { state, queues, computeConfigs }: { state: State; queues: JobQueues; computeConfigs: ComputeConfigs },
): void {
  const base = "/api/v2/aggregated_instance_usage";
  const rows = ({ start_date: from, end_date: to }: z.infer<typeof periodSchema>, byDate: boolean) => {
    const period: Period = { from, to };
    const usage = usageOf(state.jobs.all(), period, { byDate, computeConfigs, nowMs: Date.now() });
    return usage.map((entry) => usageRow(entry, queues));
  };
  app.post(`${base}/cluster`, (c) => {
    const query = querySchema.parse(c.get("body"));
    const sign = query.asc === true ? 1 : -1;
    const found = rows(query, query.group_by_date === true)
      .filter(({ job_name: name }) => !query.name_contains || name.includes(query.name_contains))
      .sort((a, b) => sign * ((a.date ?? "").localeCompare(b.date ?? "") || a.dollar_value - b.dollar_value));
    return c.json(page(found, c.req.query("count"), c.req.query("paging_token")));
  });
  app.get(`${base}/`, (c) => {
    const sum = rows(periodSchema.parse(c.req.query()), false).reduce((total, row) => total + row.dollar_value, 0);
    return c.json({ result: { anyscale_credits: sum, dollar_value: sum, date: null } });
  });
  app.get(`${base}/download_csv`, (c) => {
    const query = csvSchema.parse(c.req.query());
    const isHere = (query.cloud_id ?? CLOUD_ID) === CLOUD_ID && (query.project_id ?? PROJECT_ID) === PROJECT_ID;
    const name = `aggregated_instance_usage_${query.start_date}_${query.end_date}`;
    const bytes = zipSync({ [`${name}.csv`]: new TextEncoder().encode(csv(isHere ? rows(query, true) : [])) });
    return c.body(new Uint8Array(bytes), 200, {
      "Content-Type": "application/zip",
      "Content-Disposition": `attachment; filename="${name}.zip"`,
    });
  });
}

const COLUMNS = ["date", "job_id", "job_name", "cluster_id", "project_name", "user_email", "dollar_value"] as const;

function csv(rows: ReturnType<typeof usageRow>[]): string {
  const lines = rows.map((row) => COLUMNS.map((column) => cell(String(row[column] ?? ""))).join(","));
  return [COLUMNS.join(","), ...lines, ""].join("\r\n");
}

/** A spreadsheet would take some first characters for a formula. */
function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return `"${safe.replaceAll('"', '""')}"`;
}
