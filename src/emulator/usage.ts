import { cloud, CLOUD_ID, creator, project } from "./catalog.ts";
import type { ComputeConfigs } from "./compute-configs.ts";
import type { JobQueues } from "./job-queues.ts";
import { nodeGroups } from "./node-groups.ts";
import type { JobRecord } from "./records.ts";

/** What an hour of one node costs, in US dollars. Made up: nothing here costs anything. */
export const HOURLY_USD = { node: 0.5, gpuNode: 4 } as const;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Days in UTC, both included, as `2026-01-31`. */
export interface Period {
  from: string;
  to: string;
}

/** What a job used in a period; by day, `date` is the day, else null. */
export interface Usage {
  job: JobRecord;
  date: string | null;
  costUsd: number;
}

/**
 * What jobs used: the time of their attempts at the price of their nodes, the head node and of each worker group the least
 * number, at least one. Jobs without any in the period are left out.
 */
export function usageOf(
  jobs: JobRecord[],
  period: Period,
  options: { byDate: boolean; computeConfigs: ComputeConfigs; nowMs: number },
): Usage[] {
  const [fromMs, toMs] = [Date.parse(period.from), Date.parse(period.to) + DAY_MS];
  return jobs.flatMap((job) => {
    const { compute_config_id: id = options.computeConfigs.default.id } = job.request.config;
    const hourlyUsd = hourlyPriceUsd(options.computeConfigs.get(id).config);
    const usage = (date: string | null, start: number, end: number): Usage[] => {
      const ranMs = runTimeMs(job, Math.max(start, fromMs), Math.min(end, toMs), options.nowMs);
      return ranMs === 0 ? [] : [{ job, date, costUsd: (ranMs / HOUR_MS) * hourlyUsd }];
    };
    if (!options.byDate) return usage(null, fromMs, toMs);
    const firstMs = Math.max(fromMs, startOfDay(Date.parse(job.createdAt)));
    const lastMs = Math.min(toMs, options.nowMs);
    const days = Array.from(
      { length: Math.max(0, Math.ceil((lastMs - firstMs) / DAY_MS)) },
      (_, day) => firstMs + day * DAY_MS,
    );
    return days.flatMap((dayMs) => usage(new Date(dayMs).toISOString().slice(0, 10), dayMs, dayMs + DAY_MS));
  });
}

/** Dollars for one hour of all nodes that a compute config asks for. */
export function hourlyPriceUsd(config: Record<string, unknown>): number {
  return nodeGroups(config).reduce((sum, { hasGpus, minNodes, maxNodes }) => {
    const nodes = Math.min(Math.max(1, minNodes), maxNodes);
    return sum + nodes * (hasGpus ? HOURLY_USD.gpuNode : HOURLY_USD.node);
  }, 0);
}

/** Usage as the API's rows: one credit is one dollar. */
export function usageRow({ job, date, costUsd }: Usage, queues: JobQueues) {
  const queue = queues.all().find(({ id }) => id === job.queueId);
  return {
    id: `${job.id}/${date ?? ""}`,
    anyscale_credits: costUsd,
    dollar_value: costUsd,
    date,
    user_id: creator.id,
    user_email: creator.email,
    user_name: creator.name,
    cloud_id: CLOUD_ID,
    cloud_name: cloud.name,
    project_id: job.request.project_id ?? project.id,
    project_name: project.name,
    cluster_id: job.clusterId,
    job_id: job.id,
    job_name: job.request.name,
    job_queue_id: job.queueId,
    job_queue_name: queue?.name ?? null,
    service_id: null,
    service_name: null,
    workspace_id: null,
    workspace_name: null,
  };
}

function runTimeMs(job: JobRecord, startMs: number, endMs: number, nowMs: number): number {
  return job.attempts.reduce((sum, { createdAt, finishedAt }) => {
    const from = Math.max(startMs, Date.parse(createdAt));
    const to = Math.min(endMs, finishedAt === null ? nowMs : Date.parse(finishedAt));
    return sum + Math.max(0, to - from);
  }, 0);
}

function startOfDay(ms: number): number {
  return ms - (ms % DAY_MS);
}
