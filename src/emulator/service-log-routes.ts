import type { Hono } from "hono";
import type { EmulatorEnv } from "./guard.ts";
import { logPage, readLog } from "./logs.ts";
import { Refusal } from "./refusal.ts";
import { versionLog } from "./running-version.ts";
import { clusterIdOf, versionJobAnswer } from "./service-answers.ts";
import { type ServiceRecord, type VersionRecord, versionsOf } from "./service-records.ts";
import type { SignedUrls } from "./signed-urls.ts";
import type { State } from "./state.ts";

/** What the routes of service logs need from the rest of the emulator. */
export interface ServiceLogContext {
  state: State;
  urls: SignedUrls;
  versionsDirectory: string;
}

/**
 * The way to the log of a version: the job behind it, whose cluster has the log. To be added before the routes of jobs, as
 * the first step is one of theirs with an id that is not theirs.
 */
export function addServiceLogs(app: Hono<EmulatorEnv>, { state, urls, versionsDirectory }: ServiceLogContext): void {
  const find = (wanted: (version: VersionRecord) => boolean): [ServiceRecord, VersionRecord] | null => {
    for (const service of state.services.all()) {
      const version = [...versionsOf(service), ...service.ending, ...service.past].find(wanted);
      if (version !== undefined) return [service, version];
    }
    return null;
  };
  app.get("/api/v2/decorated_ha_jobs/:id", async (c, next) => {
    const found = find(({ productionJobId }) => productionJobId === c.req.param("id"));
    if (found === null) return await next();
    return c.json({ result: versionJobAnswer(...found, new URL(c.req.url).origin) });
  });
  app.get("/api/v2/logs/serve_logs_download/:cluster", (c) => {
    const cluster = c.req.param("cluster");
    const found = find((version) => clusterIdOf(version) === cluster);
    if (found === null) throw new Refusal(404, `there is no service version on cluster ${cluster}`);
    const [, { id, state: own }] = found;
    const { next_page_token: token, page_size: pageSize } = c.req.query();
    const url = `${new URL(c.req.url).origin}/bucket/servicelogs/${id}`;
    const log = { path: versionLog(versionsDirectory, id), isWhole: own === "TERMINATED" };
    const result = logPage(log, { token, pageSize }, (from, to) => ({
      url: urls.sign(`${url}?from=${from}&to=${to}`),
      clusterId: cluster,
    }));
    const chunks = result.log_chunks.map((chunk) => ({ ...chunk, file_name: "controller.log" }));
    return c.json({ result: { ...result, log_chunks: chunks } });
  });
  app.get("/bucket/servicelogs/:version", (c) => {
    const { from = "0", to = "0" } = c.req.query();
    return new Response(readLog(versionLog(versionsDirectory, c.req.param("version")), Number(from), Number(to)));
  });
}
