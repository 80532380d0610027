import type { Hono } from "hono";
import { z } from "zod";
import { computeConfigAnswer, type ComputeConfigs } from "./compute-configs.ts";
import type { EmulatorEnv } from "./guard.ts";
import { page } from "./paging.ts";

const searchSchema = z.object({
  name: z.object({ equals: z.string().optional(), contains: z.string().optional() }).nullish(),
  version: z.int().nullish(),
  include_anonymous: z.boolean().optional(),
  archive_status: z.string().optional(),
  paging: z.object({ count: z.int().optional(), paging_token: z.string().nullish() }).optional(),
});
const createSchema = z.object({
  name: z.string().min(1).optional(),
  config: z.record(z.string(), z.unknown()),
  new_version: z.boolean().default(false),
});

/** Compute configs, in the internal and the external form of their routes. */
export function addComputeConfigs(
  app: Hono<EmulatorEnv>,
  { computeConfigs }: { computeConfigs: ComputeConfigs },
): void {
  app.get("/ext/v0/cluster_computes/default", (c) => {
    return c.json({ result: computeConfigAnswer(computeConfigs.default) });
  });
  for (const base of ["/api/v2/compute_templates", "/ext/v0/cluster_computes"]) {
    app.post(`${base}/search`, (c) => {
      const { paging, ...search } = searchSchema.parse(c.get("body"));
      const count = paging?.count === undefined ? c.req.query("count") : String(paging.count);
      const token = paging?.paging_token ?? c.req.query("paging_token");
      return c.json(page(computeConfigs.search(search).map(computeConfigAnswer), count, token));
    });
    app.post(`${base}/`, (c) => {
      const { name = null, config, new_version: newVersion } = createSchema.parse(c.get("body"));
      return c.json({ result: computeConfigAnswer(computeConfigs.create(name, config, newVersion)) });
    });
    app.get(`${base}/:id`, (c) => c.json({ result: computeConfigAnswer(computeConfigs.get(c.req.param("id"))) }));
    app.post(`${base}/:id/archive`, (c) => {
      computeConfigs.archive(c.req.param("id"));
      return c.json(null);
    });
  }
}
