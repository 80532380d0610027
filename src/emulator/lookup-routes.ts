import type { Hono } from "hono";
import { z } from "zod";
import { cloud, CLOUD_ID, project, PROJECT_ID, userInfo } from "./catalog.ts";
import type { EmulatorEnv } from "./guard.ts";
import { wholePage } from "./paging.ts";
import { Refusal } from "./refusal.ts";

const nameSearchSchema = z.object({ name: z.object({ equals: z.string() }) });
const namedSchema = z.object({ name: z.string() });

/** The one owner, cloud and project. Any name of a cloud or project means these: there is nothing else to choose. */
export function addLookups(app: Hono<EmulatorEnv>): void {
  app.get("/api/v2/userinfo/", (c) => c.json({ result: userInfo }));
  app.get("/api/v2/workos/deployment_infra", (c) => c.json({ result: { deployment_infra: "aws" } }));
  app.post("/api/v2/cli_usage/", (c) => c.json(null));
  app.get("/ext/v0/clouds/default", (c) => c.json({ result: cloud }));
  for (const family of ["/ext/v0", "/api/v2"]) {
    app.get(`${family}/clouds/`, (c) => c.json(wholePage([cloud])));
    app.get(`${family}/clouds/:id{cld_\\w+}`, (c) => {
      if (c.req.param("id") !== CLOUD_ID) throw new Refusal(404, `there is no cloud ${c.req.param("id")}`);
      return c.json({ result: cloud });
    });
  }
  app.post("/api/v2/clouds/find_by_name", (c) => {
    return c.json({ result: { ...cloud, name: namedSchema.parse(c.get("body")).name } });
  });
  app.get("/ext/v0/projects/default_project", (c) => c.json({ result: project }));
  app.post("/ext/v0/projects/search", (c) => {
    const name = nameSearchSchema.parse(c.get("body")).name.equals;
    return c.json(wholePage([{ ...project, name }]));
  });
  app.get("/api/v2/projects/find_by_name", (c) => c.json(wholePage([{ ...project, name: c.req.query("name") }])));
  for (const family of ["/ext/v0", "/api/v2"]) {
    app.get(`${family}/projects/:id{prj_\\w+}`, (c) => {
      if (c.req.param("id") !== PROJECT_ID) throw new Refusal(404, `there is no project ${c.req.param("id")}`);
      return c.json({ result: project });
    });
  }
}
