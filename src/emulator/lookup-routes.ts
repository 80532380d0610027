import type { Hono } from "hono";
import { z } from "zod";
import { Catalog, cloud, CLOUD_ID, project, PROJECT_ID, userInfo } from "./catalog.ts";
import { type EmulatorEnv, errorAnswer } from "./guard.ts";
import { page } from "./paging.ts";
import type { State } from "./state.ts";

const computeSearchSchema = z.object({ name: z.object({ equals: z.string() }), version: z.int().default(-1) });
const nameSearchSchema = z.object({ name: z.object({ equals: z.string() }) });
const computeCreateSchema = z.object({ name: z.string().optional(), config: z.record(z.string(), z.unknown()) });
const namedSchema = z.object({ name: z.string() });
const imageSchema = z.object({ image_uri: z.string() });

/** The look-ups that precede a submit or an apply: owner, cloud, project, compute config, image. */
export function addLookups(app: Hono<EmulatorEnv>, { state }: { state: State }): void {
  const catalog = new Catalog(state.lookups);
  const orMissing = (result: object | null, what: string) =>
    result === null ? errorAnswer(404, `there is no such ${what}`) : Response.json({ result });
  app.get("/api/v2/userinfo/", (c) => c.json({ result: userInfo }));
  app.get("/ext/v0/clouds/default", (c) => c.json({ result: cloud }));
  app.get("/ext/v0/clouds/:id", (c) => orMissing(c.req.param("id") === CLOUD_ID ? cloud : null, "cloud"));
  app.post("/api/v2/clouds/find_by_name", (c) => {
    return c.json({ result: { ...cloud, name: namedSchema.parse(c.get("body")).name } });
  });
  app.get("/ext/v0/cluster_computes/default", (c) => c.json({ result: catalog.defaultComputeConfig() }));
  app.get("/ext/v0/cluster_computes/:id", (c) => orMissing(catalog.computeConfig(c.req.param("id")), "compute config"));
  app.get("/api/v2/compute_templates/:id", (c) =>
    orMissing(catalog.computeConfig(c.req.param("id")), "compute config"),
  );
  app.post("/api/v2/compute_templates/search", (c) => {
    const { name, version } = computeSearchSchema.parse(c.get("body"));
    return c.json(page([catalog.computeConfigNamed(name.equals, Math.max(1, version))], undefined, undefined));
  });
  app.post("/api/v2/compute_templates/", (c) => {
    const { name, config } = computeCreateSchema.parse(c.get("body"));
    return c.json({ result: catalog.createComputeConfig(name, config) });
  });
  app.get("/ext/v0/projects/default_project", (c) => c.json({ result: project }));
  app.post("/ext/v0/projects/search", (c) => {
    const name = nameSearchSchema.parse(c.get("body")).name.equals;
    return c.json(page([{ ...project, name }], undefined, undefined));
  });
  app.get("/api/v2/projects/:id", (c) => orMissing(c.req.param("id") === PROJECT_ID ? project : null, "project"));
  app.get("/ext/v0/cluster_environment_builds/default", (c) => {
    const { ray_version: ray = "2.59.0", python_version: python = "py311" } = c.req.query();
    return c.json({ result: catalog.defaultBuild(ray, python) });
  });
  app.get("/ext/v0/cluster_environment_builds/:id", (c) => orMissing(catalog.build(c.req.param("id")), "build"));
  app.get("/ext/v0/cluster_environments/:id", (c) => {
    return orMissing(catalog.environment(c.req.param("id")), "cluster environment");
  });
  app.post("/api/v2/builds/get_or_create_build_from_image_uri", (c) => {
    return c.json({ result: catalog.buildOf(imageSchema.parse(c.get("body")).image_uri) });
  });
}
