import { z } from "zod";
import { checked } from "./input.ts";
import { onAllPages } from "./paging.ts";
import type { CallOptions, Transport } from "./transport.ts";
import { type ClusterUsage, clusterUsageSchema } from "./usage-wire.ts";
import { pageOf } from "./wire.ts";

/** Days of usage, both included, in UTC: `2026-01-31`. A cluster that runs past midnight counts on both days. */
export interface UsagePeriod {
  from: string;
  to: string;
}

const periodSchema = z
  .strictObject({ from: z.iso.date("must be a day as 2026-01-31"), to: z.iso.date("must be a day as 2026-01-31") })
  .refine(({ from, to }) => from <= to, { path: ["to"], message: "must not be before from" });

/** What machines cost, by Anyscale's own count. It is written some time after the machines have run. */
export class Usage {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Dollars that the clusters of a job have cost on these days; null as long as nothing is counted of them, which is not the
   * same as nothing. Throws as `byCluster`.
   */
  async costOfJob(jobId: string, period: UsagePeriod, options: CallOptions = {}): Promise<number | null> {
    const costs: number[] = [];
    for await (const row of this.byCluster(period, options)) {
      if (row.job_id === jobId && typeof row.dollar_value === "number") costs.push(row.dollar_value);
    }
    return costs.length === 0 ? null : costs.reduce((sum, cost) => sum + cost, 0);
  }

  /** What each cluster has cost. Throws `InvalidRequestError` for a day that is none, and an `AnyscaleError`. */
  async *byCluster(period: UsagePeriod, options: CallOptions = {}): AsyncGenerator<ClusterUsage> {
    const { from, to } = checked("usage", periodSchema, period);
    const path = "/api/v2/aggregated_instance_usage/cluster";
    const body = { start_date: from, end_date: to };
    const reply = pageOf(clusterUsageSchema);
    yield* onAllPages(`POST ${path}`, async (token) => {
      const query = { paging_token: token, count: "50" };
      return await this.#transport.call({ method: "POST", path, query, body, reply, ...options });
    });
  }
}
