/** Wire shapes of usage; see `wire.ts`. */
import { z } from "zod";

/** What one cluster cost, on one day if asked by day. `job_id` is of the job that it ran for. */
export const clusterUsageSchema = z.object({
  anyscale_credits: z.number(),
  dollar_value: z.number().nullish(),
  date: z.string().nullish(),
  cluster_id: z.string().nullish(),
  job_id: z.string().nullish(),
  service_id: z.string().nullish(),
});
export type ClusterUsage = z.infer<typeof clusterUsageSchema>;
