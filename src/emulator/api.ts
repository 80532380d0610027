import { type Context, Hono } from "hono";
import { z } from "zod";
import { jobCreateSchema, serviceApplySchema } from "../anyscale/wire.ts";
import { jobAnswer, runAnswers, serviceAnswer, serviceState } from "./answers.ts";
import type { Bucket } from "./bucket.ts";
import { Catalog, cloud, CLOUD_ID, project, PROJECT_ID, userInfo } from "./catalog.ts";
import { faultSchema } from "./faults.ts";
import { type EmulatorEnv, errorAnswer, guard, type GuardContext, isAuthorized } from "./guard.ts";
import { addJobPages, overviewUrl } from "./job-page.ts";
import type { Jobs } from "./jobs.ts";
import { readLog, logPage } from "./logs.ts";
import { ServiceRefusal, type Services } from "./services.ts";
import type { JobRecord } from "./state.ts";

/** What the API needs from the rest of the emulator. */
export interface ApiContext extends GuardContext {
  bucket: Bucket;
  jobs: Jobs;
  services: Services;
}

const computeSearchSchema = z.object({ name: z.object({ equals: z.string() }), version: z.int().default(-1) });
const nameSearchSchema = z.object({ name: z.object({ equals: z.string() }) });
const computeCreateSchema = z.object({ name: z.string().optional(), config: z.record(z.string(), z.unknown()) });
const presignSchema = z.object({ file_name: z.string() });
const namedSchema = z.object({ name: z.string() });
const imageSchema = z.object({ image_uri: z.string() });
const runSearchSchema = z.object({ ha_job_ids: z.array(z.string()) });

/** The emulator's HTTP API, without the proxy of services. */
export function createApi(context: ApiContext): Hono<EmulatorEnv> {
  const app = new Hono<EmulatorEnv>({ strict: true });
  const guarded = guard(context);
  for (const family of ["/api/*", "/ext/*", "/bucket/*"]) app.use(family, guarded);
  app.onError((error) => {
    if (error instanceof ServiceRefusal) return errorAnswer(error.status, error.message);
    if (error instanceof z.ZodError) {
      const body = { error: { message: z.prettifyError(error), detail: error.issues } };
      return Response.json(body, { status: 422 });
    }
    return errorAnswer(500, String(error));
  });
  app.notFound((c) => errorAnswer(404, `${c.req.method} ${c.req.path} is no route of the emulator`));
  addLookups(app, new Catalog(context.state.lookups));
  addBucket(app, context);
  addJobs(app, context);
  addJobPages(app, context);
  addServices(app, context);
  addOrders(app, context);
  return app;
}

function addLookups(app: Hono<EmulatorEnv>, catalog: Catalog): void {
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

function addBucket(app: Hono<EmulatorEnv>, { bucket, jobs }: ApiContext): void {
  app.post("/api/v2/clouds/:id/generate_cloud_data_bucket_presigned_url", (c) => {
    const { file_name: fileName } = presignSchema.parse(c.get("body"));
    const result = bucket.presign(fileName, new URL(c.req.url).origin);
    return result === null ? errorAnswer(400, `file_name "${fileName}" is not a plain name`) : c.json({ result });
  });
  app.put("/bucket/runtime_env_packages/:file", async (c) => {
    const stored = await bucket.receive(c.req.param("file"), c.env.incoming);
    return stored ? c.body(null, 200) : errorAnswer(413, "the package is too large");
  });
  app.get("/bucket/joblogs/:attempt", (c) => {
    const { from = "0", to = "0" } = c.req.query();
    return new Response(readLog(jobs.logPath(c.req.param("attempt")), Number(from), Number(to)));
  });
}

function addJobs(app: Hono<EmulatorEnv>, { state, jobs, urls }: ApiContext): void {
  const answer = (job: JobRecord, c: Context<EmulatorEnv>) =>
    jobAnswer(job, overviewUrl(urls, job, new URL(c.req.url).origin));
  const base = "/api/v2/decorated_ha_jobs";
  app.post(`${base}/create`, (c) => {
    const job = jobs.create(jobCreateSchema.parse(c.get("body")));
    c.set("createdId", job.id);
    return c.json({ result: answer(job, c) });
  });
  app.get(`${base}/`, (c) => {
    const { name, project_id: projectId, cloud_id: cloudId, count, paging_token: token } = c.req.query();
    const states = c.req.queries("state_filter");
    const found = state.jobs
      .all()
      .filter(({ request }) => name === undefined || request.name === name)
      .filter(({ request }) => projectId === undefined || (request.project_id ?? PROJECT_ID) === projectId)
      .filter((job) => (cloudId ?? CLOUD_ID) === CLOUD_ID && (states?.includes(job.state) ?? true))
      .sort((a, b) => b.createdAt.localeCompare(a.createdAt));
    return c.json(
      page(
        found.map((job) => answer(job, c)),
        count,
        token,
      ),
    );
  });
  app.post(`${base}/job_runs/search`, (c) => {
    const ids = runSearchSchema.parse(c.get("body")).ha_job_ids;
    const found = ids.flatMap((id) => state.jobs.get(id) ?? []);
    return c.json({ results: Object.fromEntries(found.map((job) => [job.id, runAnswers(job)])) });
  });
  for (const path of [`${base}/:id`, "/ext/v0/production_jobs/:id"]) {
    app.get(path, (c) => {
      const job = state.jobs.get(c.req.param("id") ?? "");
      if (job === undefined) return errorAnswer(404, `there is no job ${c.req.param("id")}`);
      return c.json({ result: answer(job, c) });
    });
    app.post(`${path}/terminate`, (c) => {
      const job = state.jobs.get(c.req.param("id") ?? "");
      if (job === undefined) return errorAnswer(404, `there is no job ${c.req.param("id")}`);
      jobs.terminate(job);
      return c.json({ result: answer(job, c) });
    });
  }
  app.get("/api/v2/logs/job_logs_download_v2/:attempt?", (c) => {
    const attempt = c.req.param("attempt");
    const job = state.jobs.all().find(({ attempts }) => attempts.some(({ id }) => id === attempt));
    if (attempt && job === undefined) return errorAnswer(404, `there is no job run ${attempt}`);
    const url = `${new URL(c.req.url).origin}/bucket/joblogs/${attempt}`;
    const result = logPage(jobs.logPath(attempt ?? ""), c.req.query("next_page_token"), (from, to) => ({
      url: urls.sign(`${url}?from=${from}&to=${to}`),
      clusterId: job?.clusterId ?? "",
    }));
    return c.json({ result });
  });
}

function addServices(app: Hono<EmulatorEnv>, { state, services }: ApiContext): void {
  const base = "/api/v2/services-v2";
  app.put(`${base}/apply`, (c) => {
    const request = serviceApplySchema.parse(c.get("body"));
    const service = services.apply(request, request.project_id ?? PROJECT_ID);
    c.set("createdId", service.id);
    return c.json({ result: serviceAnswer(service, new URL(c.req.url).origin) });
  });
  app.get(`${base}/`, (c) => {
    const { name, project_id: projectId, count, paging_token: token } = c.req.query();
    const states = c.req.queries("state_filter");
    const found = state.services
      .all()
      .filter((service) => name === undefined || service.name === name)
      .filter((service) => projectId === undefined || service.projectId === projectId)
      .filter((service) => states?.includes(serviceState(service)) ?? true);
    return c.json(
      page(
        found.map((service) => serviceAnswer(service, new URL(c.req.url).origin)),
        count,
        token,
      ),
    );
  });
  app.get(`${base}/:id`, (c) => {
    const service = state.services.get(c.req.param("id"));
    if (service === undefined) return errorAnswer(404, `there is no service ${c.req.param("id")}`);
    return c.json({ result: serviceAnswer(service, new URL(c.req.url).origin) });
  });
  for (const path of [`${base}/:id/:order{rollback|terminate}`, "/ext/v0/services/:id/:order{rollback}"]) {
    app.post(path, (c) => {
      const service = state.services.get(c.req.param("id") ?? "");
      if (service === undefined) return errorAnswer(404, `there is no service ${c.req.param("id")}`);
      if (c.req.param("order") === "rollback") services.rollBack(service);
      else services.terminate(service);
      return c.json({ result: serviceAnswer(service, new URL(c.req.url).origin) });
    });
  }
}

/** What only an emulator has: faults to order and the ledger to read. These calls are not in the ledger. */
function addOrders(app: Hono<EmulatorEnv>, context: ApiContext): void {
  app.use("/emulator/*", async (c, next) => {
    if (isAuthorized(c, context)) return await next();
    return errorAnswer(401, "the token is missing or wrong");
  });
  app.get("/emulator/ledger", (c) => c.json({ entries: context.ledger.read(c.req.query("name") ?? null) }));
  app.get("/emulator/faults", (c) => c.json({ faults: context.faults.list() }));
  app.post("/emulator/faults", async (c) => {
    context.faults.add(faultSchema.parse(await c.req.json()));
    return c.json({ faults: context.faults.list() }, 201);
  });
  app.delete("/emulator/faults", (c) => {
    context.faults.clear();
    return c.json({ faults: [] });
  });
}

function page<T>(all: T[], count: string | undefined, token: string | undefined) {
  const start = Number(token ?? 0) || 0;
  const end = start + Math.max(1, Number(count ?? 50) || 50);
  return {
    results: all.slice(start, end),
    metadata: { total: all.length, next_paging_token: end < all.length ? String(end) : null },
  };
}
